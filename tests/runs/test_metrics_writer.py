import struct
from pathlib import Path

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event, SessionLog

from gpae.runs import MetricsWriter, RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run", {"seed": 0})


def record(update: int, win_rate: float = 0.5) -> dict[str, float]:
    return {
        "update": update,
        "env_steps": 100 * update,
        "gradient_steps": 5 * update,
        "train/win_rate": win_rate,
    }


def evaluation(update: int, *, absolute: bool = False) -> dict[str, object]:
    return {
        "update": update,
        "env_steps": 100 * update,
        "mode": "greedy",
        "episodes": 4,
        "win_rate": [1.0, 0.0, 1.0, 1.0],
        "absolute": absolute,
    }


def events(run: RunFolder) -> list[Event]:
    found = []
    for file in sorted(run.tensorboard_path.iterdir(), key=lambda file: file.stat().st_mtime_ns):
        contents = file.read_bytes()
        while contents:
            (length,) = struct.unpack("<Q", contents[:8])
            found.append(Event.FromString(contents[12 : 12 + length]))
            contents = contents[12 + length + 4 :]
    return found


def scalars(run: RunFolder) -> list[tuple[str, int, float]]:
    return [
        (value.tag, event.step, value.simple_value)
        for event in events(run)
        for value in event.summary.value
    ]


def test_a_record_goes_to_the_file_and_to_tensorboard(run: RunFolder) -> None:
    with MetricsWriter(run) as writer:
        writer.write(record(1, win_rate=np.float32(0.25)))
        writer.sync()
        assert writer.metrics.read() == [record(1, 0.25)]
        assert scalars(run) == [("gradient_steps", 100, 5.0), ("train/win_rate", 100, 0.25)]


def test_an_evaluation_goes_to_its_own_file_and_its_means_to_tensorboard(run: RunFolder) -> None:
    with MetricsWriter(run) as writer:
        writer.write_evaluation(evaluation(2))
        writer.write_evaluation(evaluation(2, absolute=True))
        assert writer.evaluations.read() == [evaluation(2), evaluation(2, absolute=True)]
        assert writer.metrics.read() == []
    assert scalars(run) == [("evaluation/greedy/win_rate", 200, 0.75)]


def test_resuming_after_a_crash_equals_never_having_crashed(run: RunFolder, tmp_path: Path) -> None:
    straight = RunFolder.create(tmp_path / "straight", {"seed": 0})
    with MetricsWriter(straight) as writer:
        for update in range(1, 7):
            writer.write(record(update))
        writer.write_evaluation(evaluation(4))
    with MetricsWriter(run) as writer:
        for update in range(1, 6):
            writer.write(record(update, 0.5 if update <= 3 else 0.9))
        writer.write_evaluation(evaluation(4))
    with MetricsWriter(run, resume_update=3) as writer:
        for update in range(4, 7):
            writer.write(record(update))
        writer.write_evaluation(evaluation(4))
    assert run.metrics_path.read_bytes() == straight.metrics_path.read_bytes()
    assert run.evaluations_path.read_bytes() == straight.evaluations_path.read_bytes()


def test_resuming_tells_tensorboard_from_where_to_forget(run: RunFolder) -> None:
    with MetricsWriter(run) as writer:
        for update in (1, 2, 3):
            writer.write(record(update))
    with MetricsWriter(run, resume_update=2) as writer:
        writer.write(record(3, win_rate=0.75))
    starts = [e.step for e in events(run) if e.session_log.status == SessionLog.START]
    assert starts == [201]
    assert len(list(run.tensorboard_path.iterdir())) == 2


def test_resuming_from_the_beginning_forgets_everything(run: RunFolder) -> None:
    with MetricsWriter(run) as writer:
        writer.write(record(1))
    with MetricsWriter(run, resume_update=0):
        pass
    assert run.metrics_path.read_bytes() == b""
    assert [e.step for e in events(run) if e.session_log.status == SessionLog.START] == [0]


def test_a_record_needs_its_counters(run: RunFolder) -> None:
    with MetricsWriter(run) as writer:
        with pytest.raises(ValueError, match="without env_steps"):
            writer.write({"update": 1})
        with pytest.raises(ValueError, match="without update"):
            writer.write_evaluation({"env_steps": 1})
        assert writer.metrics.read() == []
