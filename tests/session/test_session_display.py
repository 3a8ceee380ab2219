"""What is shown while a run goes on, and when evaluations and checkpoints are due."""

import io

import pytest
from rich.console import Console

from gpae.console import shown
from gpae.runs import progress
from gpae.runs.phases import PhaseTimes
from gpae.runs.progress import Display
from gpae.runs.session import _next_due
from gpae.training.protocol import Budget

pytestmark = pytest.mark.slow


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def plain():
    return Console(file=io.StringIO(), force_terminal=False, width=60)


def lines_of(console):
    return console.file.getvalue().splitlines()


def test_plain_lines_come_at_most_every_fifteen_seconds(clock):
    console = plain()
    with Display(console, 12_000, "win_rate") as display:
        for update in range(1, 61):
            clock[0] += 1.0
            display.advanced(update * 100, 100.0)
    lines = lines_of(console)
    assert [int(line.split()[0].replace(",", "")) for line in lines] == [1500, 3000, 4500, 6000]


def test_a_plain_line_says_steps_rate_time_left_and_the_evaluation(clock):
    console = plain()
    with Display(console, 100_000, "win_rate", done=20_000) as display:
        display.evaluated(20_000, "0.125")
        clock[0] += 100.0
        display.advanced(21_000, 7.0)
        clock[0] += 30.0
        display.advanced(24_000, 1234.5)
    evaluation, compiled, line = lines_of(console)
    assert evaluation == "      20,000 env steps   evaluation win_rate 0.125"
    assert compiled == "      21,000 env steps   compiled   - min left   win_rate 0.125"
    rate = 3000 / 30.0
    left = 76_000 / rate / 60
    assert line == (
        f"      24,000 env steps   1,234 steps/s   {left:.1f} min left   win_rate 0.125"
    )


def test_a_terminal_shows_steps_rate_time_left_and_the_evaluation():
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Display(console, 1000, "win_rate") as display:
        display.evaluated(0, "0.250")
        display.advanced(100, 5.0)
        display.advanced(200, 4321.0)
        display._progress.refresh()
        shown = console.file.getvalue()
    for part in ("env steps", "200/1000", "4,321 steps/s", "win_rate 0.250", ":"):
        assert part in shown.splitlines()[-1]


def test_brackets_in_a_path_are_not_markup():
    console = plain()
    Display(console, 1, "hit").message("run folder /tmp/[red]runs[/red]")
    assert lines_of(console) == ["run folder /tmp/[red]runs[/red]"]


def budget(env_steps, updates):
    return Budget(environments=1, env_steps=env_steps, gradient_steps=1, updates=updates)


def due(interval, env_steps, updates):
    """Every update at which something is due, after the one at 0."""
    found, update = [], 0
    while update < updates:
        update = _next_due(update, interval, budget(env_steps, updates))
        found.append(update)
    return found


@pytest.mark.parametrize(
    ("interval", "env_steps", "updates", "expected"),
    [
        (100, 100, 4, [1, 2, 3, 4]),
        (200, 100, 4, [2, 4]),
        (200, 100, 5, [2, 4, 5]),
        (1, 100, 3, [1, 2, 3]),
        (250, 100, 10, [3, 5, 8, 10]),
        (1e9, 100, 3, [3]),
        (
            5e5,
            16384,
            611,
            [
                31,
                62,
                92,
                123,
                153,
                184,
                214,
                245,
                275,
                306,
                336,
                367,
                397,
                428,
                458,
                489,
                519,
                550,
                580,
                611,
            ],
        ),
    ],
)
def test_due_at_the_first_update_to_reach_each_multiple_and_at_the_end(
    interval, env_steps, updates, expected
):
    assert due(interval, env_steps, updates) == expected
    reached = {int(update * env_steps // interval) for update in expected}
    assert (
        reached >= set(range(1, int(updates * env_steps // interval) + 1)) or interval < env_steps
    )


def test_the_first_update_which_compiles_is_left_out_of_the_medians(monkeypatch):
    from gpae.runs import phases

    times = iter([0.0, 0.0, 50.0, 100.0, 101.0, 110.0, 113.0])
    monkeypatch.setattr(phases.time, "perf_counter", lambda: next(times))
    phase_times = PhaseTimes()
    for _ in range(3):
        phase_times.begin()
        phase_times.record("collect")
    assert phase_times.medians() == {"collect": 2.0}
    assert phase_times.last() == {"collect": 3.0}


def test_nothing_timed_shows_no_table():
    console = plain()
    PhaseTimes().show(console, 100)
    assert lines_of(console) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.500"),
        (-12.0, "-12.000"),
        (0.0, "0.000"),
        (4e-7, "4e-07"),
        (-0.00012345, "-0.000123"),
    ],
)
def test_small_numbers_are_not_shown_as_nothing(value, text):
    assert shown(value) == text
