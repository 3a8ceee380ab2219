"""Commands of gpae, and the parsing of their arguments."""

import argparse
from collections.abc import Sequence

from gpae import __version__
from gpae.cli.credit import add_credit
from gpae.cli.curves import add_curves
from gpae.cli.evaluate import add_evaluate
from gpae.cli.export import add_export
from gpae.cli.inspect import add_inspect
from gpae.cli.listings import add_methods, add_settings, add_tasks, add_zoo
from gpae.cli.options import add_imports
from gpae.cli.parser import Parser
from gpae.cli.render import add_render
from gpae.cli.report import add_report
from gpae.cli.resume import add_resume
from gpae.cli.tensorboard import add_tensorboard
from gpae.cli.theory import add_theory
from gpae.cli.train import add_train
from gpae.errors import UserError
from gpae.search.command import add_search
from gpae.studies.command import add_study


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments; overrides may precede and follow the flags of their command."""
    parser = _parser()
    parsed, rest = parser.parse_known_args(arguments)
    flags = [word for word in rest if word.startswith("-")]
    if flags or (rest and not hasattr(parsed, "overrides")):
        raise UserError(f"unknown argument {(flags or rest)[0]!r}; see `gpae --help`")
    if rest:
        parsed.overrides += rest
    return parsed


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="gpae",
        description="Per-agent advantage estimation for cooperative multi-agent learning.",
        epilog="exit codes: 0 done, or stopped as asked; 2 wrong input; 3 training diverged",
    )
    parser.add_argument("--version", action="version", version=f"gpae {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="name", required=True
    )
    add_train(commands)
    add_resume(commands)
    add_evaluate(commands)
    add_export(commands)
    add_render(commands)
    add_credit(commands)
    add_inspect(commands)
    add_curves(commands)
    add_report(commands)
    add_tensorboard(commands)
    add_study(commands)
    add_imports(add_search(commands))
    add_tasks(commands)
    add_settings(commands)
    add_methods(commands)
    add_zoo(commands)
    add_theory(commands)
    return parser
