"""The sampled variance of the policy gradient against the exact lab's, by exact critics."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae import exact
from gpae.credit import gradient_moments, sample_estimators, score_products
from gpae.methods import Gpae, LearnedNetwork, Mappo
from gpae.networks import CategoricalPolicy

REPETITIONS = 128


@dataclass(frozen=True)
class Logits:
    """A policy network that reads logits [N, S, A] from a table."""

    def apply(self, table, hidden_state, observations, available_actions, resets):
        del available_actions, resets
        agents = jnp.arange(table.shape[0])
        return hidden_state, CategoricalPolicy(table[agents, observations.argmax(-1)])


@dataclass(frozen=True)
class ExactValues(LearnedNetwork):
    """A critic that reads a table [N, S, A^1, ..., A^N]."""

    def init(self, key, inputs):
        raise NotImplementedError

    def loss(self, params, minibatch):
        raise NotImplementedError

    def apply(self, params, hidden_state, inputs, resets):
        del resets
        place, taken = inputs.state.argmax(-1), inputs.action_features.argmax(-1)
        entry = (place, *jnp.moveaxis(taken, -1, 0))
        return hidden_state, jnp.stack([table[entry] for table in params], -1)


@pytest.fixture(scope="module")
def logits(lab):
    return jnp.log(jnp.asarray(lab.policy, jnp.float32))


@pytest.fixture(scope="module")
def places(lab, table_policy):
    """Every state of the game once, with any joint action."""
    states = lab.states[::12]
    return replace(states, hidden_states={"actor": (), "critic": ()})


def exact_tables(lab, method):
    values = exact.action_values(lab.game, lab.policy)
    if isinstance(method, Mappo):
        own = exact.state_values(lab.game, lab.policy)[:, None, None, None]
        return np.stack([np.broadcast_to(own, values.shape)] * 3)
    each = (exact.expected_values(values, lab.policy, agent) for agent in range(3))
    return np.stack([np.broadcast_to(one, values.shape) for one in each])


@pytest.mark.slow
@pytest.mark.parametrize(("method", "baseline"), [(Gpae(), "agent"), (Mappo(), "state")])
def test_variance_with_exact_critics_is_the_labs(
    lab, logits, places, make_learner, method, baseline, compile_quickly
):
    """Of all agents' gradients, over fresh actions and episodes, from every state."""
    learner = make_learner(method)
    plan = replace(
        learner.estimation,
        actor=Logits(),
        networks={"critic": ExactValues("critic", method.critic(lab.environment.spec.actions))},
    )
    learner = replace(learner, estimation=plan)
    params = {"actor": logits, "critic": jnp.asarray(exact_tables(lab, method), jnp.float32)}
    samples = sample_estimators(
        learner,
        {"own": method},
        params,
        places,
        repetitions=REPETITIONS,
        steps=40,
        fresh_actions=True,
    )
    products = score_products(Logits(), logits, places, samples.actions)
    moments = gradient_moments(products, samples.advantages["own"])
    visited = exact.occupancy(lab.game, lab.policy)
    measured = (visited * moments.square).sum() - (visited**2 * moments.signal).sum()
    known = sum(
        exact.gradient_variance(lab.game, lab.policy, agent, baseline, lambda_=0.95)
        for agent in range(3)
    )
    spread = samples.advantages["own"].std()
    assert spread > 0.1
    assert measured == pytest.approx(known, rel=0.15)


def test_products_are_those_of_gradients_sample_by_sample(logits, places):
    actions = np.random.default_rng(0).integers(0, 3, size=(4, 5, 3))
    advantages = np.random.default_rng(1).normal(size=(4, 5, 3))
    products = score_products(Logits(), logits, places, actions)

    def gradient(state, joint, weights):
        def weighted(table):
            policy = places[state : state + 1].policy(Logits(), table)
            return (policy.log_prob(joint[None])[0] * weights).sum()

        return jax.grad(weighted)(logits)

    each = np.array(
        [
            [gradient(s, jnp.asarray(actions[s, r]), advantages[s, r]) for r in range(5)]
            for s in range(4)
        ]
    ).reshape(4, 5, -1)
    moments = gradient_moments(products, advantages)
    np.testing.assert_allclose(moments.square, (each**2).sum(-1).mean(1), rtol=1e-5)
    np.testing.assert_allclose(moments.variance, each.var(1, ddof=1).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(moments.signal, moments.square - moments.variance)
