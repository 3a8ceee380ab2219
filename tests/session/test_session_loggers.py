"""Loggers of trained runs: each run's own, in every sitting, and a broken one stops nothing."""

import csv

import pytest

import gpae as library
from gpae.loggers import LOGGERS, Logger, register_logger

pytestmark = pytest.mark.slow


@pytest.fixture
def told(monkeypatch):
    """What the logger ``noting`` is told of each run; the logger ``broken`` raises."""
    noted = {}

    class Noting(Logger):
        def __init__(self, run):
            super().__init__(run)
            noted.setdefault(run.name, []).append(("begin", run.resume_step))

        def metrics(self, values, env_steps):
            noted[self.run.name].append((env_steps, "loss/actor" in values))

        def results(self, values):
            noted[self.run.name].append(("results", sorted(values)))

        def close(self, status):
            noted[self.run.name].append(("close", status))

    class Broken(Logger):
        def metrics(self, values, env_steps):
            raise OSError("no network")

    monkeypatch.setattr(LOGGERS, "_entries", dict(LOGGERS._entries))
    register_logger("noting")(Noting)
    register_logger("broken")(Broken)
    return noted


def test_a_stopped_run_goes_on_in_the_same_log(told, small, alike, tmp_path):
    class Stopping(library.Callback):
        def on_metrics(self, run, record):
            if record["update"] == 4:
                run.stop()

    words = dict(word.split("=", 1) for word in small())
    settings = {name: int(value) for name, value in words.items() if value.isdigit()}
    settings["run.loggers"] = ["noting"]
    folder = tmp_path / "run"
    library.train("toy/beacon", folder=folder, progress=False, callbacks=[Stopping()], **settings)
    assert told["run"][-1] == ("close", "stopped")
    library.resume(folder, progress=False)
    evaluated = [(steps, False) for steps in (0, 96, 288, 320)]
    updates = [(32 * update, True) for update in range(1, 11)]
    numbers = [entry for entry in told["run"] if isinstance(entry[0], int)]
    assert sorted(numbers) == sorted(evaluated + updates + [(192, False)])
    assert [entry for entry in told["run"] if entry[0] == "begin"] == [
        ("begin", None),
        ("begin", 129),
    ]
    names = ["absolute/greedy/" + name for name in ("episode_length", "episode_return", "hit")]
    assert told["run"][-2:] == [("results", names), ("close", "finished")]


def test_runs_of_a_pack_are_logged_each_on_its_own(told, gpae, small, tmp_path, metrics):
    words = small(run__loggers="[noting,broken,csv]", seed="0,1")
    result = gpae("train", "-m", *words, f"run.root={tmp_path}")
    assert result.code == 0
    warning = "warning: the logger broken has failed and is off: no network"
    assert result.out.count(warning) == 2
    folders = [path for path in sorted(tmp_path.iterdir()) if path.is_dir()]
    assert sorted(told) == [folder.name for folder in folders]
    assert len(folders) == 2
    for folder in folders:
        assert told[folder.name][-1] == ("close", "finished")
        assert not (folder / "tensorboard").exists()
        with (folder / "metrics.csv").open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        recorded = metrics(folder)
        assert [int(row["env_steps"]) for row in rows] == [each["env_steps"] for each in recorded]
        losses = [each["loss/actor"] for each in recorded]
        assert [float(row["loss/actor"]) for row in rows] == losses
    assert metrics(folders[0]) != metrics(folders[1])


def test_a_run_that_diverges_says_so_to_its_loggers(told, gpae, small, broken_results, tmp_path):
    def broken(state, metrics, updates):
        metrics["loss/actor"][...] = float("nan")
        return state, metrics

    broken_results(broken)
    words = small(run__loggers="[noting]")
    assert gpae("train", *words, f"run.folder={tmp_path / 'run'}").code == 3
    assert told["run"][-1] == ("close", "failed")


def test_a_missing_package_is_one_line_before_anything_is_written(
    gpae, small, tmp_path, monkeypatch
):
    monkeypatch.setattr("gpae.loggers.packages.find_spec", lambda name: None)
    result = gpae("train", *small(run__loggers="[wandb]"), f"run.folder={tmp_path / 'run'}")
    assert (result.code, result.out) == (2, "")
    assert result.err.strip() == (
        "gpae: the logger wandb needs W&B, which is not installed: pip install 'gpae[wandb]'"
    )
    assert list(tmp_path.iterdir()) == []
