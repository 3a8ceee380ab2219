"""States are those of a collection in one piece, with every network's hidden state."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.credit import act, collect_states, pick_states, with_hidden_states_of
from gpae.credit.states import stream_seed
from gpae.training.collection import CollectionPlan, begin, collect
from gpae.training.estimation.forward import rollout_forward
from gpae.training.keys import Clock

STEPS, ENVIRONMENTS, SEED = 6, 3, 4


@pytest.fixture(scope="module")
def in_one_piece(gpae_learner):
    learner, params = gpae_learner
    seed, numbers = stream_seed(SEED, "states"), jnp.arange(ENVIRONMENTS)
    plan = CollectionPlan(learner.collection.environment, learner.actor, STEPS)

    def collected():
        start = begin(plan, seed, numbers, learner.initial_hidden_states(ENVIRONMENTS))
        clock = Clock(seed=jnp.uint32(seed), update=jnp.int32(0))
        _, rollout, acted, _ = collect(plan, params["actor"], start, clock, numbers)
        forwards = rollout_forward(learner.estimation, params, start.hidden_states, rollout, acted)
        return rollout, forwards

    return jax.jit(collected)()


def test_states_are_spread_evenly_and_have_their_hidden_states(gpae_learner, in_one_piece):
    learner, params = gpae_learner
    rollout, forwards = in_one_piece
    states = collect_states(
        learner, params, count=4, environments=ENVIRONMENTS, steps=STEPS, seed=SEED
    )
    times, environments = np.array([0, 1, 3, 4]), np.array([0, 1, 2, 0])
    np.testing.assert_array_equal(states.actions, rollout.steps.actions[times, environments])
    np.testing.assert_array_equal(
        states.observation.state, rollout.steps.observation.state[times, environments]
    )
    np.testing.assert_array_equal(states.environment_state["time"], times)
    np.testing.assert_array_equal(states.first, times == 0)
    for name in ("actor", "critic"):
        later = times > 0
        np.testing.assert_allclose(
            states.hidden_states[name][later],
            forwards[name].hidden_states[times[later] - 1, environments[later]],
            atol=1e-6,
        )


def test_policies_at_states_are_those_that_acted(gpae_learner, in_one_piece):
    learner, params = gpae_learner
    rollout, _ = in_one_piece
    states = collect_states(
        learner, params, count=18, environments=ENVIRONMENTS, steps=STEPS, seed=SEED
    )
    policy = states.policy(learner.actor, params["actor"])
    times, environments = np.arange(18) // 3, np.arange(18) % 3
    np.testing.assert_allclose(
        policy.log_prob(states.actions),
        rollout.steps.log_probs[times, environments],
        atol=1e-6,
    )


def test_more_states_than_steps_are_refused(gpae_learner):
    with pytest.raises(ValueError, match="count"):
        collect_states(*gpae_learner, count=19, environments=ENVIRONMENTS, steps=STEPS)


def test_another_learners_hidden_states_are_those_it_would_have_had(gpae_learner):
    learner, params = gpae_learner
    shape = {"environments": ENVIRONMENTS, "steps": STEPS, "seed": SEED}
    again = with_hidden_states_of(learner, params, act(learner, params, **shape))
    states = collect_states(learner, params, count=9, **shape)
    for left, right in zip(
        jax.tree.leaves(pick_states(again, 9)), jax.tree.leaves(states), strict=True
    ):
        np.testing.assert_allclose(left, right, atol=1e-6)
