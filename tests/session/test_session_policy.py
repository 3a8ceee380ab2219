"""A loaded policy plays the very episodes that its run has recorded."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gpae as library
from gpae.config.compose import from_dict
from gpae.environments import make
from gpae.runs import RunFolder
from gpae.training.keys import Purpose, derive_each

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def replay(policy, folder, evaluation):
    """The returns of a recorded evaluation's episodes, played again with a loaded policy."""
    config = from_dict(RunFolder.open(folder).config)
    environment, counter = make(config.task_name, **config.task_settings), evaluation["update"]
    places, limit = jnp.arange(evaluation["episodes"]), environment.spec.max_episode_steps

    def keys(purpose, at):
        return derive_each(config.seed, purpose, at, places)

    state, seen = jax.vmap(environment.reset)(keys(Purpose.EVALUATION_RESET, counter))
    hidden_state, running, total = None, np.ones(len(places), bool), np.zeros(len(places), "f4")
    sampled = evaluation["mode"] == "sampled"
    for at in range(counter * limit, (counter + 1) * limit):
        actions, hidden_state = policy.act(
            seen.observations,
            seen.available_actions,
            hidden_state,
            key=keys(Purpose.EVALUATION_ACTION, at) if sampled else None,
        )
        state, step = jax.vmap(environment.step)(keys(Purpose.EVALUATION_STEP, at), state, actions)
        total += np.where(running, step.team_reward, np.float32(0.0))
        seen, running = step.observation, running & ~np.asarray(step.boundary)
    return total


@pytest.mark.parametrize("core", ["gru", "lstm", "feedforward"])
def test_the_recorded_episodes_are_played_again(gpae, small, evaluations, tmp_path, core):
    folder = tmp_path / "run"
    words = small(network__core=core, evaluation__mode="both", evaluation__episodes=16)
    gpae("train", *words, f"run.folder={folder}")
    policy = library.load_policy(folder)
    last = [each for each in evaluations(folder) if each["update"] == policy.update]
    modes = {each["mode"]: each for each in last if not each["absolute"]}
    assert set(modes) == {"greedy", "sampled"}
    for evaluation in modes.values():
        np.testing.assert_allclose(
            replay(policy, folder, evaluation), evaluation["episode_return"], rtol=1e-6
        )


def test_a_run_without_a_description_is_loaded_through_its_environment(
    gpae, small, tmp_path, contents
):
    folder = tmp_path / "run"
    left_out = ("window.length", "update.minibatches", "total_env_steps")
    words = [word for word in small(method="vdn") if not word.startswith(left_out)]
    words += ["method.batch_size=8", "method.buffer_size=40", "method.learning_starts=64"]
    words += ["total_env_steps=256"]
    assert gpae("train", *words, f"run.folder={folder}").code == 0
    described = library.load_policy(folder, best=True)
    (folder / "policy.json").unlink()
    before = contents(folder)
    again = library.load_policy(folder, best=True)
    assert again.spec == described.spec
    assert again.spec.kind == "q_network"
    observations = np.eye(4)[None, :2]
    np.testing.assert_array_equal(again.act(observations)[0], described.act(observations)[0])
    assert contents(folder) == before


def test_the_example_plays_an_episode(straight):
    folder = straight("recurrent gpae")[0]
    spec = importlib.util.spec_from_file_location("play", ROOT / "examples/play.py")
    play = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(play)
    total, length = play.play(folder)
    assert 1 <= length <= 6
    assert 0.0 <= total < 1.2001 * length


def test_an_exported_policy_is_read_with_numpy_alone(gpae, straight, tmp_path):
    folder, out = straight("recurrent gpae")[0], tmp_path / "policy"
    result = gpae("export", folder, "--out", out, "--checkpoint", "8")
    assert (result.code, result.out.count("of update 8")) == (0, 2)
    example = [sys.executable, str(ROOT / "examples/numpy_policy.py"), str(out)]
    printed = subprocess.run(example, capture_output=True, text=True, check=True).stdout
    expected = library.load_policy(folder, checkpoint=8).act(np.zeros((2, 4)))[0]
    assert printed == f"actions where all observations are 0: {expected.tolist()}\n"
