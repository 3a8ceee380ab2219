"""Successive halving: the rungs, and the trials that go on from them."""

import pytest

from gpae.search.halving import rungs, survivors


@pytest.mark.parametrize(
    ("total", "interval", "count", "reduction", "expected"),
    [
        (1e7, 5e5, 3, 3, [1_000_000, 3_500_000, 10_000_000]),
        (9e6, 5e5, 3, 3, [1_000_000, 3_000_000, 9_000_000]),
        (1e7, 5e5, 1, 3, [10_000_000]),
        (1e6, 5e5, 3, 3, [500_000, 1_000_000]),
        (1e5, 5e5, 3, 3, [100_000]),
        (8e6, 1e5, 4, 2, [1_000_000, 2_000_000, 4_000_000, 8_000_000]),
    ],
)
def test_rungs_are_evaluations_at_powers_of_the_reduction(
    total, interval, count, reduction, expected
):
    assert rungs(total, interval, count, reduction) == expected


def test_the_best_in_so_many_go_on():
    values = {number: float(value) for number, value in enumerate([3, 9, 1, 7, 5, 8, 2, 6, 4])}
    assert survivors(values, 9, 3, maximise=True) == {1, 5, 3}
    assert survivors(values, 9, 3, maximise=False) == {2, 6, 0}
    assert survivors(values, 9, 4, maximise=True) == {1, 5, 3}, "rounded up"


def test_diverged_trials_count_as_the_poorest():
    assert survivors({4: 1.0, 7: 2.0}, 6, 3, maximise=True) == {4, 7}
    assert survivors({4: 1.0}, 6, 3, maximise=True) == {4}
    assert survivors({}, 6, 3, maximise=True) == set()


def test_of_equal_values_the_first_trials_go_on():
    assert survivors(dict.fromkeys(range(6), 0.5), 6, 3, maximise=True) == {0, 1}
    assert survivors(dict.fromkeys(range(6), 0.5), 6, 3, maximise=False) == {0, 1}
