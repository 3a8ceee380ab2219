"""Cards of teams: their intervals, and files that are none."""

import numpy as np
import pytest

from gpae.errors import UserError
from gpae.zoo import Card
from gpae.zoo.cards import mean_interval


def test_a_share_has_wilsons_interval():
    assert mean_interval([1.0] * 8 + [0.0] * 2) == pytest.approx((0.490162, 0.943318), abs=1e-6)


def test_a_share_of_all_is_not_certain():
    low, high = mean_interval([1.0] * 20)
    assert (low, high) == (pytest.approx(0.838875, abs=1e-6), 1.0)
    assert mean_interval([0.0] * 20) == pytest.approx((1 - high, 1 - low))


def test_other_means_have_the_normal_interval():
    values = np.random.default_rng(0).normal(5.0, 2.0, 400)
    half = 1.959964 * values.std(ddof=1) / 20.0
    expected = (values.mean() - half, values.mean() + half)
    assert mean_interval(values.tolist()) == pytest.approx(expected, rel=1e-6)


def test_one_value_has_no_interval():
    with pytest.raises(ValueError, match="at least two values, found 1"):
        mean_interval([1.0])


@pytest.mark.parametrize("contents", ["", "[]", "{}", '{"task": "smax/3m"}'])
def test_a_damaged_card_is_one_line(tmp_path, contents):
    path = tmp_path / "card.json"
    path.write_text(contents)
    with pytest.raises(UserError, match="is damaged: it is no card of a team"):
        Card.read(path)


def test_an_absent_card_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*card\.json: No such file"):
        Card.read(tmp_path / "card.json")
