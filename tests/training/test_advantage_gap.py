"""Who is to blame for a forced action: an advantage of the team cannot say, a per-agent one can."""

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import ForcedStop
from gpae.methods import Mappo
from gpae.training.estimation import batch_diagnostics


@pytest.fixture(scope="module")
def estimation(learner, experience, clockwork):
    """GAE on a team value, over a window of two rollouts in which agents are often forced."""
    environment = ForcedStop(clockwork(), probability=0.4, action=0)
    setup = learner(environment, Mappo(agent_values=False), core="feedforward")
    played = experience(setup, count=2, drift=0.2)
    estimation = played.estimation(played.window())
    batch = estimation.batch
    assert np.abs(batch.log_ratios).max() > 0.05
    assert 10 < batch.steps.forced.sum() < 40
    return estimation


@pytest.fixture(scope="module")
def diagnose(over_devices):
    return over_devices(batch_diagnostics)


@pytest.mark.slow
def test_gae_has_exactly_no_gap(estimation, diagnose):
    batch = estimation.batch
    advantages = np.asarray(batch.advantages)
    np.testing.assert_array_equal(advantages, np.broadcast_to(advantages[..., :1], (16, 4, 3)))
    told = diagnose(batch, estimation.coefficients)
    assert told["anomaly/advantage_gap"] == 0.0
    assert told["estimate/advantage_std"] > 0.1
    np.testing.assert_allclose(told["anomaly/rate"], batch.steps.forced.sum() / (16 * 4))


@pytest.mark.slow
def test_the_gap_is_measured_where_an_agent_was_forced(estimation, diagnose):
    batch = estimation.batch
    advantages = np.random.default_rng(0).normal(size=(16, 4, 3))
    forced = np.nonzero(batch.steps.forced)
    gaps = [np.delete(advantages[t, e], n).mean() for t, e, n in zip(*forced, strict=True)]
    expected = np.mean(gaps - advantages[forced])
    other = batch.replace(advantages=jnp.asarray(advantages, jnp.float32))
    told = diagnose(other, estimation.coefficients)
    np.testing.assert_allclose(told["anomaly/advantage_gap"], expected, rtol=1e-4)
    assert abs(expected) > 0.01
