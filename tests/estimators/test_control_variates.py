"""This library's own estimators against their sums, their limits and the exact lab."""

import numpy as np
import pytest

from gpae import estimators, exact

TIGHT = {"rtol": 1e-12, "atol": 1e-12}
OWN = {"v_bootstrapped": "state_values", "q_corrected": "action_values"}

pytestmark = pytest.mark.usefixtures("float64")


@pytest.fixture(params=OWN)
def name(request):
    return request.param


@pytest.fixture
def window(make_window):
    return make_window(steps=8, batch=(2, 3), agents=3, seed=4)


def arguments(window, name, traces, *, of_each_agent=False):
    """Arguments in which the control variate is the window's expected rewards."""
    control, following = window["expected_rewards"], window["next_values"]
    if not of_each_agent:
        control, following = control[..., 0], following[..., 0]
    shared = ("rewards", "values", "discounts", "boundaries")
    given = {each: window[each] for each in shared}
    return given | {OWN[name]: control, "next_state_values": following, "traces": traces}


def estimate(name, given):
    return np.asarray(getattr(estimators, name)(**given))


def term_by_term(given, control):
    """``b - EQ + sum_l (prod g traces) (r + g V' - b)``, each product written out."""
    values = given["values"]
    traces = np.broadcast_to(given["traces"], values.shape)
    names = (control, "next_state_values", "rewards")
    b, following, rewards = (
        given[name] if given[name].ndim == values.ndim else given[name][..., None] for name in names
    )
    errors = np.broadcast_to(rewards + given["discounts"][..., None] * following - b, values.shape)
    result = np.broadcast_to(b, values.shape) - values
    for t, e, f, i in np.ndindex(values.shape):
        weight = 1.0
        for later in range(t, len(values)):
            result[t, e, f, i] += weight * errors[later, e, f, i]
            if later + 1 == len(values) or given["boundaries"][later, e, f]:
                break
            weight *= given["discounts"][later, e, f] * traces[later + 1, e, f, i]
    return result


@pytest.mark.parametrize("scheme", [None, "joint", "double", "untruncated"])
@pytest.mark.parametrize("of_each_agent", [False, True])
def test_advantages_are_the_sums_of_their_definition(window, name, scheme, of_each_agent):
    traces = 0.9 if scheme is None else estimators.traces(scheme, window["log_ratios"], 0.9)
    given = arguments(window, name, traces, of_each_agent=of_each_agent)
    if of_each_agent:
        given["rewards"] = window["bootstrap_weights"]
    np.testing.assert_allclose(estimate(name, given), term_by_term(given, OWN[name]), **TIGHT)


def test_v_bootstrapped_by_hand():
    # G_1 = 2 + 0 - 1 = 1; G_0 = 1 + .5*1 - .5 + .5*.5*1 = 1.25
    # A_0 = 1.25 + .5 - (0, 1); A_1 = 1 + 1 - (2, .5)
    found = estimators.v_bootstrapped(
        rewards=[1.0, 2.0],
        values=[[0.0, 1.0], [2.0, 0.5]],
        state_values=[0.5, 1.0],
        next_state_values=[1.0, 7.0],
        discounts=[0.5, 0.0],
        boundaries=[False, True],
        traces=0.5,
    )
    np.testing.assert_allclose(found, [[1.75, 0.75], [0.0, 1.5]], rtol=1e-15)


def test_q_corrected_by_hand():
    # dQ = 1 + .5*1 - 2 = -.5; 2 + 0 - 1 = 1.  D^1 = -.5 + .5*.5*1; D^2 = -.5 + .5*1*1
    # A_0 = 2 - (0, 1) + (-.25, 0); A_1 = 1 - (2, .5) + 1
    found = estimators.q_corrected(
        rewards=[1.0, 2.0],
        values=[[0.0, 1.0], [2.0, 0.5]],
        action_values=[2.0, 1.0],
        next_state_values=[1.0, 7.0],
        discounts=[0.5, 0.0],
        boundaries=[False, True],
        traces=[[9.0, 9.0], [0.5, 1.0]],
    )
    np.testing.assert_allclose(found, [[1.75, 1.0], [0.0, 1.5]], rtol=1e-15)


def test_decomposed_values_by_hand():
    q, values = estimators.decomposed_values([1.0, 2.0], [[0.5, -1.0], [0.0, 3.0]])
    np.testing.assert_array_equal(q, [0.5, 5.0])
    np.testing.assert_array_equal(values, [[0.0, 1.5], [5.0, 2.0]])


@pytest.mark.parametrize("lambda_", [0.0, 0.4, 1.0])
def test_v_bootstrapped_of_one_agent_with_eq_equal_v_is_gae(make_window, lambda_):
    window = make_window(steps=9, batch=(4,), agents=1, seed=3)
    team = {each: window[each] for each in ("rewards", "discounts", "boundaries")}
    state, following = window["values"][..., 0], window["next_values"][..., 0]
    found = estimators.v_bootstrapped(
        **team,
        values=window["values"],
        state_values=state,
        next_state_values=following,
        traces=lambda_,
    )
    expected = estimators.gae(**team, values=state, next_values=following, lambda_=lambda_)
    np.testing.assert_allclose(found[..., 0], expected, **TIGHT)


