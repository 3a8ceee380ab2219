"""How several runs share devices."""

from types import SimpleNamespace

import jax
import pytest
from gpae.training.seeds import SeedsRunner, make_runner

from gpae.training.sharding import Runner


@pytest.mark.parametrize(
    ("available", "runs", "shares", "limit", "lanes", "devices_a_run"),
    [
        (2, 2, 8, 0, 2, 1),
        (2, 4, 8, 0, 2, 1),
        (2, 5, 8, 0, 1, 2),
        (2, 5, 7, 0, 1, 1),
        (2, 5, 8, 1, 1, 1),
        (8, 4, 8, 0, 4, 2),
        (8, 4, 9, 0, 4, 1),
        (8, 6, 8, 0, 6, 1),
        (8, 2, 8, 2, 2, 2),
        (2, 4, 8, 2, 1, 2),
        (2, 4, 7, 2, 2, 1),
        (4, 4, 8, 2, 2, 2),
        (4, 4, 8, 9, 1, 4),
    ],
)
def test_runs_come_before_environments(
    available, runs, shares, limit, lanes, devices_a_run, monkeypatch
):
    monkeypatch.setattr(jax, "local_devices", lambda: list(range(available)))
    runner = make_runner(SimpleNamespace(shares=shares), runs, limit, 1)
    assert (runner.runs, runner.lanes) == (runs, lanes)
    assert len(runner.devices) == lanes * devices_a_run
    assert len(set(runner.devices)) == len(runner.devices)


def test_one_run_has_a_plain_runner():
    runner = make_runner(SimpleNamespace(shares=1), 1, 0, 1)
    assert type(runner) is Runner
    assert runner.devices_a_run == 1


def test_as_many_states_as_runs():
    device = jax.local_devices()[0]
    runner = SeedsRunner(SimpleNamespace(), (device,), 1, runs=2, lanes=1)
    with pytest.raises(ValueError, match="expected 2, found 3"):
        runner.join([{}, {}, {}])
