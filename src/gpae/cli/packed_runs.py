"""Runs trained together where that pays: those of a sweep, new or resumed."""

from typing import TYPE_CHECKING

from gpae.cli.endings import draw_curve, reason_in_words, resume_command, show_end, stop_in_words
from gpae.cli.output import complain, say
from gpae.garbage import collect_garbage_as_ever, without_garbage_collection

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.config.schema import Config
    from gpae.runs import RunFolder
    from gpae.runs.deadline import Deadline
    from gpae.runs.session import Failure, Outcome


def train_packed(
    runs: "list[tuple[Config, RunFolder]]",
    console: "Console",
    deadline: "Deadline | None",
    population: str | None = None,
) -> int:
    """Train runs, together where that pays, and say how each ends; returns the exit code."""
    from gpae.runs.packing import train_packed
    from gpae.runs.session import Failure, Outcome

    folders = [folder for _, folder in runs]

    def conclude(results: "dict[int, Outcome | Failure]") -> None:
        for number, result in results.items():
            if isinstance(result, Failure):
                complain(result.message)
            elif result.finished:
                show_end(folders[number], result, console)

    try:
        results = train_packed(
            runs,
            console,
            deadline=deadline,
            tracing=without_garbage_collection,
            population=population,
            on_end=conclude,
        )
    finally:
        collect_garbage_as_ever()
    _show_what_is_left(
        [
            (folder, result)
            for folder, result in zip(folders, results, strict=True)
            if isinstance(result, Outcome) and not result.finished
        ],
        console,
    )
    return max((each.exit_code for each in results if isinstance(each, Failure)), default=0)


def _show_what_is_left(left: "list[tuple[RunFolder, Outcome]]", console: "Console") -> None:
    """Say how runs go on that were stopped or not begun, with the learning curves so far."""
    for folder, outcome in left:
        draw_curve(folder, outcome)
    parts: dict[bool, list[Outcome]] = {True: [], False: []}
    for folder, outcome in left:
        parts[folder.checkpoints_path.is_dir()].append(outcome)
    if begun := parts[True]:
        say(console, stop_in_words(begun[0]))
    if waiting := parts[False]:
        say(console, f"runs of the sweep not begun: {len(waiting)}{reason_in_words(waiting[0])}")
    if left:
        say(console, f"continue with: {resume_command([folder for folder, _ in left])}")