def test_at_lambda_zero_both_are_one_step_errors_of_v_less_eq(window, name):
    given = arguments(window, name, 0.0)
    expected = (window["rewards"] + window["discounts"] * given["next_state_values"])[..., None]
    np.testing.assert_allclose(estimate(name, given), expected - window["values"], **TIGHT)


def test_where_q_foresaw_every_reward_the_advantage_is_q_minus_eq_exactly(window):
    given = arguments(window, "q_corrected", 0.9)
    given["action_values"] = window["rewards"] + window["discounts"] * given["next_state_values"]
    expected = given["action_values"][..., None] - window["values"]
    np.testing.assert_array_equal(estimate("q_corrected", given), expected)


def test_a_scalar_trace_is_the_same_trace_everywhere_but_at_the_first_step(window, name):
    constant = np.full(window["values"].shape, 0.9)
    constant[0] = 100.0
    scalar = estimate(name, arguments(window, name, 0.9))
    np.testing.assert_allclose(estimate(name, arguments(window, name, constant)), scalar, **TIGHT)


@pytest.mark.parametrize("garbage", [100.0, np.nan, np.inf])
def test_nothing_crosses_a_boundary_and_a_truncation_bootstraps(make_window, name, garbage):
    window = make_window(steps=8, batch=(2, 1), agents=3, seed=11)
    window["discounts"] = np.full((8, 2, 1), 0.9)
    window["boundaries"] = np.arange(8)[:, None, None] == 3 * np.ones((1, 2, 1))
    before = estimate(name, arguments(window, name, 0.95))
    richer = dict(window, next_values=window["next_values"] + (window["boundaries"])[..., None])
    bootstrapped = estimate(name, arguments(richer, name, 0.95))
    np.testing.assert_allclose(bootstrapped[3] - before[3], 0.9, **TIGHT)
    for each in ("rewards", "values", "next_values", "expected_rewards"):
        window[each][4:] = garbage
    after = estimate(name, arguments(window, name, 0.95))
    np.testing.assert_array_equal(after[:4], before[:4])
    window["discounts"][3] = 0.0
    window["next_values"][3] = 100.0
    terminated = estimate(name, arguments(window, name, 0.95))
    final = window["rewards"][3][..., None] - window["values"][3]
    np.testing.assert_allclose(terminated[3], final, **TIGHT)


def test_advantages_of_a_step_stay_at_its_place(name):
    t, b, n = np.meshgrid(np.arange(3.0), np.arange(3.0), np.arange(3.0), indexing="ij")
    tags, team = 100 * t + 10 * b + n, np.zeros((3, 3))
    given = {"rewards": team, "values": -tags, OWN[name]: team, "next_state_values": team}
    found = estimate(name, given | {"discounts": team, "boundaries": team > 0, "traces": 0.0})
    np.testing.assert_array_equal(found, tags)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", [None, "double", "untruncated"])
def test_simulated_advantages_converge_to_the_exact_expectation(name, scheme):
    """Wrong critics, old data, agent 1: the mean given (s, a) is the lab's."""
    rng = np.random.default_rng(8)
    game = exact.random_game(rng, num_states=3, num_agents=2, num_actions=2, discount=0.6)
    logits, noise = rng.normal(size=(2, 2, 3, 2))
    target = exact.softmax_policy(logits)
    behaviour = exact.softmax_policy(logits + 0.5 * noise) if scheme else target
    wrong = exact.action_values(game, target) + 0.5 * rng.normal(size=game.rewards.shape)
    critics = exact.Critics.of(wrong, target, 1)
    sampled = exact.sample_trajectories(rng, game, behaviour, num=60_000, length=20)
    logs = np.log(exact.importance_ratios(target, behaviour))
    ratios = logs[np.arange(2), sampled.states[..., None], sampled.actions]
    v, table = (
        critics.state[sampled.states],
        exact.traces(scheme or "none", target, behaviour, 1, lambda_=0.9),
    )
    control = v if name == "v_bootstrapped" else sampled.lookup(critics.action)
    shape = sampled.rewards.shape
    given = {
        "rewards": sampled.rewards,
        "values": np.repeat(sampled.lookup(critics.agent)[:-1, :, None], 2, axis=-1),
        OWN[name]: control[:-1],
        "next_state_values": v[1:],
        "discounts": np.full(shape, 0.6),
        "boundaries": np.zeros(shape, bool),
        "traces": estimators.traces(scheme or "none", ratios[:-1], 0.9),
    }
    samples = estimate(name, given)[0, :, 1]
    expected = exact.expected_advantages(game, behaviour, name, critics, table)
    for entry in np.ndindex(expected.shape):
        here = samples[(sampled.states[0] == entry[0]) & (sampled.actions[0] == entry[1:]).all(-1)]
        assert abs(here.mean() - expected[entry]) < 4.5 * here.std() / np.sqrt(here.size)
        assert here.std() / np.sqrt(here.size) < 0.05
