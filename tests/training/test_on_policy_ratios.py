"""Right after collection the recomputed policy is the behaviour policy, so every log-ratio is 0."""

from functools import partial

import jax
import numpy as np
import pytest

from gpae.environments import make
from gpae.methods import Gpae, Mappo

TOLERANCE = 1e-5


@pytest.mark.parametrize("core", ["gru", "feedforward"])
def test_log_ratios_are_zero_right_after_collection(learner, experience, core):
    played = experience(learner(core=core, environments=8, steps=16), count=2, drift=0.3)
    window = played.window(count=1)
    batch = played.batch(window)
    steps = batch.steps
    assert np.asarray(steps.terminated[:-1]).sum() >= 8
    assert np.asarray(steps.truncated[:-1]).sum() >= 3
    assert not np.asarray(steps.first[0]).all(), "no episode runs on from the rollout before"
    stored = jax.tree.leaves(window.rollouts.hidden_states["actor"])
    assert any((np.abs(leaf) > 0.1).any() for leaf in stored) == (core == "gru")
    assert np.abs(batch.log_ratios).max() <= TOLERANCE
    assert np.asarray(steps.log_probs).min() < -1.5, "the policy is all but deterministic"


@pytest.mark.slow
@pytest.mark.parametrize("core", ["gru", "feedforward"])
@pytest.mark.parametrize("environment", [None, "dials"])
def test_what_acted_is_what_would_be_computed_again(
    learner, experience, core, environment, request, monkeypatch
):
    made = environment and request.getfixturevalue(environment)
    played = experience(learner(made, core=core, environments=8, steps=16), count=2, drift=0.3)
    window = played.window(count=1)
    computed = played.estimation(window)
    monkeypatch.setattr("gpae.training.estimation.forward.apply_actor", None)
    told = played.estimation(window, acted=played.acted)
    steps = computed.batch.steps
    assert np.asarray(steps.truncated[:-1]).any()
    assert not np.asarray(steps.first[0]).all(), "no episode runs on from before"
    assert not np.asarray(steps.observation.available_actions).all()
    assert np.ptp(steps.log_probs) > 0.5, "every action is as likely"
    before = jax.tree.leaves(computed.hidden_states["actor"])
    assert any(np.abs(leaf).sum() > 0 for leaf in before) == (core == "gru")
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5), told, computed)


@pytest.mark.slow
def test_only_a_window_of_one_rollout_can_be_told_what_acted(learner, experience):
    played = experience(learner(core="feedforward"), count=2)
    with pytest.raises(ValueError, match="acted: a window of 2 rollouts"):
        played.batch(played.window(), acted=played.acted)


@pytest.mark.slow
def test_log_ratios_of_older_rollouts_are_those_of_the_parameters_drift(learner, experience):
    played = experience(learner(core="feedforward"), count=2, drift=0.3)
    older, newer = np.split(np.asarray(played.batch(played.window()).log_ratios), 2)
    assert np.abs(newer).max() <= TOLERANCE
    assert np.abs(older).mean() > 0.05


@pytest.mark.slow
def test_log_ratios_are_zero_on_smax(learner, experience):
    setup = learner(make("smax/3m"), Gpae(), environments=2, steps=40)
    batch = (played := experience(setup)).batch(played.window())
    assert np.asarray(batch.steps.terminated | batch.steps.truncated).any()
    assert not np.asarray(batch.steps.observation.alive).all()
    assert np.abs(batch.log_ratios).max() <= TOLERANCE


def test_actions_are_possible_and_log_probs_those_of_the_action_taken(learner, experience):
    played = experience(learner(method=Mappo(), core="feedforward", environments=8, steps=16))
    batch = played.batch(played.window())
    actions = np.asarray(batch.steps.actions)[..., None]
    available = np.asarray(batch.steps.observation.available_actions)
    assert np.take_along_axis(available, actions, -1).all()
    taken = np.take_along_axis(np.asarray(batch.policy.probabilities), actions, -1)[..., 0]
    np.testing.assert_allclose(np.exp(batch.steps.log_probs), taken, rtol=1e-4)
    dead = ~np.asarray(batch.steps.observation.alive)
    assert dead.any()
    np.testing.assert_allclose(np.asarray(batch.steps.log_probs)[dead], 0.0, atol=1e-6)
