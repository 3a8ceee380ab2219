"""Drawing an episode of a run from Python, in the process as it is."""

from pathlib import Path

from rich.console import Console

from gpae.config.compose import from_dict
from gpae.episodes import Episode
from gpae.episodes.files import Timing
from gpae.episodes.render import RenderSettings, render_run
from gpae.runs import RunFolder


def render(
    folder: str | Path,
    out: str | Path,
    *,
    episode: str | int = "best",
    episodes: int = 16,
    seed: int = 0,
    sampled: bool = False,
    best: bool = False,
    checkpoint: int | None = None,
    fps: float = 8.0,
    every: int = 1,
    smooth: int = 1,
    size: int = 480,
    force: bool = False,
    progress: bool = True,
) -> Episode:
    """Play episodes with a run's parameters and draw one of them, as ``gpae render`` does.

    Args:
        folder: The run's folder; nothing is written to it.
        out: The file, ``.gif``, ``.mp4``, or ``.png`` for a sheet of six moments.
        episode: ``best`` or ``worst`` by its return, or a number k from 0.
        episodes: Number of episodes to play and choose from.
        seed: From which the episodes' keys follow; they are those of ``gpae evaluate``.
        sampled: Sample actions, instead of taking the most likely ones.
        best: Use the parameters of the best evaluation so far, instead of the newest.
        checkpoint: The checkpoint to read, by its update; the newest when None.
        fps: Pictures a second.
        every: Show every so many pictures, and the last.
        smooth: Pictures a step, between which units glide.
        size: Width of the picture in pixels.
        force: Replace the file if it exists.
        progress: Print what the command prints.

    Returns:
        The episode that was drawn, with all its steps.

    Raises:
        UserError: The file's name is wrong, or it exists; the environment has no picture; there is
            no such episode or no usable checkpoint; or the disk refused. Nothing was written.
    """
    settings = RenderSettings(
        out=Path(out),
        episode=episode,
        episodes=episodes,
        seed=seed,
        greedy=not sampled,
        best=best,
        checkpoint=checkpoint,
        timing=Timing(fps, every, smooth),
        size=size,
        force=force,
    )
    run = RunFolder.open(Path(folder))
    console = Console(markup=False, highlight=False, quiet=not progress)
    return render_run(from_dict(run.config), run, settings, console)
