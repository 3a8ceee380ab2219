"""Work on a study: its next unfinished runs, trained until they are finished or time is up."""

import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from gpae.config.compose import to_dict
from gpae.console import say
from gpae.errors import UserError
from gpae.runs import RecordFile, RunFolder
from gpae.runs.deadline import Deadline
from gpae.runs.folder_names import plain
from gpae.runs.packing import Result, train_packed
from gpae.runs.session import Failure, Outcome
from gpae.studies.archive import (
    STUDY_FILE,
    ArchivedRun,
    Sitting,
    StudyRecord,
    archive_run,
    is_finished,
    read_archive,
    study_folder,
)
from gpae.studies.identity import REVISION
from gpae.studies.plan import Plan, PlannedRun
from gpae.studies.rates import device_kind

_UNFINISHED = "training ended before its last update"


@dataclass(frozen=True)
class Places:
    """Folders of a study.

    Attributes:
        name: The study's name.
        scale: Factor of its environment steps.
        root: Folder of the runs in progress, which studies share.
        results: Folder of all studies' archives.
    """

    name: str
    scale: float
    root: Path
    results: Path

    def run_folder(self, run: PlannedRun) -> Path:
        """The folder of a run in progress, by all that it measures."""
        method = run.cell.config.method.name
        return self.root / f"{plain(run.cell.task)}_{method}_{run.cell.digest}_seed{run.seed}"

    def archive_folder(self, run: PlannedRun) -> Path:
        """The folder of a run's archive."""
        row = re.sub(r"[^a-z0-9.]+", "-", run.cell.row.name.lower()).strip("-")
        name = f"{plain(run.cell.task)}_{row}_{run.cell.digest}_seed{run.seed}"
        return study_folder(self.results, self.name, self.scale) / name


