"""The measured rate of matrix products."""

import jax
import pytest

from benchmarks.harness import gemm


@pytest.fixture
def ticking(monkeypatch):
    """A clock that moves by a second whenever it is asked."""
    now = [0.0]

    def tick():
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(gemm.time, "perf_counter", tick)


def test_rates_count_the_products_of_all_devices(ticking):
    devices = jax.devices("cpu")[:2]
    rates = gemm.gemm_rates(devices, sizes=(8, 16), seconds=0.0)
    assert rates == {8: 2 * 2 * 8**3, 16: 2 * 2 * 16**3}


@pytest.mark.parametrize(("seconds", "runs"), [(0.0, 5), (7.0, 7)])
def test_a_measurement_takes_its_time_but_never_few_runs(ticking, seconds, runs):
    made = []
    assert gemm.shortest_run(lambda: made.append(0), seconds) == 1.0
    assert len(made) == 1 + runs
