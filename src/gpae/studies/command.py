"""The command ``gpae study``: its arguments, and what it does with them."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpae.arguments import duration, positive_number, whole_number
from gpae.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.studies.work import Work

_HELP = """\
Measure a table or a figure of the paper again, as far as the time allows:

  gpae study fig2 --dry-run
  gpae study table2 --budget 13m --only 5m_vs_6m

The next unfinished runs are trained, finished ones archived under results/STUDY, and the
study's table.md and curves.png written anew. The same command goes on where it stopped.
"""


def add_study(commands: Any) -> None:
    """Add the command to the command line's subparsers."""
    study = commands.add_parser(
        "study",
        help="measure a table or a figure of the paper again",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    study.add_argument(
        "study", help="fig1, fig2, fig4, table2, table3, table4, overhead, or a YAML file"
    )
    study.add_argument("--budget", type=duration, metavar="TIME", help="stop after this time: 13m")
    study.add_argument(
        "--seeds", type=whole_number(1, 1000), metavar="K", help="seeds of each cell"
    )
    study.add_argument(
        "--scale",
        type=positive_number,
        default=1.0,
        metavar="X",
        help="factor of env steps, kept apart from full size; to try a study out",
    )
    study.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="only cells of these: parts of tasks' names, rows' names, or '*5m_vs_6m GPAE*'",
    )
    study.add_argument(
        "--dry-run", action="store_true", help="list the runs and the time left; train nothing"
    )
    study.add_argument(
        "--root",
        type=Path,
        default=Path("runs/studies"),
        metavar="DIR",
        help="folder of the runs in progress (default: %(default)s)",
    )
    study.add_argument(
        "--results",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="folder of the finished runs (default: %(default)s)",
    )
    study.set_defaults(command=run_study)


def run_study(parsed: argparse.Namespace, console: "Console") -> int:
    """Carry the command out; returns the exit code."""
    from gpae.console import say
    from gpae.runs.deadline import Deadline
    from gpae.studies.declaration import find_study

    deadline = Deadline.of(parsed.budget)
    study = find_study(parsed.study)
    if study.reads is not None:
        return _show_benchmark(parsed.study, console)
    if study.runs_of is not None:
        _write(parsed, console)
        say(console, f"it draws the runs of {study.runs_of}: gpae study {study.runs_of} makes them")
        return 0
    work = _work(parsed, console)
    if parsed.dry_run:
        _dry_run(work, console)
        return 0
    work.adopt_finished()
    planned = len(work.plan.runs)
    say(console, f"{parsed.study}: {planned - len(work.unfinished())} of {planned} runs finished")
    try:
        finished = work.carry_on(deadline)
    finally:
        _write(parsed, console)
    _say_how_to_go_on(parsed, work, finished, deadline is not None and deadline.passed, console)
    return 0


def _work(parsed: argparse.Namespace, console: "Console") -> "Work":
    from gpae.studies.declaration import find_study
    from gpae.studies.plan import make_plan
    from gpae.studies.work import Places, Work

    plan = make_plan(
        find_study(parsed.study), seeds=parsed.seeds, scale=parsed.scale, only=parsed.only
    )
    return Work(plan, Places(parsed.study, parsed.scale, parsed.root, parsed.results), console)


def _write(parsed: argparse.Namespace, console: "Console") -> None:
    from gpae.console import say
    from gpae.studies.archive import read_archive
    from gpae.studies.outputs import write_outputs

    archive = read_archive(parsed.results, parsed.scale)
    for path in write_outputs(
        parsed.study, archive, parsed.results, seeds=parsed.seeds, scale=parsed.scale
    ):
        say(console, f"written {path}")


def _dry_run(work: "Work", console: "Console") -> None:
    from rich.table import Table

    from gpae.console import say
    from gpae.durations import written
    from gpae.studies.rates import device_kind, remaining
    from gpae.studies.work import archived_of

    device, archive = device_kind(), archived_of(work)
    table = Table("step", "task", "row", "finished", "env steps left", "time left", box=None)
    for number, step in enumerate(work.plan.steps, start=1):
        for cell in dict.fromkeys(run.cell for run in step):
            runs = [run for run in step if run.cell is cell]
            left = [run for run in runs if run.key not in work.archive]
            ahead = remaining(left, archive, device)
            time_left = "unknown" if ahead.unknown else written(ahead.seconds)
            done = f"{len(runs) - len(left)} of {len(runs)}"
            steps = f"{ahead.env_steps:,}"
            table.add_row(
                str(number), cell.task, cell.row.name, done, steps, time_left if left else ""
            )
    console.print(table)
    ahead = remaining(work.unfinished(), archive, device)
    unknown = f", and {ahead.unknown} runs of unknown rate" if ahead.unknown else ""
    say(
        console,
        f"{ahead.runs} runs, {ahead.env_steps:,} env steps left on {device}: "
        f"{written(ahead.seconds)}{unknown}",
    )


def _say_how_to_go_on(
    parsed: argparse.Namespace, work: "Work", finished: bool, spent: bool, console: "Console"
) -> None:
    from gpae.console import say

    left = len(work.unfinished())
    if finished and left:
        say(console, f"{left} runs are in use by other processes")
    elif left:
        why = f", as the budget of {parsed.budget} is spent" if spent else ""
        say(console, f"stopped with {left} runs unfinished{why}; go on with: {_command(parsed)}")
    else:
        say(console, "all runs are finished")


def _command(parsed: argparse.Namespace) -> str:
    given: list[tuple[str, Any, Any]] = [
        ("budget", parsed.budget, None),
        ("seeds", parsed.seeds, None),
        ("scale", f"{parsed.scale:g}", "1"),
        ("root", parsed.root, Path("runs/studies")),
        ("results", parsed.results, Path("results")),
    ]
    flags = [
        word
        for name, value, default in given
        if value != default
        for word in (f"--{name}", str(value))
    ]
    only = ["--only", *parsed.only] if parsed.only else []
    return shlex.join(["gpae", "study", parsed.study, *flags, *only])


def _show_benchmark(name: str, console: "Console") -> int:
    from gpae.console import say
    from gpae.studies.declaration import find_study
    from gpae.studies.overhead import overhead_table

    study = find_study(name)
    path = Path(str(study.reads))
    if not path.exists():
        raise UserError(f"{path} is missing: `{study.command}` makes it, in gpae's repository")
    say(console, overhead_table(path))
    return 0
