"""The command ``gpae inspect``."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.arguments import whole_number
from gpae.cli.options import add_checkpoint, add_imports
from gpae.cli.output import say
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console


def add_inspect(commands: Commands) -> None:
    """Register ``gpae inspect``."""
    inspect = commands.add_parser(
        "inspect", help="write a page that plays episodes of a run with every agent's credit"
    )
    inspect.add_argument("run", type=Path, help="the run's folder")
    inspect.add_argument(
        "--out",
        type=Path,
        metavar="FILE.html",
        help="the page (default: RUN-credit.html in the current folder)",
    )
    inspect.add_argument("--force", action="store_true", help="replace the page if it exists")
    inspect.add_argument(
        "--episodes",
        type=whole_number(1, 64),
        default=3,
        help="episodes to play, up to 64 (default: %(default)s)",
    )
    _add_truth(inspect)
    add_imports(inspect)
    add_checkpoint(inspect)
    inspect.add_argument(
        "--behaviour",
        type=whole_number(0),
        metavar="UPDATE",
        help="let the policy of this checkpoint act: the page shows ratios and traces too",
    )
    inspect.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),
        default=0,
        help="seed of the episodes and of the truth (default: %(default)s)",
    )
    inspect.set_defaults(command=_inspect)


def _add_truth(inspect: argparse.ArgumentParser) -> None:
    inspect.add_argument(
        "--no-truth", action="store_true", help="leave out the simulated truth, which takes longest"
    )
    inspect.add_argument(
        "--repetitions",
        type=whole_number(2, 2048),
        default=32,
        help="repetitions of the simulated truth (default: %(default)s)",
    )
    inspect.add_argument(
        "--truth-every",
        type=whole_number(1),
        metavar="STEPS",
        help="simulate the truth of every so many steps, and of those with a forced action "
        "(default: as many steps as 60000 simulated episodes allow)",
    )


def _inspect(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    folder = RunFolder.open(parsed.run)
    page = parsed.out or Path(f"{folder.path.resolve().name}-credit.html")
    config = from_dict(folder.config, parsed.imports)
    prepare_jax(config.run.devices, task=config.task_name)
    from gpae.inspect import InspectSettings, as_document, inspect_run, require_page, write_page

    require_page(page, force=parsed.force)
    settings = InspectSettings(
        episodes=parsed.episodes,
        repetitions=0 if parsed.no_truth else parsed.repetitions,
        truth_every=parsed.truth_every,
        checkpoint=parsed.checkpoint,
        behaviour=parsed.behaviour,
        seed=parsed.seed,
    )
    tell = partial(say, console)
    inspection = inspect_run(config, folder, settings, say=tell)
    write_page(as_document(inspection), page)
    tell(f"written {page}, {page.stat().st_size / 1e6:.1f} MB")
    return 0
