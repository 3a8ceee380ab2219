"""The first look: does it learn, at JaxMARL's settings, and does reuse pay at the release's.

``python -m gpae.studies.first runs/* --results results/first`` archives finished runs, draws them
and prints the table; without runs it works on what is archived.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gpae.errors import UserError
from gpae.report.curves import compare_panels
from gpae.report.grouping import group_runs
from gpae.report.statistics import summarise
from gpae.runs import RecordFile, RunFolder
from gpae.studies.archive import archive

COMMANDS = (
    "gpae train -m task=smax/1s1z preset=jaxmarl method=mappo,gpae window.length=1 "
    "total_env_steps=5e5 evaluation.interval=1e5 seed=0,1,2",
    "gpae train -m task=smax/3m preset=jaxmarl method=mappo,gpae window.length=1 "
    "total_env_steps=1e6 evaluation.interval=1e5 seed=0,1,2",
    "gpae train -m task=smax/1s1z preset=release method=gpae window.length=1,4 "
    "total_env_steps=5e5 evaluation.interval=1e5 seed=0,1,2",
)
"""The study's runs."""

_AVERAGED_UPDATES = 3


@dataclass(frozen=True)
class Panel:
    """Runs that belong in one picture: a task and a preset."""

    task: str
    preset: str
    learning_rate: float
    total: int

    @property
    def heading(self) -> str:
        """What stands above the panel."""
        return f"{self.task}, preset {self.preset}"

    def holds(self, run: RunFolder) -> bool:
        """Whether a run belongs here."""
        config = run.config
        return (
            config["task"]["name"] == self.task
            and config["update"]["learning_rate"] == self.learning_rate
        )


PANELS = (
    Panel("smax/3m", "jaxmarl", 2e-3, 1_000_000),
    Panel("smax/1s1z", "jaxmarl", 2e-3, 500_000),
    Panel("smax/1s1z", "release", 5e-4, 500_000),
)


def training_win_rate(run: Path, total: int) -> float:
    """The best mean of three consecutive updates' training win rates within ``total`` env steps."""
    records = RecordFile(RunFolder.open(run).metrics_path).read()
    rates = [r.get("train/win_rate", 0.0) for r in records if r["env_steps"] <= total]
    means = [
        sum(rates[end - _AVERAGED_UPDATES : end]) / _AVERAGED_UPDATES
        for end in range(_AVERAGED_UPDATES, len(rates) + 1)
    ]
    return max(means, default=0.0)


def report(results: Path, console: Console) -> None:
    """Draw the panels, and print one row for each method and window in them.

    Raises:
        UserError: There is nothing archived.
    """
    runs = [RunFolder.open(path.parent) for path in sorted(results.glob("*/config.yaml"))]
    if not runs:
        raise UserError(f"{results} holds no runs; make them with the study's commands first")
    table = Table(
        "task", "preset", "runs", "seeds", "training win rate", "each", "final evaluation"
    )
    groups = {panel: group_runs([run.path for run in runs if panel.holds(run)]) for panel in PANELS}
    compare_panels({panel.heading: groups[panel] for panel in PANELS}, results / "curves.png")
    for panel in PANELS:
        for label, folders in groups[panel].items():
            table.add_row(panel.task, panel.preset, label, *_row(panel, folders))
    console.print(table)


def _row(panel: Panel, folders: Sequence[Path]) -> list[str]:
    training = [training_win_rate(folder, panel.total) for folder in folders]
    final = summarise([_final(folder) for folder in folders])
    return [
        str(len(folders)),
        f"{summarise(training).mean:.3f}",
        " ".join(f"{rate:.2f}" for rate in training),
        f"{final.mean:.3f}" + (f" ± {final.std:.3f}" if len(folders) > 1 else ""),
    ]


def _final(run: Path) -> float:
    records: list[dict[str, Any]] = RecordFile(RunFolder.open(run).evaluations_path).read()
    wins = [record["win_rate"] for record in records if not record["absolute"]][-1]
    return float(sum(wins) / len(wins))


def main(arguments: Sequence[str] | None = None) -> int:
    """Archive the runs given, then report on what is archived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--results", type=Path, default=Path("results/first"))
    parsed = parser.parse_args(arguments)
    console = Console()
    try:
        archive(parsed.runs, parsed.results)
        report(parsed.results, console)
    except UserError as error:
        Console(stderr=True).print(str(error), markup=False, soft_wrap=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
