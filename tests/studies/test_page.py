"""The page of claims: as the results say, number by number."""

import re
from pathlib import Path

import numpy as np
import pytest

from gpae.report.statistics import interquartile_mean
from gpae.studies import page as page_module
from gpae.studies.archive import read_archive
from gpae.studies.outputs import write_outputs
from gpae.studies.page import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_results_give():
    assert (ROOT / "docs/reproduction.md").read_text() == page(ROOT), (
        "write it anew: python -m gpae.studies.page > docs/reproduction.md"
    )


@pytest.fixture
def small_page(small, tmp_path, monkeypatch):
    """The page of the small study."""

    def write():
        monkeypatch.setattr(page_module, "study_names", lambda: [str(small)])
        return page(tmp_path)

    return write


def cells_of(line):
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_without_runs_it_says_so(small_page):
    text = small_page()
    assert "Missing: 6 runs; 3 of 3 cells have none yet." in text
    assert "| one is better |  | 1 pairs | - | not run yet |" in text
    assert "not reproduced |" not in text


def test_every_number_of_the_page_is_that_of_the_runs(small_page, archived, plan):
    wins = {"one": [0.3, 0.8], "two": [0.1, 0.3]}
    metrics = [{"update": 1, "env_steps": 96, "a": 5.0, "b": 1.0, "c": 8.0}]
    for cell in plan.cells[:2]:
        for seed, win in enumerate(wins[cell.row.name]):
            archived(cell, seed, [0.0, win], metrics=metrics)
    text = small_page()
    for row, values in wins.items():
        percent = 100.0 * np.array(values)
        lines = [line for line in text.splitlines() if f"| toy/beacon | {row} |" in line]
        performance, gap = map(cells_of, lines)
        assert performance[:4] == ["toy/beacon", row, "2", "96"]
        assert performance[4] == f"{percent.mean():.1f} ± {percent.std(ddof=1):.1f}"
        assert performance[5].startswith(f"{interquartile_mean(percent):.1f} [")
        assert gap[4] == "0.5 ± 0.0"
    (claim,) = [cells_of(line) for line in text.splitlines() if "one is better" in line]
    pairs = [(a > b) + (a == b) / 2 for a in wins["one"] for b in wins["two"]]
    assert re.fullmatch(rf"{np.mean(pairs):.2f} \[0\.\d\d, 1\.00\]", claim[3])
    assert claim[4].startswith("not reproduced") == (float(claim[3][6:10]) <= 0.5)


def test_rows_are_compared_over_seeds(small_page, archived, plan, small, tmp_path):
    wins = {"one": [0.3, 0.8], "two": [0.1, 0.3]}
    for cell in plan.cells[:2]:
        for seed, win in enumerate(wins[cell.row.name]):
            archived(cell, seed, [0.0, win])
    lines = small_page().splitlines()
    pairs = [(a > b) + (a == b) / 2 for a in wins["one"] for b in wins["two"]]
    (over,) = [cells_of(line) for line in lines if line.startswith("| one | - |")]
    assert over[2].startswith(f"{np.mean(pairs):.2f} [")
    (shares,) = [cells_of(line) for line in lines if line.startswith("| one | 1.00 [")]
    assert [share[:4] for share in shares[1:]] == ["1.00", "0.50", "0.50", "0.00"]
    assert "profiles.png" not in "\n".join(lines)
    results = tmp_path / "results"
    written = write_outputs(str(small), read_archive(results), results)
    assert [path.name for path in written] == ["table.md", "curves.png", "profiles.png"]
    assert all(path.stat().st_size for path in written)
    assert "performance profiles](../results/small/profiles.png)" in small_page()


def test_a_single_seed_is_not_compared(small_page, archived, plan):
    for cell in plan.cells[:2]:
        archived(cell, 0, [0.0, 0.5])
    assert "Performance profile" not in small_page()


def test_a_control_is_marked_as_one(small_page, archived, plan):
    archived(plan.cells[2], 0, [0.5])
    assert "| toy/beacon | odd (control) | 1 of 2 | 0 | 50.0 | 50.0 | - | - |" in small_page()
