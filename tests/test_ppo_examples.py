"""GPAE in PPO loops of one's own: the examples play, estimate and learn, in JAX and in PyTorch."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"
MISSING = "is not installed: pip install 'gpae[examples]'"


@dataclass
class Played:
    """The mean rewards of a short training, and a rollout of the team with its estimates.

    Attributes:
        rewards: The mean reward of each update's steps.
        rollout: The steps, arrays of NumPy.
        advantages: The advantages of each agent.
        targets: The critic's targets.
        values: The critic's values in these steps for any joint actions.
    """

    rewards: list[float]
    rollout: SimpleNamespace
    advantages: Any
    targets: Any
    values: Callable[[np.ndarray], Any]


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def in_jax():
    """The example's loop, with a rollout, its estimates and its critic as functions of arrays."""
    import jax
    import jax.numpy as jnp

    module = load("ppo_jax")
    params, rewards = module.train(updates=40, environments=8, steps=30)
    by_agent, state = jax.vmap(module.GAME.reset)(jax.random.split(jax.random.key(0), 3))
    games = state, jax.vmap(module.stacked)(by_agent)
    _, rollout = module.collect(params, games, jax.random.key(1), 60)
    advantages, targets = module.estimate(params, rollout, jax.random.key(2))

    def values(actions):
        log_probs = module.policy(params, rollout.observations)
        return module.values(params, rollout.observations, jnp.asarray(actions), log_probs)

    arrays = {name: np.asarray(array) for name, array in rollout._asdict().items()}
    arrays["boundaries"] = arrays["truncated"]
    return SimpleNamespace(
        rewards=rewards,
        advantages=advantages,
        targets=targets,
        values=values,
        rollout=SimpleNamespace(**arrays),
    )


def in_torch():
    torch = pytest.importorskip(
        "torch", reason="PyTorch is not installed: pip install 'gpae[torch]'"
    )
    pytest.importorskip("mpe2", reason="mpe2 is not installed: pip install 'gpae[examples]'")
    module = load("ppo_torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # faster, as such networks are small
    team, rewards = module.train(updates=30, environments=8, steps=25)
    torch.set_num_threads(threads)
    rollout = module.collect(team, module.Games(3, 25, 0), 60)
    advantages, targets = module.estimate(team, rollout)

    def values(actions):
        policy = team.policy(rollout["observations"])
        found = team.values(rollout["observations"], torch.tensor(actions), policy)
        return found.detach()

    arrays = {name: tensor.numpy() for name, tensor in rollout.items()}
    return SimpleNamespace(
        rewards=rewards,
        advantages=advantages,
        targets=targets,
        values=values,
        rollout=SimpleNamespace(**arrays),
    )


@pytest.fixture(scope="module", params=[in_jax, in_torch], ids=["jax", "torch"])
def played(request):
    return request.param()


def test_the_team_learns(played):
    """Random play makes about -1.1 a step."""
    assert np.mean(played.rewards[:5]) < -0.95
    assert np.mean(played.rewards[-10:]) > np.mean(played.rewards[:5]) + 0.05


def test_a_step_begins_where_the_one_before_ended(played):
    rollout = played.rollout
    boundaries = rollout.boundaries
    assert boundaries.sum(0).tolist() == [2, 2, 2]
    same = (rollout.observations[1:] == rollout.successors[:-1]).all((-1, -2))
    np.testing.assert_array_equal(same, ~boundaries[:-1])


def test_an_agent_s_own_action_is_not_in_its_value(played):
    actions = played.rollout.actions
    before = np.asarray(played.values(actions))
    changed = actions.copy()
    changed[..., 1] = (changed[..., 1] + 1) % 5
    differs = np.asarray(played.values(changed)) != before
    assert not differs[..., 1].any()
    assert differs[..., [0, 2]].mean() > 0.9


def test_on_policy_targets_are_values_and_advantages(played):
    values = np.asarray(played.values(played.rollout.actions))
    advantages = np.asarray(played.advantages)
    np.testing.assert_allclose(played.targets, values + advantages, rtol=0, atol=1e-5)
    assert advantages.shape == (60, 3, 3)
    assert advantages.std(-1).mean() > 1e-3
