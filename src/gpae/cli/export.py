"""The command ``gpae export``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.arguments import whole_number
from gpae.cli.options import add_checkpoint, add_imports
from gpae.cli.output import say
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console


def add_export(commands: Commands) -> None:
    """Register ``gpae export``."""
    export = commands.add_parser(
        "export", help="write a run's policy as safetensors and JSON, for other programs"
    )
    export.add_argument("run", type=Path, help="the run's folder")
    export.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="the folder of the two files"
    )
    export.add_argument(
        "--best", action="store_true", help="export the best parameters instead of the last ones"
    )
    export.add_argument(
        "--card",
        type=whole_number(2, 10**9),
        metavar="EPISODES",
        help="export the critics and the configuration too, as of a team of the zoo, with a card: "
        "the result of so many greedy episodes",
    )
    add_imports(export)
    add_checkpoint(export)
    export.set_defaults(command=_export)


def _export(parsed: argparse.Namespace, console: "Console") -> int:
    return _export_policy(parsed, console) if parsed.card is None else _export_team(parsed, console)


def _export_policy(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.runs.export import export_policy
    from gpae.runs.team_policy import load_policy

    policy = load_policy(parsed.run, best=parsed.best, checkpoint=parsed.checkpoint)
    for path in export_policy(policy.spec, policy.params, policy.update, parsed.out):
        say(console, f"written {path}, of update {policy.update}")
    return 0


def _export_team(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    folder = RunFolder.open(parsed.run)
    config = from_dict(folder.config, parsed.imports)
    prepare_jax(config.run.devices, task=config.task_name)
    from gpae.runs.team_export import export_team

    card = export_team(
        config,
        folder,
        parsed.out,
        episodes=parsed.card,
        best=parsed.best,
        checkpoint=parsed.checkpoint,
    )
    result = f"{card.metric} {card.mean:.3f} ({card.low:.3f} to {card.high:.3f})"
    say(console, f"written {parsed.out}: {result} in {card.episodes} episodes")
    return 0
