"""Results of runs that are complete, and words for those that go on later."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpae.cli.output import say

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.runs import RunFolder
    from gpae.runs.session import Outcome


def conclude(
    folders: "Sequence[RunFolder]", outcomes: "Sequence[Outcome]", console: "Console"
) -> None:
    """Draw the learning curves, and print the session's results."""
    ended = list(zip(folders, outcomes, strict=True))
    if outcomes[0].finished:
        for folder, outcome in ended:
            show_end(folder, outcome, console)
        return
    for folder, outcome in ended:
        draw_curve(folder, outcome)
    say(console, f"{stop_in_words(outcomes[0])}; continue with: {resume_command(folders)}")


def stop_in_words(outcome: "Outcome") -> str:
    """The point that a stopped run reached, and the reason of its stop."""
    return f"stopped at {outcome.env_steps:,} env steps{reason_in_words(outcome)}"


def reason_in_words(outcome: "Outcome") -> str:
    """The reason of a stop, where it is more than a signal's name."""
    reason = outcome.reason or ""
    return f", as {reason}" if " " in reason else ""


def resume_command(folders: "Sequence[RunFolder]") -> str:
    """The command that goes on with runs."""
    return shlex.join(["gpae", "resume", *(str(folder.path) for folder in folders)])


def draw_curve(folder: "RunFolder", outcome: "Outcome") -> None:
    """Draw a run's learning curve, if it was evaluated."""
    from gpae.report.curves import learning_curve

    if outcome.final is not None:
        learning_curve(folder.path, folder.curve_path)


def show_end(folder: "RunFolder", outcome: "Outcome", console: "Console") -> None:
    """Draw a complete run's learning curve, and print its results."""
    from gpae.console import shown

    draw_curve(folder, outcome)
    for name, value in (("final", outcome.final), ("absolute", outcome.absolute)):
        if value is not None:
            say(console, f"{name} {outcome.metric} {shown(value)}")
    say(console, f"run folder {folder.path}")
    if outcome.final is not None:
        say(console, f"learning curve {folder.curve_path}")
