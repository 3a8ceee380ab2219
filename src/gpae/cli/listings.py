"""The commands that list: ``gpae tasks``, ``settings``, ``methods`` and ``zoo``."""

import argparse
from typing import TYPE_CHECKING

from gpae.cli.options import add_imports
from gpae.cli.parser import Commands
from gpae.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console


def add_tasks(commands: Commands) -> None:
    """Register ``gpae tasks``."""
    tasks = commands.add_parser("tasks", help="list the tasks")
    tasks.add_argument("filter", nargs="?", default="", help="only names that contain this text")
    add_imports(tasks)
    tasks.set_defaults(command=_tasks)


def add_settings(commands: Commands) -> None:
    """Register ``gpae settings``."""
    settings = commands.add_parser("settings", help="list the settings with descriptions")
    settings.add_argument("filter", nargs="?", default="", help="only names that contain this text")
    add_imports(settings)
    settings.set_defaults(command=_settings)


def add_methods(commands: Commands) -> None:
    """Register ``gpae methods``."""
    methods = commands.add_parser("methods", help="list the methods and their properties")
    add_imports(methods)
    methods.set_defaults(command=_methods)


def add_zoo(commands: Commands) -> None:
    """Register ``gpae zoo``."""
    zoo = commands.add_parser("zoo", help="list the trained teams that come with the package")
    zoo.set_defaults(command=_zoo)


def _tasks(parsed: argparse.Namespace, console: "Console") -> int:
    from rich.table import Column, Table

    from gpae.environments import all_tasks
    from gpae.environments.tasks import OPEN_FAMILIES

    table = Table(Column("task", no_wrap=True), "agents", "description", box=None, pad_edge=False)
    open_tasks = [each.task(f"{each.name}/{each.kind}") for each in OPEN_FAMILIES.values()]
    chosen = [task for task in (*all_tasks(), *open_tasks) if parsed.filter in task.name]
    if not chosen:
        raise UserError(f"no task's name contains {parsed.filter!r}; `gpae tasks` lists them all")
    for task in chosen:
        agents = "" if task.num_agents is None else str(task.num_agents)
        needs = "" if task.is_installed else f" (needs gpae[{task.extra}])"
        table.add_row(task.name, agents, f"{task.description}{needs}")
    console.print(table)
    return 0


def _settings(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.reference import show_settings

    show_settings(console, parsed.filter)
    return 0


def _methods(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.report.methods import show_methods

    show_methods(console)
    return 0


def _zoo(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.report.zoo import show_zoo

    show_zoo(console)
    return 0
