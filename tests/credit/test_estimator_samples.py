"""Samples of estimators: of the given actions and hidden states, and in their places."""

from dataclasses import replace

import numpy as np
import pytest

from gpae.credit import allowed_estimators, collect_states, sample_estimators, true_credit
from gpae.methods import Coma, Dae, Gpae, Mappo, UpdateSettings
from gpae.networks import NetworkSettings


@pytest.fixture(scope="module")
def states(gpae_learner):
    return collect_states(*gpae_learner, count=12, environments=4, steps=9)


@pytest.fixture(scope="module")
def sampled(gpae_learner, states):
    learner, params = gpae_learner
    method = learner.estimation.method
    estimators = {"whole": replace(method, lambda_=1.0), "one step": replace(method, lambda_=0.0)}
    return sample_estimators(
        learner, estimators, params, states, repetitions=96, steps=32, rows=300
    )


def test_whole_returns_mean_the_simulated_value_less_the_critics(gpae_learner, states, sampled):
    """With lambda = 1, E[A^i] + EQ^i of any critic is Q(s, a)."""
    learner, params = gpae_learner
    truth = true_credit(
        learner.collection.environment,
        learner.actor,
        params["actor"],
        states,
        discount=learner.estimation.discount,
        repetitions=96,
    )
    advantages = sampled.advantages["whole"]
    values = advantages.mean(1) + sampled.baselines.mean(1)
    error = np.hypot(
        advantages.std(1, ddof=1) / np.sqrt(advantages.shape[1]),
        truth.joint_action_values.standard_error[:, None],
    )
    z = (values - truth.joint_action_values.mean[:, None]) / error
    assert np.abs(z).max() < 4.5
    assert (z**2).mean() < 2


def test_baselines_are_the_critics_values_of_every_state(gpae_learner, states, sampled):
    learner, params = gpae_learner
    policy = states.policy(learner.actor, params["actor"])
    critic = learner.networks["critic"]
    inputs = critic.inputs(states.observation, policy, policy.summary(), states.actions)
    _, outputs = critic.apply(
        params["critic"], states.hidden_states["critic"], inputs[None], states.first[None]
    )
    np.testing.assert_allclose(sampled.baselines[:, 3], outputs[0], atol=1e-5)
    assert sampled.baselines[:, 3].std() > 0.01
    np.testing.assert_array_equal(sampled.actions[:, 3], states.actions)


def test_estimators_share_episodes_and_differ_in_variance(sampled):
    whole, one_step = sampled.advantages["whole"], sampled.advantages["one step"]
    assert whole.shape == one_step.shape == (12, 96, 3)
    assert whole.var(1).mean() > one_step.var(1).mean()


@pytest.mark.parametrize(
    ("method", "names"),
    [
        (Gpae(), {"gpae", "gpae, lambda 0", "gpae, lambda 1"}),
        (Mappo(lambda_=1.0), {"mappo"}),
        (Dae(), {"dae", "dae, lambda 0", "dae, lambda 1", "mappo"}),
        (Coma(), {"coma"}),
    ],
)
def test_estimators_of_the_same_networks_are_allowed(lab, method, names):
    settings = NetworkSettings(hidden_size=8), UpdateSettings()
    assert set(allowed_estimators(method, lab.environment.spec, *settings)) == names
