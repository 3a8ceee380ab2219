"""The command ``gpae evaluate``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.arguments import whole_number
from gpae.cli.options import add_checkpoint, add_imports
from gpae.cli.output import say
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console


def add_evaluate(commands: Commands) -> None:
    """Register ``gpae evaluate``."""
    evaluate = commands.add_parser("evaluate", help="evaluate a run's parameters on new episodes")
    evaluate.add_argument(
        "run", type=Path, help="the run's folder, or a team such as zoo/smax-3m-gpae"
    )
    evaluate.add_argument(
        "--episodes",
        type=whole_number(1, 10**9),
        default=512,
        help="number of episodes (default: %(default)s)",
    )
    evaluate.add_argument(
        "--sampled",
        action="store_true",
        help="sample actions instead of taking the most likely ones",
    )
    evaluate.add_argument(
        "--best", action="store_true", help="evaluate the best parameters instead of the last ones"
    )
    add_imports(evaluate)
    add_checkpoint(evaluate)
    evaluate.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),
        default=0,
        help="seed of the episodes (default: %(default)s)",
    )
    evaluate.set_defaults(command=_evaluate)


def _evaluate(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.console import shown
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    folder = RunFolder.open(parsed.run)
    config = from_dict(folder.config, parsed.imports)
    prepare_jax(config.run.devices, task=config.task_name)
    from gpae.runs.session import evaluate

    episodes, update = evaluate(
        config,
        folder,
        episodes=parsed.episodes,
        greedy=not parsed.sampled,
        best=parsed.best,
        checkpoint=parsed.checkpoint,
        seed=parsed.seed,
    )
    mode = "sampled" if parsed.sampled else "greedy"
    say(console, f"{folder.path}, update {update}, {parsed.episodes} {mode} episodes")
    for name, values in episodes.items():
        spread = f"mean {shown(values.mean(), 4)}  std {shown(values.std(), 4)}"
        say(console, f"{name:>16}  {spread}")
    return 0
