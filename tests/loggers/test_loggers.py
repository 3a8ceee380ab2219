"""Loggers by name, also from elsewhere; one that fails is left out and the run goes on."""

import sys

import pytest

from gpae.config.compose import compose, from_dict, to_dict
from gpae.errors import UserError
from gpae.loggers import LOGGERS, Logger, register_logger, require_packages
from gpae.runs import MetricsWriter, RunFolder


@pytest.fixture
def heard(monkeypatch):
    """What a logger called ``mine`` is told; it raises where its attribute says."""
    told = []

    class Mine(Logger):
        fails_at = None

        def __init__(self, run):
            super().__init__(run)
            self._tell("begin", run.resume_step)

        def _tell(self, what, *values):
            told.append((what, *values))
            if what == self.fails_at:
                raise RuntimeError("no\nnetwork")

        def metrics(self, values, env_steps):
            self._tell("metrics", env_steps, values["train/win_rate"])

        def evaluation(self, values, env_steps):
            self._tell("evaluation", env_steps, values)

        def results(self, values):
            self._tell("results", values)

        def close(self, status):
            self._tell("close", status)

    monkeypatch.setattr(LOGGERS, "_entries", dict(LOGGERS._entries))
    register_logger("mine")(Mine)

    def told_of(kind):
        return [each[1:] for each in told if each[0] == kind]

    return told_of, Mine


def test_a_logger_is_told_of_everything_in_order(make_run, sitting, heard):
    told, _ = heard
    sitting(make_run("mine"), [1, 2], status="finished")
    assert told("begin") == [(None,)]
    assert told("metrics") == [(100, 0.5), (200, 0.5)]
    assert told("evaluation") == [(200, {"evaluation/greedy/win_rate": 0.75})]
    assert told("results") == [({"absolute/greedy/win_rate": 0.75},)]
    assert told("close") == [("finished",)]


def test_a_run_that_goes_on_tells_nothing_twice(make_run, sitting, heard):
    told, _ = heard
    run = sitting(make_run("mine"), [1, 2, 3, 4])
    sitting(run, [3, 4, 5], resume=2)
    assert told("begin") == [(None,), (201,)]
    assert [steps for steps, _ in told("metrics")] == [100, 200, 300, 400, 500]
    assert [steps for steps, _ in told("evaluation")] == [400, 500]


def test_one_that_forgets_is_told_again(make_run, sitting, heard):
    told, mine = heard
    mine.forgets = True
    run = sitting(make_run("mine"), [1, 2, 3])
    sitting(run, [3, 4], resume=2)
    assert [steps for steps, _ in told("metrics")] == [100, 200, 300, 300, 400]


@pytest.mark.parametrize("moment", ["begin", "metrics", "evaluation", "results", "close"])
def test_one_that_fails_is_one_line_and_off_and_the_others_go_on(
    make_run, sitting, heard, said, moment
):
    told, mine = heard
    mine.fails_at = moment
    run = sitting(make_run("mine", "csv"), [1, 2], status="finished")
    assert said == ["warning: the logger mine has failed and is off: no network"]
    assert len(told(moment)) == 1
    assert (len(told("close")) == 1) == (moment == "close")
    assert [each["update"] for each in MetricsWriter(run, 2).metrics.read()] == [1, 2]
    assert (run.path / "metrics.csv").read_text().count("\n") == 3
    assert (run.path / "results.csv").exists()


def test_a_file_in_the_way_of_tensorboard_stops_nothing(make_run, sitting, said):
    run = make_run("tensorboard")
    run.tensorboard_path.write_text("")
    sitting(run, [1])
    (line,) = said
    assert line.startswith("warning: the logger tensorboard has failed and is off: [Errno 17]")


def test_no_loggers_are_no_files(make_run, sitting):
    run = sitting(make_run(), [1], status="finished")
    names = {path.name for path in run.path.iterdir()} - {"lock"}
    assert names == {"config.yaml", "versions.json", "metrics.jsonl", "evaluations.jsonl"}


def test_runs_of_before_the_setting_have_tensorboard(tmp_path, sitting):
    run = sitting(RunFolder.create(tmp_path / "run", {"seed": 0}), [1])
    assert len(list(run.tensorboard_path.iterdir())) == 1


def test_a_missing_package_is_one_line_and_nothing_is_written(make_run, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setattr("gpae.loggers.packages.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"wandb needs W&B, .*'gpae\[wandb\]'"):
        require_packages(["csv", "wandb"])
    run = make_run("wandb")
    before = sorted(run.path.iterdir())
    with pytest.raises(UserError, match="wandb needs W&B"):
        MetricsWriter(run)
    assert sorted(run.path.iterdir()) == before


def test_a_package_of_another_s_logger_is_named_too(heard):
    _, mine = heard
    mine.packages = ("no_such_package",)
    with pytest.raises(UserError, match=r"logger mine needs no_such_package, .* pip install no"):
        require_packages(["mine"])


def test_the_setting_takes_names_that_there_are(heard):
    config = compose(["task=smax/3m", "run.loggers=[csv,mine]", "run.tags=[a,b]"])
    assert (config.run.loggers, config.run.tags) == (["csv", "mine"], ["a", "b"])
    assert compose(["task=smax/3m"]).run.loggers == ["tensorboard"]
    assert compose(["task=smax/3m", "run.loggers=[]"]).run.loggers == []
    with pytest.raises(UserError, match=r"run.loggers=tensorbord is not known .did you mean tens"):
        compose(["task=smax/3m", "run.loggers=[csv,tensorbord]"])


def test_a_configuration_of_before_the_setting_has_the_default():
    values = to_dict(compose(["task=smax/3m"]))
    del values["run"]["loggers"], values["run"]["tags"]
    assert from_dict(values).run.loggers == ["tensorboard"]


MODULE = """
from gpae.loggers import Logger, register_logger


@register_logger("printing")
class Printing(Logger):
    def metrics(self, values, env_steps):
        print(env_steps)
"""


def test_a_module_s_logger_is_remembered_by_the_run(tmp_path, monkeypatch):
    (tmp_path / "my_lab_printing.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(LOGGERS, "_entries", dict(LOGGERS._entries))
    config = compose(["task=smax/3m", "run.loggers=[printing]"], imports=["my_lab_printing"])
    assert config.imports == ["my_lab_printing"]
    config = compose(["task=smax/3m", "run.loggers=[printing]", "imports=[]"])
    assert config.imports == ["my_lab_printing"]
