"""An episode of a run's policy as a picture file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

from gpae.config.schema import Config
from gpae.console import say
from gpae.environments import make
from gpae.episodes.captions import metrics_in_words
from gpae.episodes.files import Timing, require_format, write_film
from gpae.episodes.film import Film
from gpae.episodes.recording import Episode, require_choice
from gpae.episodes.run import record_run
from gpae.episodes.scene import require_scene, scene_of
from gpae.errors import UserError
from gpae.runs import RunFolder

SIZES = 64, 4096
"""Least and most width of a picture in pixels."""


@dataclass(frozen=True)
class RenderSettings:
    """The episode to draw, and its file.

    Attributes:
        out: The file, ``.gif``, ``.mp4`` or ``.png``.
        episode: ``best`` or ``worst`` by its return, or a number k from 0.
        episodes: Number of episodes to play and choose from.
        seed: From which the episodes' keys follow.
        greedy: Take the most likely actions; else sample.
        best: Use the parameters of the best evaluation so far, not the checkpoint's own.
        checkpoint: Which checkpoint; the newest when None.
        timing: The pictures shown, and for how long.
        size: Width of the picture in pixels.
        force: Replace the file if it exists.
    """

    out: Path
    episode: str | int = "best"
    episodes: int = 16
    seed: int = 0
    greedy: bool = True
    best: bool = False
    checkpoint: int | None = None
    timing: Timing = field(default_factory=Timing)
    size: int = 480
    force: bool = False


def render_run(
    config: Config, folder: RunFolder, settings: RenderSettings, console: Console
) -> Episode:
    """Play episodes with a run's parameters, and draw one of them.

    Args:
        config: The run's configuration.
        folder: The run's folder; nothing is written to it.
        settings: The episode and the file.
        console: Where lines and the progress are shown.

    Returns:
        The episode that was drawn.

    Raises:
        UserError: The file's name is wrong, or it exists; the environment has no picture; there is
            no such episode or no usable checkpoint; or the disk refused. Nothing was written.
    """
    _check(settings)
    require_scene(make(config.task_name, **config.task_settings))
    say(console, f"playing {settings.episodes} episodes")
    recorded = record_run(
        config,
        folder,
        episodes=settings.episodes,
        greedy=settings.greedy,
        best=settings.best,
        checkpoint=settings.checkpoint,
        seed=settings.seed,
    )
    episode = recorded.choose(settings.episode)
    say(console, f"episode {episode.number}: {_in_words(episode)}")
    scene = scene_of(recorded.environment, episode.states)
    film = Film(config.task_name, episode, scene, settings.size, settings.timing.smooth)
    count = write_film(film, settings.out, settings.timing, partial(_watched, console))
    kilobytes = settings.out.stat().st_size / 1000
    say(
        console,
        f"written {settings.out}, {count} pictures of update {recorded.update}, {kilobytes:.0f} kB",
    )
    return episode


def _check(settings: RenderSettings) -> None:
    """Refuse what is wrong before anything is played."""
    require_format(settings.out)
    require_choice(settings.episode, settings.episodes)
    least, most = SIZES
    if not least <= settings.size <= most:
        raise UserError(f"the size must be from {least} to {most} pixels, not {settings.size}")
    if not 0.0 < settings.timing.fps <= 100.0:
        raise UserError(f"fps must be above 0, and at most 100, not {settings.timing.fps}")
    for name in ("every", "smooth"):
        if getattr(settings.timing, name) < 1:
            raise UserError(f"{name} must be from 1 up, not {getattr(settings.timing, name)}")
    if settings.out.is_dir() or (settings.out.exists() and not settings.force):
        raise UserError(f"{settings.out} exists already: --force replaces it")


def _watched(console: Console, moments: Sequence[int]) -> Iterable[int]:
    """A bar in a terminal, and nothing elsewhere."""
    return track(
        moments, "drawing", console=console, transient=True, disable=not console.is_terminal
    )


def _in_words(episode: Episode) -> str:
    words = f"{len(episode)} steps, return {episode.episode_return:.4g}"
    return f"{words}, {metrics_in_words(episode)}" if episode.metrics else words
