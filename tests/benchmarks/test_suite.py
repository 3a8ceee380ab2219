"""A case measured, the processes that measure, and what becomes of a failure."""

import sys
import time

import pytest

from benchmarks.__main__ import arguments
from benchmarks.__main__ import measure as measure_all
from benchmarks.harness import probe
from benchmarks.harness.case import Case
from benchmarks.harness.documents import new_document, read_document, require_writable
from benchmarks.harness.scripts import run_script
from benchmarks.harness.startup import Startup
from benchmarks.harness.suite import PROBE, measure, probe_in_process, run_suite
from benchmarks.harness.table import render
from gpae.errors import UserError

pytestmark = pytest.mark.usefixtures("compile_quickly")

REPEATS = 2


@pytest.fixture(scope="module")
def case(tiny, compile_quickly):
    """A case with a start that is as warm as this process."""
    overrides = [*tiny, "method=gpae", "window.length=2"]
    answer = probe.probe(overrides, time.time(), REPEATS)
    return {"overrides": overrides, "load_average": 0.0, "cold": answer, "warm": answer}


@pytest.mark.slow
def test_everything_is_measured(case):
    measured = Case(case)
    seconds = measured.warm["seconds"]
    assert set(seconds["phases"]) == {"collect", "estimate", "update"}
    for times in (seconds["update"], seconds["evaluate"], *seconds["phases"].values()):
        assert len(times) == REPEATS
        assert min(times) > 0.0
    assert measured.warm["env_steps"] == 16 // 2 * 4
    assert set(measured.flop_rates) == {"collect", "estimate", "update", "evaluate"}
    assert all(4 <= steps <= 4 * 6 for steps in seconds["evaluated_steps"])
    assert measured.warm["peak_memory"] > measured.warm["memory"]["state"]
    assert measured.peak > 0.0


@pytest.mark.slow
def test_a_start_is_measured_in_order(case):
    start = case["warm"]["startup"]
    assert 0.0 < start["built"] < start["state"] < start["first_update"]
    assert min(start["evaluation"], start["xla"]) > 0.0


@pytest.mark.slow
def test_what_is_measured_has_a_table(case):
    text = render(new_document("bench", cases=[case]))
    assert text.count("| toy/beacon | gpae | 2 |") == 3


def test_the_start_alone_is_measured_without_repeats(monkeypatch):
    start = Startup(first_update=2.5)
    monkeypatch.setattr(probe, "start", lambda overrides, started: (None, None, start))
    assert set(probe.probe([], 0.0, 0)) == {"startup", "peak_memory"}


def test_a_process_of_its_own_says_why_it_could_not(tiny):
    with pytest.raises(UserError, match=r"measure task=smax/3n: no task 'smax/3n' \(did you mean"):
        probe_in_process(["task=smax/3n"], 1, None, PROBE)


def test_a_failure_is_one_line_and_keeps_what_is_measured(tmp_path):
    fake = tmp_path / "probe.py"
    fake.write_text(
        "import json, sys\n"
        "request = json.loads(sys.argv[1])\n"
        "if 'bad' in request['overrides']:\n"
        "    sys.exit('Traceback\\nno memory left')\n"
        "print('noise'); print(json.dumps(request))\n"
    )
    output, said = tmp_path / "results.json", []
    with pytest.raises(UserError) as caught:
        run_suite(
            [["good"], ["bad"]],
            output,
            repeats=2,
            cold=False,
            report=said.append,
            command=(sys.executable, str(fake)),
        )
    assert str(caught.value) == "could not measure bad: no memory left"
    kept = read_document(output)["cases"]
    assert [case["overrides"] for case in kept] == [["good"]]
    assert kept[0]["cold"] is None
    assert kept[0]["warm"]["repeats"] == 2
    assert abs(kept[0]["warm"]["started"] - time.time()) < 600.0
    assert said == ["1 of 2: good", "2 of 2: bad"]


@pytest.mark.parametrize(
    ("place", "reason"),
    [("file/results.json", "Not a directory"), ("folder", "Is a directory")],
)
def test_results_that_cannot_be_written_are_not_measured(tmp_path, place, reason):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    said = []
    with pytest.raises(UserError, match=f"cannot write .*{place}: {reason}"):
        run_suite([["good"]], tmp_path / place, repeats=2, cold=False, report=said.append)
    assert said == []


def test_a_folder_of_results_is_not_made_before_there_are_any(tmp_path):
    require_writable(tmp_path / "new" / "results.json")
    assert list(tmp_path.iterdir()) == []


def test_a_cold_start_begins_with_an_empty_cache_and_leaves_a_warm_one(tmp_path):
    fake = tmp_path / "probe.py"
    fake.write_text(
        "import json, os, pathlib\n"
        "cache = pathlib.Path(os.environ['JAX_COMPILATION_CACHE_DIR'])\n"
        "print(json.dumps({'found': len(list(cache.iterdir()))}))\n"
        "(cache / 'program').touch()\n"
    )
    command = (sys.executable, str(fake))
    measured = measure([], repeats=1, cold=True, command=command)
    assert (measured["cold"], measured["warm"]) == ({"found": 0}, {"found": 1})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["task=smax/3n"], "no task 'smax/3n'"),
        (["rollout.environments=6"], "rollout.environments=6 must be divisible"),
        (["--repeats", "1"], "'1' is not a whole number from 2 up"),
        (["--repeat", "x"], "whole number"),
    ],
)
def test_wrong_words_are_refused_in_one_line(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["benchmarks", *words])
    assert run_script(measure_all, arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert message in told.err
    assert told.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
