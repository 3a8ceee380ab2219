"""Cases of a benchmark."""

import pytest

from benchmarks.harness.grid import expand
from gpae.errors import UserError


@pytest.mark.slow
def test_by_default_two_tasks_two_methods_and_two_windows():
    cases = expand([])
    assert len({tuple(case) for case in cases}) == 8
    for case in cases:
        names = [word.partition("=")[0] for word in case]
        assert names == ["task", "method", "window.length"]


def test_what_is_named_takes_the_place_of_the_defaults():
    cases = expand(["method=gpae", "task=toy/beacon", "window.length=2,4", "update.epochs=1,3"])
    assert [case[2:] for case in cases] == [
        ["window.length=2", "update.epochs=1"],
        ["window.length=2", "update.epochs=3"],
        ["window.length=4", "update.epochs=1"],
        ["window.length=4", "update.epochs=3"],
    ]


def test_q_learning_has_no_window():
    assert expand(["task=smax/3m", "method=vdn"]) == [["task=smax/3m", "method=vdn"]]


def test_a_case_that_cannot_be_is_refused_before_anything_is_measured():
    with pytest.raises(UserError, match=r"rollout\.environments=8 must be divisible"):
        expand(["rollout.environments=8", "window.length=1,16"])


def test_several_seeds_in_one_process_are_not_measured_as_one():
    with pytest.raises(UserError, match="measures single runs: leave out seeds"):
        expand(["seeds=3"])


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("task=glob(smax/*)", r"cannot be swept over: list the values"),
        ("seed=range(0,3,0)", r"seed=range\(0,3,0\) cannot be swept over"),
        ("seed=range(3,0)", r"seed=range\(3,0\) gives no values"),
    ],
)
def test_sweeps_that_cannot_be(word, message):
    with pytest.raises(UserError, match=message):
        expand([word])
