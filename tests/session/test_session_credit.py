"""`gpae credit`: a run's credit measured from its folder, shown and written."""

import json

import pytest

pytestmark = pytest.mark.slow


def test_credit_of_a_run_is_measured_shown_and_written(gpae, straight, contents, tmp_path):
    folder = straight("mappo")[0]
    before = contents(folder)
    words = ("--states", "6", "--repetitions", "4", "--samples", "3", "--output", str(tmp_path))
    result = gpae("credit", str(folder), *words)
    assert (result.code, result.err) == (0, "")
    assert "truth" in result.out
    assert "calls" in result.out
    written = json.loads((tmp_path / "credit.json").read_text())
    assert set(written["estimators"]) == {"mappo", "mappo, lambda 0", "mappo, lambda 1", "truth"}
    assert written["estimators"]["truth"]["pairs"] == 12
    assert (tmp_path / "credit.png").read_bytes().startswith(b"\x89PNG")
    assert contents(folder) == before