class Work:
    """The runs of a plan that are not finished, and the making of them.

    Args:
        plan: The plan.
        places: The study's folders.
        console: Where progress is shown.
    """

    def __init__(self, plan: Plan, places: Places, console: Console) -> None:
        self.plan, self.places, self.console = plan, places, console
        self.archive = {run.key: run for run in read_archive(places.results, places.scale)}

    def unfinished(self) -> list[PlannedRun]:
        """The runs that no archive has, in the order of priority."""
        return [run for run in self.plan.runs if run.key not in self.archive]

    def adopt_finished(self) -> None:
        """Archive the runs in progress that have finished, as before a process was killed."""
        for run in self.unfinished():
            path = self.places.run_folder(run)
            if (path / STUDY_FILE).exists():
                self._archive_if_ended(run, RunFolder.open(path))

    def carry_on(self, deadline: Deadline | None) -> bool:
        """Train the unfinished runs.

        Args:
            deadline: When to stop with checkpoints.

        Returns:
            False if a stop was asked for, or the deadline has passed, before all were finished.

        Raises:
            UserError: A folder cannot be written, a checkpoint cannot be used, or the device's
                memory does not suffice.
        """
        for batch in self._batches():
            if deadline is not None and deadline.passed:
                return False
            if not self._train(batch, deadline):
                return False
        return True

    def _batches(self) -> Iterator[list[PlannedRun]]:
        """Unfinished runs that may share a program, of one step of the priority after another."""
        for step in self.plan.steps:
            left = [run for run in step if run.key not in self.archive]
            while left:
                program = left[0].program
                batch = [run for run in left if run.program == program]
                left = [run for run in left if run.program != program]
                if waiting := self._not_in_use(batch):
                    yield waiting

    def _not_in_use(self, batch: Sequence[PlannedRun]) -> list[PlannedRun]:
        """The runs that no other process works on, and no other study has finished meanwhile."""
        free = []
        for run in batch:
            path = self.places.run_folder(run)
            if run.key in self.archive or (path.exists() and _in_use(path)):
                continue
            free.append(run)
        return free

    def _train(self, batch: Sequence[PlannedRun], deadline: Deadline | None) -> bool:
        """Train a batch; False if the study is to stop."""
        folders = [self._folder(run) for run in batch]
        seeds = ", ".join(str(run.seed) for run in batch)
        names = dict.fromkeys(run.cell.name for run in batch)
        say(self.console, f"{'; '.join(names)}: seeds {seeds}")
        before, begun = [_env_steps(folder) for folder in folders], time.monotonic()
        pairs = [(run.config, folder) for run, folder in zip(batch, folders, strict=True)]
        results = train_packed(pairs, self.console, deadline=deadline)
        self._note_sitting(folders, before, time.monotonic() - begun)
        stopped = any(isinstance(each, Outcome) and each.stopped for each in results)
        for run, folder, result in zip(batch, folders, results, strict=True):
            self._conclude(run, folder, result, stopped)
        return not stopped and not (deadline is not None and deadline.passed)

    def _conclude(self, run: PlannedRun, folder: RunFolder, result: Result, stopped: bool) -> None:
        """Archive a run that has ended; one that a stop interrupted goes on another time."""
        if self._archive_if_ended(run, folder):
            return
        if isinstance(result, Failure):
            self._archive_diverged(run, folder, result.message)
        elif not stopped:
            self._archive_diverged(run, folder, _UNFINISHED)

    def _folder(self, run: PlannedRun) -> RunFolder:
        """The run's folder, begun or new."""
        path = self.places.run_folder(run)
        if (path / STUDY_FILE).exists():
            return RunFolder.open(path)
        folder = RunFolder.create(path, to_dict(run.config))
        record = StudyRecord(
            study=Path(self.places.name).stem,
            task=run.cell.task,
            row=run.cell.row.name,
            seed=run.seed,
            scale=self.places.scale,
            revision=REVISION,
        )
        record.write(path / STUDY_FILE)
        return folder

    def _note_sitting(
        self, folders: Sequence[RunFolder], before: Sequence[int], seconds: float
    ) -> None:
        """Add to each run's record its environment steps, and its share of the time."""
        made = [
            max(0, _env_steps(folder) - steps)
            for folder, steps in zip(folders, before, strict=True)
        ]
        if not sum(made):
            return
        device = device_kind()
        for folder, steps in zip(folders, made, strict=True):
            share = round(seconds * steps / sum(made), 1)
            path = folder.path / STUDY_FILE
            record = StudyRecord.read(path)
            sitting = Sitting(device, steps, share, len(folders))
            replace(record, sittings=(*record.sittings, sitting)).write(path)

    def _archive_if_ended(self, run: PlannedRun, folder: RunFolder) -> bool:
        record = StudyRecord.read(folder.path / STUDY_FILE)
        if not is_finished(folder) and record.diverged is None:
            return False
        self._keep(run, folder, record)
        return True

    def _archive_diverged(self, run: PlannedRun, folder: RunFolder, message: str) -> None:
        path = folder.path / STUDY_FILE
        record = replace(StudyRecord.read(path), diverged=message)
        record.write(path)
        say(self.console, f"{run.cell.name} seed {run.seed}: {message}")
        self._keep(run, folder, record)

    def _keep(self, run: PlannedRun, folder: RunFolder, record: StudyRecord) -> None:
        kept = archive_run(folder, record, self.places.archive_folder(run))
        if kept.key != run.key:
            raise UserError(
                f"{folder.path} is not the run it was planned as: its settings or versions differ; "
                "give another --root"
            )
        self.archive[kept.key] = kept


def archived_of(work: Work) -> list[ArchivedRun]:
    """Every archived run of the study's scale."""
    return list(work.archive.values())


def _in_use(path: Path) -> bool:
    """True if another process holds a run's lock."""
    try:
        with RunFolder.open(path).lock():
            return False
    except UserError as error:
        if "in use" in str(error):
            return True
        raise


def _env_steps(folder: RunFolder) -> int:
    """Environment steps that a run's metrics reach to."""
    records = RecordFile(folder.metrics_path).read()
    return int(records[-1]["env_steps"]) if records else 0
