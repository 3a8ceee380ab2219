"""Training from Python makes the command's run, and callbacks see it and may stop it."""

import numpy as np
import pytest
from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra

import gpae as library
from gpae.errors import UserError

pytestmark = pytest.mark.slow


@pytest.fixture
def train(small):
    """`gpae.train` on the tiny task, without a word; settings are those of the command's runs."""

    def run(folder, **given):
        words = dict(word.split("=", 1) for word in small())
        del words["task"], words["method"]
        settings = {name: int(value) if value.isdigit() else value for name, value in words.items()}
        return library.train("toy/beacon", folder=folder, progress=False, **{**settings, **given})

    return run


class Watching(library.Callback):
    """Notes what it sees, and stops the run at an update."""

    def __init__(self, stop_at=None):
        self.stop_at, self.metrics, self.evaluations, self.checkpoints = stop_at, [], [], []

    def on_metrics(self, run, record):
        self.metrics.append(dict(record))
        if record["update"] == self.stop_at:
            run.stop()

    def on_evaluation(self, run, record):
        self.evaluations.append(dict(record))

    def on_checkpoint(self, run, update):
        assert (run.folder / "checkpoints" / f"{update:012d}.json").is_file()
        self.checkpoints.append((run.seed, update))


def test_it_makes_the_command_s_run(train, straight, same_end, contents, tmp_path):
    run = train(tmp_path / "run", method=library.Gpae())
    folder = straight("gpae")[0]
    same_end(run.folder, folder)
    assert (run.folder / "config.yaml").read_bytes() == (folder / "config.yaml").read_bytes()
    files = [{name.split("/")[0] for name in contents(each)} for each in (run.folder, folder)]
    assert files[0] == files[1]
    assert run.outcome.finished
    assert run.outcome.env_steps == 320
    assert run.policy().update == run.metrics()[-1]["update"] == 10
    assert run.evaluations()[-1]["absolute"]


def test_callbacks_see_all_that_is_recorded(train, tmp_path, capsys):
    first, second = Watching(), Watching()
    run = train(tmp_path / "run", seed=3, callbacks=[first, second])
    assert [each["update"] for each in first.metrics] == list(range(1, 11))
    assert first.metrics == run.metrics()
    recorded = run.evaluations()
    assert [each["update"] for each in first.evaluations] == [0, 3, 6, 9, 10, 10]
    for seen, written in zip(first.evaluations, recorded, strict=True):
        np.testing.assert_array_equal(seen["hit"], written["hit"])
    assert first.checkpoints == [(3, update) for update in (0, 4, 8, 10)]
    assert second.metrics == first.metrics
    assert capsys.readouterr().out == ""


def test_a_callback_stops_the_run_and_it_goes_on_bit_for_bit(train, straight, same_end, tmp_path):
    run = train(tmp_path / "run", callbacks=[Watching(stop_at=4)])
    assert (run.outcome.finished, run.outcome.stopped, run.outcome.update) == (False, True, 4)
    watching = Watching()
    resumed = library.resume(run.folder, callbacks=[watching], progress=False)
    assert (resumed.outcome.finished, resumed.outcome.update) == (True, 10)
    assert watching.checkpoints == [(0, 8), (0, 10)]
    same_end(resumed.folder, straight("gpae")[0])


def test_settings_are_those_of_the_command_line(train, tmp_path):
    run = train(
        tmp_path / "run",
        method=library.Gpae(eta=1.5, lambda_=0.5),
        rollout={"steps": np.int64(4)},
        total_env_steps=64.0,
        evaluation={"episodes": 0},
    )
    config = (run.folder / "config.yaml").read_text()
    for line in ("eta: 1.5", "lambda_: 0.5", "steps: 4", "total_env_steps: 64"):
        assert line in config
    assert (run.outcome.update, run.outcome.final) == (4, None)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"method": "gpea"}, "no method 'gpea' .did you mean gpae"),
        ({"method": library.Gpae(eta=-1.0)}, "method.eta=-1.0 must be positive"),
        ({"rollout": {"stps": 3}}, "no setting 'rollout.stps'"),
        ({"seeds": 2}, "this trains one run"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(train, tmp_path, given, line):
    with pytest.raises(UserError, match=line) as error:
        train(tmp_path / "run", **given)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_callback_s_error_ends_the_session_and_the_checkpoint_remains(train, tmp_path):
    class Broken(library.Callback):
        def on_checkpoint(self, run, update):
            if update == 4:
                raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        train(tmp_path / "run", callbacks=[Broken()])
    assert library.load_policy(tmp_path / "run").update == 4


def test_the_hydra_of_the_program_is_left_alone(train, tmp_path):
    with initialize_config_module("gpae.config", version_base="1.3"):
        own = GlobalHydra.instance().hydra
        with pytest.raises(UserError):
            train(tmp_path / "run", method="gpea")
        assert GlobalHydra.instance().hydra is own
