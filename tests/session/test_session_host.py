"""A real PettingZoo game: trained, evaluated, stopped, resumed with new episodes; refusals."""

import contextlib
import io

import numpy as np
import pytest

import gpae as library

pytest.importorskip("mpe2", reason="needs the extra pettingzoo", exc_type=ImportError)

pytestmark = pytest.mark.slow

TASK, STEPS = "pettingzoo/mpe2.simple_spread_v3", 5
SETTINGS = {
    "task": {"name": TASK, "arguments": {"max_cycles": STEPS, "N": 2}},
    "method": "ippo",
    "total_env_steps": 4 * 2 * 8,
    "network": {"hidden_size": 8, "core": "feedforward"},
    "rollout": {"environments": 2, "steps": 8},
    "update": {"minibatches": 1, "epochs": 1},
    "evaluation": {"episodes": 2, "interval": 32, "absolute": False},
}


class StopAt(library.Callback):
    """Stops the run after an update."""

    def __init__(self, update):
        self.update = update

    def on_metrics(self, run, record):
        if record["update"] == self.update:
            run.stop()


@pytest.fixture(scope="module")
def run(compile_quickly, tmp_path_factory):
    """The outcome of a run stopped after its second update, the run resumed, and what that said."""
    folder = tmp_path_factory.mktemp("host") / "run"
    settings = {**SETTINGS, "run": {"updates_per_call": 1}}
    stopped = library.train(**settings, folder=folder, callbacks=[StopAt(2)], progress=False)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        resumed = library.resume(folder)
    return stopped.outcome, resumed, " ".join(said.getvalue().split())


def test_it_trains_to_the_end_also_after_a_stop(run):
    stopped, resumed, _ = run
    assert (stopped.finished, stopped.update) == (False, 2)
    assert resumed.outcome.finished
    assert [record["update"] for record in resumed.metrics()] == [1, 2, 3, 4]


def test_episodes_have_their_length_in_training_and_evaluation_also_after_a_stop(run):
    _, resumed, _ = run
    lengths = [record.get("train/episode_length") for record in resumed.metrics()]
    assert lengths == [STEPS] * 4
    for record in resumed.evaluations():
        np.testing.assert_array_equal(record["episode_length"], [STEPS] * 2)
        assert len(set(record["episode_return"])) == 2
    returns = {tuple(record["episode_return"]) for record in resumed.evaluations()}
    assert len(returns) == len(resumed.evaluations())


def test_the_policy_acts_without_the_game(run):
    actions, _ = run[1].policy().act(np.zeros((2, 12)))
    assert actions.shape == (2,)


def test_a_run_says_that_it_is_slower_and_begins_new_episodes(run):
    said = run[2]
    assert said.count(f"note: {TASK} runs outside JAX, which is slower") == 1
    assert "a resumed run begins new episodes" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seeds=2"], "2 runs are to be made together, and the episodes of"),
        (["run.devices=2"], "run.devices=2 splits environments, and the episodes of"),
        (["network.encoder=cnn"], "gives vectors, and network.encoder=cnn is for images"),
        (["task.arguments.M=3"], "cannot be made: "),
    ],
)
def test_what_cannot_work_is_refused_in_one_line(gpae, tmp_path, words, message):
    folder = tmp_path / "run"
    result = gpae("train", f"task={TASK}", "method=mappo", f"run.folder={folder}", *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert not folder.exists()


def test_credit_is_refused(gpae, run):
    result = gpae("credit", run[1].folder)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "credit is measured by going back to states, and the episodes of" in result.err
