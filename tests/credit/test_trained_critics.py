"""Critics trained on a fixed policy's data approach the exact values of a finite game."""

import jax
import numpy as np
import pytest

from gpae import exact
from gpae.credit import Judged, collect_batches, collect_states, critic_learner, train_critics
from gpae.credit.samples import sample_judged
from gpae.environments.finite_game import FiniteGame
from gpae.methods import Coma, Gpae, QCorrected, UpdateSettings
from gpae.networks import NetworkSettings
from gpae.training.policy_gradient import make_policy_gradient_learner
from gpae.training.settings import RolloutSettings, WindowSettings

VISITS = 24


@pytest.fixture(scope="module")
def game():
    rng = np.random.default_rng(3)
    return exact.random_game(rng, num_states=2, num_agents=2, num_actions=2, discount=0.8)


@pytest.fixture(scope="module")
def learner(game, compile_quickly):
    return make_policy_gradient_learner(
        FiniteGame(game),
        Gpae(),
        NetworkSettings(core="feedforward", hidden_size=8, head_hidden=False),
        RolloutSettings(environments=16, steps=16),
        WindowSettings(length=1),
        UpdateSettings(minibatches=2),
        discount=game.discount,
        total_env_steps=256,
    )


@pytest.fixture(scope="module")
def params(learner):
    params = jax.jit(learner.initial_state)(0).params
    return {"actor": jax.tree.map(lambda leaf: 2.0 * leaf, params["actor"])}


@pytest.fixture(scope="module")
def batches(learner, params):
    return collect_batches(learner, params, count=6)


def judged(learner, params, batches, method, visits=VISITS):
    update = UpdateSettings(
        epochs=8,
        minibatches=2,
        learning_rate=1e-2,
        value_clip=False,
        max_gradient_norm=10.0,
    )
    network = NetworkSettings(core="feedforward", hidden_size=32)
    made = critic_learner(learner, method, network, update, visits=visits)
    trained = train_critics(made, params, batches, visits=visits)
    at = collect_states(made, trained, count=24, environments=4, steps=12)
    return Judged(made, trained, at, {"own": method})


def exact_expected_values(game, learner, params, states):
    """EQ^i of the actor at the states, [S, N]."""
    places = np.asarray(states.environment_state["place"])
    policy = np.zeros((2, 2, 2))
    probabilities = states.policy(learner.actor, params["actor"]).probabilities
    policy[:, places] = np.asarray(probabilities).swapaxes(0, 1)
    values = exact.action_values(game, policy)
    entry = (places, *np.asarray(states.actions).T)
    each = (exact.expected_values(values, policy, agent) for agent in range(2))
    return np.stack([np.broadcast_to(one, values.shape)[entry] for one in each], -1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    [Gpae(), QCorrected(pair_rank=2), pytest.param(Coma(), marks=pytest.mark.exhaustive)],
)
def test_expected_values_approach_the_exact_ones(game, learner, params, batches, method):
    found = judged(learner, params, batches, method)
    (samples,) = sample_judged([found], repetitions=2, steps=4)
    right = exact_expected_values(game, learner, params, found.states)
    error = samples.baselines.mean(1) - right
    assert right.var() > 0.01
    assert (error**2).mean() < 0.05 * right.var()


def test_batches_are_of_one_policy_and_go_on_where_the_last_one_stopped(learner, params, batches):
    first, second = batches[0], batches[1]
    np.testing.assert_array_equal(first.last.state, second.rollout.steps.observation.state[0])
    again = collect_batches(learner, params, count=1)[0]
    for left, right in zip(jax.tree.leaves(first), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(left, right)
    other = collect_batches(learner, params, count=1, seed=1)[0]
    assert (other.rollout.steps.actions != first.rollout.steps.actions).any()


@pytest.mark.exhaustive
def test_the_actor_stays_and_the_same_seed_gives_the_same_critic(learner, params, batches):
    method = learner.estimation.method
    one, two = (judged(learner, params, batches, method, visits=2).params for _ in range(2))
    assert one["actor"] is params["actor"]
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_array_equal(left, right)


def test_critics_of_another_shape_keep_the_runs_actor(learner):
    wide = critic_learner(
        learner, Gpae(), NetworkSettings(hidden_size=24), UpdateSettings(), visits=3
    )
    assert wide.actor is wide.gradient.objective.actor is learner.actor
    assert wide.networks["critic"].settings.hidden_size == 24
    assert wide.budget.updates == 3
    assert wide.budget.environments == learner.budget.environments
