"""Options that several commands have."""

import argparse

from gpae.arguments import whole_number


def add_imports(command: argparse.ArgumentParser) -> None:
    """Add ``--import MODULE``; as ``imports``, the modules that are imported first of all."""
    command.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="import a module that registers methods, tasks or networks",
    )


def add_checkpoint(command: argparse.ArgumentParser) -> None:
    """Add ``--checkpoint UPDATE``."""
    command.add_argument(
        "--checkpoint",
        type=whole_number(0),
        metavar="UPDATE",
        help="the checkpoint of this update instead of the newest",
    )
