"""Report of a study: learning curves and a table of its archived runs."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from rich.console import Console
from rich.table import Table

from gpae.errors import UserError
from gpae.report.curves import compare_panels
from gpae.report.evaluations import Evaluations
from gpae.report.grouping import group_runs
from gpae.report.statistics import mean_and_deviation
from gpae.runs import RecordFile, RunFolder
from gpae.studies.archive import archive, require_finished

_AVERAGED_UPDATES = 3
_COLUMNS = (
    "task",
    "preset",
    "runs",
    "gradient steps",
    "seeds",
    "training win rate",
    "each",
    "final evaluation",
    "best policy",
)


@dataclass(frozen=True)
class Panel:
    """One panel of a study's figure: the runs of a task with a preset.

    Attributes:
        task: The task's name.
        preset: The preset's name.
        learning_rate: The preset's learning rate, by which its runs are recognised.
        total: Number of env steps within which a run's best training win rate is taken.
    """

    task: str
    preset: str
    learning_rate: float
    total: int

    @property
    def heading(self) -> str:
        """Title of the panel."""
        return f"{self.task}, preset {self.preset}"

    def holds(self, run: RunFolder) -> bool:
        """True for a run of the panel."""
        config = run.config
        return (
            config["task"]["name"] == self.task
            and config["update"]["learning_rate"] == self.learning_rate
        )


def training_win_rate(run: Path, total: int) -> float:
    """Best mean training win rate of three consecutive updates within ``total`` env steps."""
    records = RecordFile(RunFolder.open(run).metrics_path).read()
    rates = [r.get("train/win_rate", 0.0) for r in records if r["env_steps"] <= total]
    means = [
        sum(rates[end - _AVERAGED_UPDATES : end]) / _AVERAGED_UPDATES
        for end in range(_AVERAGED_UPDATES, len(rates) + 1)
    ]
    return max(means, default=0.0)


def report(
    panels: Sequence[Panel], results: Path, console: Console, metric: str | None = None
) -> None:
    """Draw the panels, and print a table with one row for each group of runs.

    Args:
        panels: The study's panels; those without archived runs are left out.
        results: The study's folder; ``curves.png`` is written to it.
        console: Console that the table is printed on.
        metric: The metric that is drawn; the headline metric if None.

    Raises:
        UserError: If no runs are archived, or one is not finished.
    """
    runs = [RunFolder.open(path.parent) for path in sorted(results.glob("*/config.yaml"))]
    for run in runs:
        require_finished(run)
    groups = {
        panel: group_runs(paths)
        for panel in panels
        if (paths := [run.path for run in runs if panel.holds(run)])
    }
    if not groups:
        raise UserError(f"{results} holds no runs; make them with the study's commands first")
    compare_panels(
        {panel.heading: groups[panel] for panel in groups}, results / "curves.png", metric
    )
    table = Table(*_COLUMNS)
    for panel, labelled in groups.items():
        for label, folders in labelled.items():
            table.add_row(panel.task, panel.preset, label, *_row(panel, folders))
    console.print(table)


def study_command(
    description: str,
    panels: Sequence[Panel],
    results: str,
    arguments: Sequence[str] | None,
    metric: str | None = None,
) -> int:
    """Run a study's command line: archive the given runs, then report on all archived ones.

    Args:
        description: Text of ``--help``.
        panels: The study's panels.
        results: Default of ``--results``, the study's folder.
        arguments: Command-line arguments; those of the process if None.
        metric: The metric that is drawn; the headline metric if None.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--results", type=Path, default=Path(results))
    parsed = parser.parse_args(arguments)
    try:
        archive(parsed.runs, parsed.results)
        report(panels, parsed.results, Console(), metric)
    except UserError as error:
        Console(stderr=True).print(str(error), markup=False, soft_wrap=True)
        return error.exit_code
    return 0


def _row(panel: Panel, folders: Sequence[Path]) -> list[str]:
    training = [training_win_rate(folder, panel.total) for folder in folders]
    return [
        " ".join(sorted({str(_gradient_steps(folder)) for folder in folders})),
        str(len(folders)),
        f"{fmean(training):.3f}",
        " ".join(f"{rate:.2f}" for rate in training),
        mean_and_deviation([_evaluated(folder, absolute=False) for folder in folders]),
        mean_and_deviation([_evaluated(folder, absolute=True) for folder in folders]),
    ]


def _gradient_steps(run: Path) -> int:
    return int(RecordFile(RunFolder.open(run).metrics_path).read()[-1]["gradient_steps"])


def _evaluated(run: Path, absolute: bool) -> float:
    """Win rate of the last evaluation, or of the final one of the best policy (``absolute``)."""
    evaluations = Evaluations.load(run)
    record = evaluations.absolute if absolute else evaluations.curve[-1]
    assert record is not None
    return fmean(record["win_rate"])
