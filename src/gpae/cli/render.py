"""The command ``gpae render``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.arguments import whole_number
from gpae.cli.options import add_checkpoint, add_imports
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console


def add_render(commands: Commands) -> None:
    """Register ``gpae render``."""
    render = commands.add_parser("render", help="draw an episode of a run as a GIF, MP4 or PNG")
    render.add_argument("run", type=Path, help="the run's folder")
    render.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="the file, .gif or .mp4, or .png for six of its moments",
    )
    render.add_argument("--force", action="store_true", help="replace the file if it exists")
    _add_choice(render)
    _add_look(render)
    add_imports(render)
    add_checkpoint(render)
    render.set_defaults(command=_render)


def _add_choice(render: argparse.ArgumentParser) -> None:
    """The options that choose the episode."""
    render.add_argument(
        "--episode",
        default="best",
        metavar="best|worst|K",
        help="the episode of the best or the worst return, or the K-th (default: %(default)s)",
    )
    render.add_argument(
        "--episodes",
        type=whole_number(1, 1024),
        default=16,
        help="episodes to play and choose from (default: %(default)s)",
    )
    render.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),
        default=0,
        help="seed of the episodes (default: %(default)s)",
    )
    render.add_argument(
        "--sampled",
        action="store_true",
        help="sample actions instead of taking the most likely ones",
    )
    render.add_argument(
        "--best", action="store_true", help="use the best parameters instead of the last ones"
    )


def _add_look(render: argparse.ArgumentParser) -> None:
    """The options for size and time."""
    render.add_argument(
        "--fps",
        type=whole_number(1, 100),
        default=8,
        help="pictures a second (default: %(default)s)",
    )
    render.add_argument(
        "--every",
        type=whole_number(1),
        default=1,
        metavar="PICTURES",
        help="show every so many pictures (default: %(default)s)",
    )
    render.add_argument(
        "--smooth",
        type=whole_number(1, 16),
        default=1,
        metavar="PICTURES",
        help="pictures a step, between which units glide (default: %(default)s)",
    )
    render.add_argument(
        "--size",
        type=whole_number(64, 4096),
        default=480,
        metavar="PIXELS",
        help="width of the picture (default: %(default)s)",
    )


def _render(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    folder = RunFolder.open(parsed.run)
    config = from_dict(folder.config, parsed.imports)
    prepare_jax(config.run.devices, task=config.task_name)
    from gpae.episodes.files import Timing
    from gpae.episodes.render import RenderSettings, render_run

    settings = RenderSettings(
        out=parsed.out,
        episode=parsed.episode,
        episodes=parsed.episodes,
        seed=parsed.seed,
        greedy=not parsed.sampled,
        best=parsed.best,
        checkpoint=parsed.checkpoint,
        timing=Timing(parsed.fps, parsed.every, parsed.smooth),
        size=parsed.size,
        force=parsed.force,
    )
    render_run(config, folder, settings, console)
    return 0
