import json
import math
import resource
from pathlib import Path

import numpy as np
import pytest

from gpae.errors import UserError
from gpae.runs import RecordFile


@pytest.fixture
def records(tmp_path: Path) -> RecordFile:
    return RecordFile(tmp_path / "metrics.jsonl")


def test_records_come_back_in_order(records: RecordFile) -> None:
    written = [{"update": k, "loss/actor": k / 3, "mode": "greedy"} for k in range(5)]
    with records:
        for record in written:
            records.append(record)
    assert records.read() == written
    assert records.path.read_bytes().count(b"\n") == 5


def test_an_absent_file_has_no_records(records: RecordFile) -> None:
    assert records.read() == []
    assert records.truncate_after("update", 3) == 0
    assert not records.path.exists()


def test_a_record_is_readable_as_soon_as_it_is_appended(records: RecordFile) -> None:
    records.append({"update": 1})
    assert records.read() == [{"update": 1}]
    records.close()


def test_only_valid_json_is_written(records: RecordFile) -> None:
    record = {"a": math.nan, "b": [math.inf, 1.5], "c": np.float32("-inf"), "d": {"e": math.nan}}
    with records:
        records.append(record)

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is not JSON")

    found = json.loads(records.path.read_text(), parse_constant=refuse)
    assert found == {"a": None, "b": [None, 1.5], "c": None, "d": {"e": None}}


def test_arrays_keep_their_exact_values(records: RecordFile) -> None:
    tenth = np.float32(0.1)
    with records:
        records.append({"x": tenth, "n": np.int64(2**60), "v": np.array([tenth, 2], np.float32)})
    (record,) = records.read()
    assert record["n"] == 2**60
    assert np.float32(record["x"]) == tenth
    assert record["x"] == float(tenth)
    assert record["v"] == [float(tenth), 2.0]


def test_a_value_without_json_form_writes_nothing(records: RecordFile) -> None:
    with records, pytest.raises(TypeError):
        records.append({"x": object()})
    assert records.read() == []


@pytest.mark.parametrize("cut", range(1, 13))
def test_a_torn_last_line_is_ignored_then_removed(records: RecordFile, cut: int) -> None:
    whole = b'{"update": 1}\n'
    records.path.write_bytes(whole + b'{"update": 2}\n'[:cut])
    assert records.read() == [{"update": 1}]
    with records:
        records.append({"update": 3})
    assert records.read() == [{"update": 1}, {"update": 3}]
    assert records.path.read_bytes().startswith(whole)


@pytest.mark.parametrize("line", [b"{oops", b"[1, 2]", b"\x00\xff"])
def test_a_spoilt_line_in_the_middle_is_named(records: RecordFile, line: bytes) -> None:
    records.path.write_bytes(b'{"update": 1}\n' + line + b'\n{"update": 3}\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl is damaged: line 2 "):
        records.read()


def test_truncation_keeps_the_bytes_of_what_stays(records: RecordFile) -> None:
    kept = b'{"update":1,  "x": 1.50}\n{"note": "no counter"}\n{"update": 2}\n'
    records.path.write_bytes(kept + b'{"update": 3}\n{"update": 4}\n{"upd')
    assert records.truncate_after("update", 2) == 2
    assert records.path.read_bytes() == kept
    assert list(records.path.parent.iterdir()) == [records.path]


def test_truncation_between_appends_of_one_writer(records: RecordFile) -> None:
    with records:
        for update in range(1, 6):
            records.append({"update": update})
        assert records.truncate_after("update", 3) == 2
        records.append({"update": 4})
    assert [record["update"] for record in records.read()] == [1, 2, 3, 4]


def test_truncation_leaves_an_untouched_file_alone(records: RecordFile) -> None:
    with records:
        records.append({"update": 1})
    before = records.path.stat().st_ino
    assert records.truncate_after("update", 1) == 0
    assert records.path.stat().st_ino == before


def test_a_full_disk_leaves_whole_lines(records: RecordFile) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    records.append({"update": 1})
    size = records.path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 5, limits[1]))
    try:
        with pytest.raises(UserError, match=r"cannot write to .*: File too large"):
            records.append({"update": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert records.path.read_bytes() == b'{"update": 1}\n'
    records.append({"update": 2})
    records.close()
    assert [record["update"] for record in records.read()] == [1, 2]


def test_a_folder_in_place_of_the_file_is_one_line(tmp_path: Path) -> None:
    records = RecordFile(tmp_path)
    with pytest.raises(UserError, match=r"cannot write to .*: Is a directory"):
        records.append({"update": 1})
    with pytest.raises(UserError, match=r"cannot read .*: Is a directory"):
        records.read()
