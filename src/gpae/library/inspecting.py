"""Inspection of a run's credit from Python, in the process as it is."""

from pathlib import Path

from rich.console import Console

from gpae import inspect
from gpae.config.compose import from_dict
from gpae.console import say
from gpae.inspect import Inspection, InspectSettings
from gpae.runs import RunFolder


def inspect_run(
    folder: str | Path,
    out: str | Path,
    *,
    episodes: int = 3,
    repetitions: int = 32,
    truth_every: int | None = None,
    checkpoint: int | None = None,
    behaviour: int | None = None,
    seed: int = 0,
    force: bool = False,
    progress: bool = True,
) -> Inspection:
    """Play episodes of a run and write the page of every agent's credit, as ``gpae inspect`` does.

    Args:
        folder: The run's folder; nothing is written to it.
        out: The page, ``.html``.
        episodes: Number of episodes.
        repetitions: Repetitions of the simulated truth, at least 2; 0 for no truth.
        truth_every: Steps from one with truth to the next; None for as few as are affordable.
        checkpoint: The checkpoint that is judged, by its update; the newest when None.
        behaviour: The checkpoint whose policy acts; the judged one when None.
        seed: From which the keys of the episodes and of the truth follow.
        force: Replace the page if it exists.
        progress: Print what the command prints.

    Returns:
        The episodes, what every estimator says of them, and the truth, as arrays.

    Raises:
        UserError: The page cannot be written, the method has no advantages, truth is asked for
            where each agent has a reward of its own, or there is no usable checkpoint.
    """
    path, run = Path(out), RunFolder.open(Path(folder))
    inspect.require_page(path, force=force)
    settings = InspectSettings(episodes, repetitions, truth_every, checkpoint, behaviour, seed)
    console = Console(markup=False, highlight=False, quiet=not progress)
    inspection = inspect.inspect_run(
        from_dict(run.config), run, settings, say=lambda line: say(console, line)
    )
    inspect.write_page(inspect.as_document(inspection), path)
    return inspection
