"""Time budgets: a run stops with a checkpoint and goes on to the same end; a sweep shares one."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def spend_the_budget(monkeypatch, before_call):
    """Have every budget spent from a call on."""
    from gpae.runs.deadline import Deadline

    def install(call):
        before_call(call, lambda: monkeypatch.setattr(Deadline, "left", -1.0))

    return install


def test_a_run_stops_when_its_budget_is_spent_and_goes_on_to_the_same_end(
    gpae, small, straight, same_end, spend_the_budget, monkeypatch, tmp_path
):
    folder = tmp_path / "run"
    spend_the_budget(4)
    stopped = gpae("train", *small(), f"run.folder={folder}", "run.budget=13m")
    assert (stopped.code, stopped.err) == (0, "")
    (line,) = [line for line in stopped.out.splitlines() if "budget" in line]
    assert line == (
        "stopped at 192 env steps, as the budget of 13m is spent; "
        f"continue with: gpae resume {folder}"
    )
    monkeypatch.undo()
    assert gpae("resume", folder, "--budget", "1h").code == 0
    same_end(folder, straight("gpae")[0])


def test_a_resumed_run_stops_again_when_its_budget_is_spent(
    gpae, small, spend_the_budget, tmp_path
):
    folder = tmp_path / "run"
    spend_the_budget(0)
    gpae("train", *small(), f"run.folder={folder}", "run.budget=1h")
    again = gpae("resume", folder, "--budget", "90s")
    assert again.code == 0
    assert "env steps, as the budget of 90s is spent; continue with" in again.out


@pytest.mark.parametrize("words", [[], ["hydra/launcher=basic"]], ids=["own", "hydra"])
def test_a_sweep_begins_no_run_once_its_budget_is_spent(
    words, gpae, small, spend_the_budget, tmp_path
):
    spend_the_budget(9)
    asked = [*small(seed="0,1,2", run__population=1), *words, "run.budget=1h"]
    result = gpae("train", "-m", *asked, f"run.root={tmp_path}/runs")
    assert (result.code, result.err) == (0, "")
    assert result.out.count("final hit") == 1
    assert len(list((tmp_path / "runs").glob("*-seed*/checkpoints"))) == 1
    if not words:
        assert "runs of the sweep not begun: 2, as the budget of 1h is spent" in result.out


def test_a_budget_that_is_no_duration_is_refused_in_a_line(gpae, straight):
    result = gpae("resume", straight("gpae")[0], "--budget", "soon")
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert "'soon' is not a duration above 0 such as 90s, 13m, 2h or plain seconds" in line
