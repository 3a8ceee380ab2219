"""Durations as text."""

import pytest

from gpae.config.compose import compose, to_dict
from gpae.durations import is_duration, seconds, written
from gpae.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90s", 90), ("13m", 780), ("2h", 7200), ("45", 45), ("1.5h", 5400), (" .5 m ", 30)],
)
def test_a_duration_is_a_number_of_seconds_minutes_or_hours(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "0", "0h", "-3m", "3d", "1e3", "13 min", "9" * 400])
def test_what_is_no_duration_is_refused(text):
    assert not is_duration(text)
    with pytest.raises(ValueError, match="is not a duration above 0"):
        seconds(text)


@pytest.mark.parametrize(
    ("number", "text"), [(45, "45s"), (780, "13m"), (95, "1.6m"), (9000, "2.5h"), (360000, "100h")]
)
def test_seconds_are_written_in_the_largest_unit(number, text):
    assert written(number) == text


@pytest.mark.parametrize(("given", "kept"), [("13m", "13m"), ("90", "90"), ("null", None)])
def test_a_budget_is_kept_out_of_the_runs_configuration(given, kept):
    config = compose([f"run.budget={given}"])
    assert config.run.budget == kept
    assert to_dict(config) == to_dict(compose([]))


def test_a_budget_that_is_no_duration_is_refused_in_a_line():
    with pytest.raises(UserError, match=r"^run.budget=soon must be a duration above 0 .* or null$"):
        compose(["run.budget=soon"])
