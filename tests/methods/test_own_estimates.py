"""This library's own methods: their estimates, and a decomposed critic that one learns."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gpae.environments import ContinuousActions, DiscreteActions, EnvironmentSpec, Observation
from gpae.estimators import decomposed_values, gae, q_corrected, v_bootstrapped
from gpae.methods import QCorrected, UpdateSettings, VBootstrapped
from gpae.networks import CategoricalPolicy, GaussianPolicy, NetworkSettings

LAMBDA, AGENTS, OFF_POLICY = 0.8, 3, 0.5
CLOSE = {"rtol": 1e-4, "atol": 1e-5}
TIGHT = {"rtol": 1e-5, "atol": 1e-5}


def joint_ratio(evidence):
    return np.exp(np.asarray(evidence.log_ratios, np.float64)).prod(-1, keepdims=True)


def steps_of(evidence):
    return evidence.rewards, evidence.discounts, evidence.boundaries


def test_v_bootstrapped_on_policy_is_gae_with_the_baseline_eq(evidence):
    given = evidence()
    state = given.networks["state_critic"]
    result = VBootstrapped(lambda_=LAMBDA).estimate(given)
    rewards, discounts, boundaries = steps_of(given)
    v, following = state.values[..., 0], state.next_values[..., 0]
    errors = gae(rewards, v, following, discounts, boundaries, LAMBDA)[..., None]
    np.testing.assert_allclose(result.advantages, errors + v[..., None] - given.values, **TIGHT)
    np.testing.assert_allclose(result.targets["critic"], given.values + result.advantages, **TIGHT)
    np.testing.assert_allclose(result.targets["state_critic"], v[..., None] + errors, **TIGHT)
    np.testing.assert_array_equal(result.coefficients, 1.0)


@pytest.mark.parametrize("traces", ["joint", "double", "individual"])
@pytest.mark.parametrize("limit", [1.0, float("inf")])
def test_v_bootstrapped_with_reuse(evidence, with_critic, step_by_step, traces, limit):
    given = evidence(spread=OFF_POLICY)
    state = given.networks["state_critic"]
    method = VBootstrapped(lambda_=LAMBDA, trace_scheme=traces, target_limit=limit)
    result = method.estimate(given)
    of_state = with_critic(given, values=state.values, next_values=state.next_values)
    errors = step_by_step(of_state, LAMBDA * result.coefficients, np.ones((9, 4, AGENTS)))
    advantages = errors + state.values - given.values
    np.testing.assert_allclose(result.advantages, advantages, **CLOSE)
    own = np.minimum(limit, np.exp(np.asarray(given.log_ratios, np.float64)))
    np.testing.assert_allclose(
        result.targets["critic"], given.values + own * advantages, rtol=1e-3, atol=1e-4
    )
    joint = np.minimum(limit, joint_ratio(given))
    expected = state.values + joint * errors.mean(-1, keepdims=True)
    np.testing.assert_allclose(result.targets["state_critic"], expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("traces", ["joint", "double"])
@pytest.mark.parametrize("spread", [0.0, OFF_POLICY])
def test_q_corrected_reads_everything_off_one_decomposed_critic(
    evidence, with_critic, step_by_step, traces, spread
):
    given = evidence(values=1 + AGENTS, spread=spread)
    result = QCorrected(lambda_=LAMBDA, trace_scheme=traces).estimate(given)
    terms = given.values[..., 1:]
    q, values = decomposed_values(given.values[..., 0], terms)
    expected = q_corrected(
        given.rewards,
        values,
        q,
        given.next_values[..., 0],
        given.discounts,
        given.boundaries,
        LAMBDA * result.coefficients,
    )
    np.testing.assert_array_equal(result.advantages, expected)
    of_q = with_critic(given, values=q[..., None], next_values=given.next_values[..., :1])
    errors = step_by_step(of_q, LAMBDA * result.coefficients, np.ones((9, 4, AGENTS)))
    np.testing.assert_allclose(result.advantages, errors + terms, **CLOSE)
    weights = np.minimum(1.0, joint_ratio(given))
    target = q[..., None] + weights * errors.mean(-1, keepdims=True)
    np.testing.assert_allclose(result.targets["critic"], target, **CLOSE)


def test_without_credit_in_the_critics_all_is_gae(evidence, with_critic):
    """EQ^i = V makes V-bootstrapped GAE; no terms make Q-corrected GAE."""
    given = evidence()
    state = given.networks["state_critic"]
    alike = with_critic(given, values=jnp.broadcast_to(state.values, (9, 4, AGENTS)))
    rewards, discounts, boundaries = steps_of(given)
    v, following = state.values[..., 0], state.next_values[..., 0]
    expected = gae(rewards, v, following, discounts, boundaries, LAMBDA)[..., None]
    expected = np.repeat(expected, AGENTS, axis=-1)
    found = VBootstrapped(lambda_=LAMBDA).estimate(alike)
    np.testing.assert_allclose(found.advantages, expected, **TIGHT)
    nothing = jnp.zeros((9, 4, AGENTS))
    bare = with_critic(
        given,
        values=jnp.concatenate([state.values, nothing], -1),
        next_values=jnp.concatenate([state.next_values, nothing], -1),
    )
    found = QCorrected(lambda_=LAMBDA).estimate(bare)
    np.testing.assert_allclose(found.advantages, expected, **TIGHT)
    direct = v_bootstrapped(rewards, alike.values, v, following, discounts, boundaries, LAMBDA)
    np.testing.assert_allclose(direct, expected, **TIGHT)


def test_only_schemes_below_rho_are_without_a_caution():
    for scheme in ("joint", "double", "inner", "untruncated"):
        assert QCorrected(trace_scheme=scheme).cautions() == []
    for scheme in ("none", "individual"):
        (line,) = QCorrected(trace_scheme=scheme).cautions()
        assert f"trace_scheme={scheme} need not converge" in line
        assert VBootstrapped(trace_scheme=scheme).cautions() == []


def test_v_bootstrapped_has_a_state_value_for_each_agent_only_where_rewards_differ():
    for agent_rewards in (False, True):
        spec = EnvironmentSpec("test/any", 3, 2, 1, DiscreteActions(3), 1, (), agent_rewards)
        networks = VBootstrapped().networks(spec, NetworkSettings(), UpdateSettings())
        assert networks["critic"].spec.others_actions
        assert networks["state_critic"].spec.per_agent == agent_rewards
        assert not networks["state_critic"].spec.others_actions


SIZE = 4
"""Numbers of the observation and of the state."""


def decomposed_critic(actions, **method):
    spec = EnvironmentSpec("test/any", AGENTS, SIZE, SIZE, actions, None)
    settings = NetworkSettings(core="gru", hidden_size=8)
    return QCorrected(**method).networks(spec, settings, UpdateSettings())["critic"]


def observe(random, available):
    return Observation(
        state=jnp.asarray(random.normal(size=(1, 1, SIZE)), jnp.float32),
        observations=jnp.asarray(random.normal(size=(1, 1, AGENTS, SIZE)), jnp.float32),
        available_actions=available,
        alive=jnp.ones((1, 1, AGENTS), bool),
    )


@pytest.fixture(scope="module", params=[0, 1])
def discrete(request):
    """Values of joint actions, one at a time, and the policy; agent 2 can only take action 1."""
    random = np.random.default_rng(request.param)
    available = np.ones((1, 1, AGENTS, 3), bool)
    available[0, 0, 0, 2] = False
    available[0, 0, 2, [0, 2]] = False
    logits = np.where(available, random.normal(size=available.shape), -1e10)
    policy = CategoricalPolicy(jnp.asarray(logits, jnp.float32))
    critic = decomposed_critic(DiscreteActions(3))
    return run_critic(critic, random, policy, jnp.asarray(available)), policy


def run_critic(critic, random, policy, available):
    observation = observe(random, available)

    def inputs(actions):
        return critic.inputs(observation, policy, policy.summary(), actions)

    hidden_state = critic.initial_hidden_state(1, AGENTS)
    shapes = jax.eval_shape(critic.init, jax.random.key(0), inputs(policy.mode()))
    params = jax.tree.map(lambda leaf: jnp.asarray(random.normal(size=leaf.shape)), shapes)

    @jax.jit
    def values(actions):
        resets = jnp.ones((1, 1), bool)
        _, outputs = critic.apply(params, hidden_state, inputs(actions), resets)
        found = critic.values(outputs, actions)
        return found[0, 0], critic.predictions(found)[0, 0, 0]

    return values


def test_v_and_every_eq_are_means_of_q_under_the_policy(discrete):
    values, policy = discrete
    probabilities = np.asarray(policy.probabilities[0, 0], np.float64)
    q, v, terms = np.zeros((3, 3, 3)), np.zeros((3, 3, 3)), np.zeros((3, 3, 3, AGENTS))
    for joint in itertools.product(range(3), repeat=AGENTS):
        found, q[joint] = values(jnp.array([[joint]]))
        v[joint], terms[joint] = found[0], found[1:]
    np.testing.assert_allclose(q, v + terms.sum(-1), **TIGHT)
    assert np.ptp(v) == 0, "V is of no action"
    weights = np.einsum("a,b,c->abc", *probabilities)
    np.testing.assert_allclose((weights * q).sum(), v[0, 0, 0], **CLOSE)
    for agent in range(AGENTS):
        own = np.moveaxis(q, agent, -1) @ probabilities[agent]
        others = np.moveaxis(q - terms[..., agent], agent, -1)
        np.testing.assert_allclose(others, np.repeat(own[..., None], 3, -1), **CLOSE)
        moved = np.ptp(terms[..., agent], axis=tuple({0, 1, 2} - {agent}))
        np.testing.assert_array_equal(moved, 0.0, "a term is of its own action alone")


def test_with_pair_terms_v_and_every_eq_are_still_means_of_q():
    """And Q is no sum over agents any more."""
    random, uniform = np.random.default_rng(0), jnp.ones((1, 1, AGENTS, 3), bool)
    policy = CategoricalPolicy(jnp.asarray(random.normal(size=uniform.shape), jnp.float32))
    critic = decomposed_critic(DiscreteActions(3), pair_rank=2)
    values = run_critic(critic, random, policy, uniform)
    probabilities = np.asarray(policy.probabilities[0, 0], np.float64)
    q, v, terms = np.zeros((3, 3, 3)), np.zeros((3, 3, 3)), np.zeros((3, 3, 3, AGENTS))
    for joint in itertools.product(range(3), repeat=AGENTS):
        found, q[joint] = values(jnp.array([[joint]]))
        v[joint], terms[joint] = found[0], found[1 : 1 + AGENTS]
        np.testing.assert_allclose(q[joint], found.sum(), rtol=1e-5)
    scale = {"rtol": 1e-4, "atol": 1e-5 * np.abs(q).max()}
    np.testing.assert_allclose(np.einsum("abc,a,b,c->", q, *probabilities), v[0, 0, 0], **scale)
    for agent in range(AGENTS):
        own = np.moveaxis(q, agent, -1) @ probabilities[agent]
        others = np.moveaxis(q - terms[..., agent], agent, -1)
        np.testing.assert_allclose(others, np.repeat(own[..., None], 3, -1), **scale)
    interaction = q - q[:1] - q[:, :1] + q[:1, :1]
    assert np.abs(interaction).max() > 0.1 * np.abs(q).max()


def test_an_agent_without_a_choice_has_no_term(discrete):
    values, _ = discrete
    for joint in itertools.product(range(2), range(3), [1]):
        assert values(jnp.array([[joint]]))[0][1 + 2] == 0.0


def test_continuous_terms_have_mean_zero_under_the_gaussian_by_quadrature():
    random = np.random.default_rng(0)
    mask = np.ones((1, 1, AGENTS, 2), bool)
    mask[0, 0, 1, 1] = False
    policy = GaussianPolicy(
        mean=jnp.asarray(random.normal(size=mask.shape), jnp.float32),
        log_std=jnp.asarray(0.3 * random.normal(size=mask.shape), jnp.float32),
        mask=jnp.asarray(mask),
        low=-0.5,
        high=0.5,
    )
    critic = decomposed_critic(ContinuousActions(2, -0.5, 0.5))
    values = run_critic(critic, random, policy, jnp.asarray(mask))
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    weights = weights / weights.sum()
    mean, found = np.zeros(AGENTS), []
    for (x, p), (y, q) in itertools.product(zip(nodes, weights, strict=True), repeat=2):
        noise = jnp.array([x, y], jnp.float32)
        actions = jnp.where(policy.mask, policy.mean + jnp.exp(policy.log_std) * noise, 0.0)
        found.append(np.asarray(values(actions)[0], np.float64))
        mean += p * q * found[-1][1:]
    assert np.ptp(np.array(found)[:, 0]) == 0
    assert np.ptp(np.array(found)[:, 1:], axis=0).min() > 0.1
    np.testing.assert_allclose(mean, 0.0, atol=1e-4)


def test_features_of_a_dimension_that_an_agent_lacks_are_zero():
    mask = jnp.array([[True, False]])
    ones = jnp.ones((1, 2))
    policy = GaussianPolicy(mean=ones, log_std=ones, mask=mask, low=-1.0, high=1.0)
    features = policy.centred_features(jnp.array([[3.0, 3.0]]))
    np.testing.assert_allclose(features, [[2.0, 0.0, 4.0 - np.exp(2.0), 0.0]], rtol=1e-6)


@pytest.mark.slow
def test_a_decomposed_critic_regressed_on_a_payoff_learns_its_mean_and_main_effects():
    """The payoff is no sum over agents; what is left over is their interaction."""
    random = np.random.default_rng(2)
    payoffs = random.normal(size=(3, 3, 3))
    available = jnp.ones((27, 1, AGENTS, 3), bool)
    logits = jnp.asarray(random.normal(size=(AGENTS, 3)), jnp.float32)
    policy = CategoricalPolicy(jnp.broadcast_to(logits, available.shape))
    joint_actions = np.array(list(itertools.product(range(3), repeat=AGENTS)))
    actions, critic = jnp.asarray(joint_actions[:, None]), decomposed_critic(DiscreteActions(3))
    observation = jax.tree.map(
        lambda leaf: jnp.broadcast_to(leaf[:1], (27, *leaf.shape[1:])), observe(random, available)
    )
    inputs = critic.inputs(observation, policy, policy.summary(), actions)
    hidden_state, resets = critic.initial_hidden_state(1, AGENTS), jnp.ones((27, 1), bool)
    p = np.asarray(jax.nn.softmax(logits), np.float64)
    chances = np.einsum("a,b,c->abc", *p)
    weights, targets = jnp.asarray(chances.reshape(27, 1, 1)), payoffs.reshape(27, 1, 1)

    def values(params):
        return critic.values(critic.apply(params, hidden_state, inputs, resets)[1], actions)

    def loss(params):
        return (weights * (critic.predictions(values(params)) - targets) ** 2).sum()

    adam = optax.adam(optax.cosine_decay_schedule(1e-2, 3000))

    def step(carry, _):
        params, state = carry
        change, state = adam.update(jax.grad(loss)(params), state)
        return (optax.apply_updates(params, change), state), None

    params = critic.init(jax.random.key(0), inputs[:1])
    (params, _), _ = jax.jit(lambda carry: jax.lax.scan(step, carry, None, 3000))(
        (params, adam.init(params))
    )
    found, mean = np.asarray(values(params))[:, 0], (chances * payoffs).sum()
    np.testing.assert_allclose(found[:, 0], mean, atol=5e-3)
    for agent in range(AGENTS):
        others = tuple(1 + k for k in range(AGENTS - 1))
        given_own = (np.moveaxis(chances * payoffs, agent, 0)).sum(others) / p[agent]
        expected = (given_own - mean)[joint_actions[:, agent]]
        np.testing.assert_allclose(found[:, 1 + agent], expected, atol=5e-3)
