"""Archive of a study's runs: their records in small, without checkpoints."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from gpae.config.compose import from_dict, to_dict
from gpae.errors import UserError
from gpae.runs import RecordFile, RunFolder
from gpae.runs.files import disk_errors, write_atomically
from gpae.studies.identity import Identity, digest, identity

STUDY_FILE = "study.json"
"""The record beside a run's configuration, versions, metrics and evaluations."""

_COUNTERS = ("update", "env_steps", "gradient_steps")
_DIGITS = 6


@dataclass(frozen=True)
class Sitting:
    """A part of a run, made without a stop.

    Attributes:
        device: The kind of device.
        env_steps: Environment steps made.
        seconds: The run's share of the time it took with those made together with it, compilation
            and evaluations included.
        together: Number of runs made together.
    """

    device: str
    env_steps: int
    seconds: float
    together: int


@dataclass(frozen=True)
class StudyRecord:
    """The place of a run in a study, and its making.

    Attributes:
        study: The study's name.
        task: The task of its cell.
        row: The row of its cell.
        seed: Its seed.
        scale: Factor of the study's environment steps.
        revision: Revision of the code it was made with.
        sittings: Its parts, in order.
        diverged: The message of a run that diverged; None for one that finished.
    """

    study: str
    task: str
    row: str
    seed: int
    scale: float
    revision: int
    sittings: tuple[Sitting, ...] = ()
    diverged: str | None = None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record.

        Raises:
            UserError: It cannot be read, or is none.
        """
        with disk_errors(f"read {path}"):
            contents = path.read_bytes()
        try:
            values = json.loads(contents)
            sittings = tuple(Sitting(**each) for each in values.pop("sittings"))
            return cls(sittings=sittings, **values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(f"{path} is damaged: it is no record of a study") from error

    def write(self, path: Path) -> None:
        """Write the record in one step."""
        with disk_errors(f"write {path}"):
            write_atomically(path, (json.dumps(asdict(self), indent=1) + "\n").encode())


@dataclass(frozen=True)
class ArchivedRun:
    """A finished run of a study, or one that diverged, as it is kept.

    Attributes:
        folder: Its folder, which reports accept as a run folder.
        record: Its place in a study.
    """

    folder: RunFolder
    record: StudyRecord

    @cached_property
    def identity(self) -> Identity:
        """All that changed what it measured, by the settings' present names and defaults."""
        config = to_dict(from_dict(self.folder.config))
        return identity(config, self.folder.versions(), self.record.revision)

    @cached_property
    def key(self) -> tuple[str, int]:
        """Digest and seed, as a planned run has them."""
        return digest(self.identity), self.record.seed

    @cached_property
    def evaluations(self) -> list[dict[str, Any]]:
        """The records of its evaluations in the first mode, the absolute one left out."""
        records = RecordFile(self.folder.evaluations_path).read()
        modes = [record["mode"] for record in records]
        first = "greedy" if "greedy" in modes else (modes or [""])[0]
        return [each for each in records if each["mode"] == first and not each["absolute"]]

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """The means of its metrics between evaluations."""
        return RecordFile(self.folder.metrics_path).read()


def read_archive(results: Path, scale: float = 1.0) -> list[ArchivedRun]:
    """Every archived run of a scale, of all studies.

    Args:
        results: The folder of all results.
        scale: Factor of the studies' environment steps: runs of other scales are left out.

    Raises:
        UserError: A folder is damaged.
    """
    places = ("*", "*/scale_*")
    paths = [path for place in places for path in sorted(results.glob(f"{place}/*/{STUDY_FILE}"))]
    found = [ArchivedRun(RunFolder.open(path.parent), StudyRecord.read(path)) for path in paths]
    return [run for run in found if run.record.scale == scale]


def study_folder(results: Path, study: str, scale: float) -> Path:
    """The folder of a study's archived runs, tables and pictures; scaled ones are apart."""
    folder = results / Path(study).stem
    return folder if scale == 1.0 else folder / f"scale_{scale:g}"


def archive_run(folder: RunFolder, record: StudyRecord, target: Path) -> ArchivedRun:
    """Keep a run's records: its metrics as means between evaluations, numbers to six digits.

    Args:
        folder: The run's folder.
        record: Its place in a study.
        target: The folder to write; an unfinished archive of the same run is replaced.

    Raises:
        UserError: It cannot be written.
    """
    evaluations = [_short(each) for each in RecordFile(folder.evaluations_path).read()]
    ends = sorted({each["env_steps"] for each in evaluations if not each["absolute"]})
    metrics = thinned(RecordFile(folder.metrics_path).read(), ends)
    with disk_errors(f"archive a run in {target}"):
        target.mkdir(parents=True, exist_ok=True)
        for source in (folder.config_path, folder.versions_path):
            write_atomically(target / source.name, source.read_bytes())
        write_atomically(target / folder.metrics_path.name, _lines(metrics))
        write_atomically(target / folder.evaluations_path.name, _lines(evaluations))
    record.write(target / STUDY_FILE)
    return ArchivedRun(RunFolder.open(target), record)


def is_finished(folder: RunFolder) -> bool:
    """True for a run with the final evaluation of its best policy."""
    return any(record["absolute"] for record in RecordFile(folder.evaluations_path).read())


def thinned(
    records: Sequence[Mapping[str, Any]], ends: Iterable[int]
) -> list[dict[str, float | int]]:
    """Means of metrics over the updates up to each of some numbers of environment steps.

    Args:
        records: One record an update, in order.
        ends: Environment steps, ascending; later records make one more mean.

    Returns:
        A record for each span that has updates: the counters as they were at its end, the number
        of ``updates``, and every metric's mean over those that have it.
    """
    bounds = [*ends]
    spans: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        spans[int(np.searchsorted(bounds, record["env_steps"]))].append(record)
    return [_mean(span) for _, span in sorted(spans.items())]


def _mean(records: Sequence[Mapping[str, Any]]) -> dict[str, float | int]:
    counters = {name: records[-1][name] for name in _COUNTERS if name in records[-1]}
    names = dict.fromkeys(name for record in records for name in record if name not in counters)
    means = {
        name: float(np.mean(values))
        for name in names
        if (values := [record[name] for record in records if record.get(name) is not None])
    }
    return _short({**counters, "updates": len(records), **means})


def _short(value: Any) -> Any:
    """Numbers to six digits, whole ones without a point."""
    if isinstance(value, Mapping):
        return {name: _short(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_short(each) for each in value]
    if not isinstance(value, float):
        return value
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() else short


def _lines(records: Iterable[Mapping[str, Any]]) -> bytes:
    separators = (",", ":")
    return b"".join(json.dumps(each, separators=separators).encode() + b"\n" for each in records)
