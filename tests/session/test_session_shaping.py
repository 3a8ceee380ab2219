"""Shaped rewards in runs on disk: annealed over env steps, resumed alike, refused in one line."""

import os
import signal

import pytest

pytestmark = pytest.mark.slow

HORIZON = 200
STOP = {"gpae": 4, "vdn": 2}
"""Updates before the compiled call in which runs are stopped."""
OWN = {
    "gpae": {},
    "vdn": {
        "window.length": "1",
        "method.batch_size": "8",
        "method.buffer_size": "24",
        "method.learning_starts": "0",
        "total_env_steps": "640",
    },
}


def words(small, method):
    settings = {name.replace(".", "__"): value for name, value in OWN[method].items()}
    chosen = small(method=method, rollout__shaping_steps=HORIZON, **settings)
    unused = ("window.", "update.minibatches") if method == "vdn" else ()
    return [word for word in chosen if not word.startswith(unused)]


@pytest.mark.parametrize("method", OWN)
def test_a_resumed_run_anneals_as_one_that_was_not_stopped(
    method, gpae, small, metrics, same_end, before_call, monkeypatch, tmp_path
):
    straight = gpae("train", *words(small, method), f"run.folder={tmp_path / 'straight'}")
    assert (straight.code, straight.err) == (0, "")
    records = metrics(tmp_path / "straight")
    assert [record["shaping/coefficient"] for record in records] == pytest.approx(
        [
            max(0, 1 - (record["env_steps"] - records[0]["env_steps"]) / HORIZON)
            for record in records
        ]
    )
    assert records[0]["shaping/coefficient"] == 1
    assert records[-1]["shaping/coefficient"] == 0

    before_call(STOP[method], lambda: os.kill(os.getpid(), signal.SIGTERM))
    stopped = gpae("train", *words(small, method), f"run.folder={tmp_path / 'stopped'}")
    assert stopped.code == 0
    assert "continue with: gpae resume" in stopped.out
    monkeypatch.undo()
    assert gpae("resume", tmp_path / "stopped").code == 0
    same_end(tmp_path / "stopped", tmp_path / "straight")


def test_a_task_without_shaped_rewards_refuses_them(gpae, contents, tmp_path):
    folder = tmp_path / "run"
    result = gpae("train", "task=smax/3m", "rollout.shaping_steps=1e6", f"run.folder={folder}")
    assert result.code == 2
    assert result.err == (
        "gpae: smax/3m gives no shaped rewards for rollout.shaping_steps=1e+06 to anneal: leave it "
        "out\n"
    )
    assert contents(tmp_path) == {}


def test_overcooked_is_trained_with_its_shaped_rewards(gpae, metrics, tmp_path):
    """Its reward, for a soup delivered, is out of reach of so few steps."""
    folder = tmp_path / "run"
    result = gpae(
        "train",
        "task=jaxmarl/overcooked",
        "method=mappo",
        "rollout.environments=4",
        "rollout.steps=20",
        "rollout.shaping_steps=160",
        "total_env_steps=240",
        "network.core=feedforward",
        "network.hidden_size=8",
        "update.minibatches=1",
        "evaluation.episodes=0",
        f"run.folder={folder}",
    )
    assert (result.code, result.err) == (0, "")
    assert [record["shaping/coefficient"] for record in metrics(folder)] == [1, 0.5, 0]
