"""Archives: thinned metrics, six digits, small, and damaged ones refused."""

import gzip

import numpy as np
import pytest

from gpae.errors import UserError
from gpae.runs import RecordFile
from gpae.studies.archive import StudyRecord, read_archive, thinned


@pytest.fixture
def cell(plan):
    return plan.cells[0]


def test_metrics_are_means_between_evaluations():
    records = [
        {"update": n, "env_steps": 10 * n, "gradient_steps": 2 * n, "loss": float(n)}
        for n in range(1, 8)
    ]
    records[1]["win"] = 0.5
    records[2]["win"] = None
    first, second, rest = thinned(records, [0, 30, 60])
    assert first == {
        "update": 3, "env_steps": 30, "gradient_steps": 6, "updates": 3, "loss": 2, "win": 0.5
    }  # fmt: skip
    assert second == {
        "update": 6, "env_steps": 60, "gradient_steps": 12, "updates": 3, "loss": 5
    }  # fmt: skip
    assert (rest["updates"], rest["loss"]) == (1, 7)


def test_numbers_keep_six_digits():
    (record,) = thinned([{"env_steps": 1234567, "small": 1.23456789e-7, "third": 1 / 3}], [])
    assert record == {"env_steps": 1234567, "updates": 1, "small": 1.23457e-7, "third": 0.333333}


def test_a_run_is_kept_as_a_run_folder_with_its_place_in_the_study(archived, cell, tmp_path):
    kept = archived(cell, 3, [0.0, 0.5])
    (read,) = read_archive(tmp_path / "results")
    assert read.record == kept.record
    assert read.key == (cell.digest, 3)
    assert [np.mean(each["win_rate"]) for each in read.evaluations] == [0.0, 0.5]
    assert not list(kept.folder.path.glob("checkpoints*"))


def test_a_long_run_is_small(archived, cell):
    random = np.random.default_rng(0)
    metrics = [
        {"update": n, "env_steps": n, **{f"metric/{i}": random.normal() for i in range(30)}}
        for n in range(1, 611)
    ]
    kept = archived(cell, 0, random.random(21).tolist(), episodes=128, metrics=metrics)
    with RecordFile(kept.folder.evaluations_path) as file:
        for _ in range(21):
            file.append({"returns": random.normal(size=128).round(4).tolist()})
    contents = b"".join(path.read_bytes() for path in sorted(kept.folder.path.iterdir()))
    assert len(gzip.compress(contents)) < 50_000


def test_runs_of_another_scale_are_left_out(archived, cell, tmp_path):
    archived(cell, 0, [0.1], scale=0.01)
    assert read_archive(tmp_path / "results") == []
    (scaled,) = read_archive(tmp_path / "results", 0.01)
    assert scaled.folder.path.parent.name == "scale_0.01"


@pytest.mark.parametrize("contents", ["", "[]", "{}", '{"sittings": []}'])
def test_a_damaged_record_is_refused_in_a_line(contents, tmp_path):
    path = tmp_path / "study.json"
    path.write_text(contents)
    with pytest.raises(UserError, match="is damaged: it is no record of a study"):
        StudyRecord.read(path)
