"""Tasks by name: what there is, what can be set, and how to make one.

Listing tasks imports no simulator; making one imports what it needs.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gpae.environments import jaxmarl_adapter, jaxmarl_games, mabrax, mabrax_tables, smax
from gpae.environments.environment import Environment
from gpae.errors import UserError
from gpae.extras import missing_extras
from gpae.suggestions import did_you_mean


@dataclass(frozen=True)
class Task:
    """One named environment.

    Attributes:
        name: How it is asked for, such as ``smax/3m``.
        factory: Makes the environment; called with a ``settings`` instance where there are
            settings, with nothing otherwise.
        settings: A dataclass whose fields are the task's settings, or None where it has none. It
            checks its own values and raises :class:`UserError`.
        description: One line for people.
        num_agents: The team's size, or None where it is not known without making the environment.
        continuous: Whether actions are real numbers.
        aliases: Other names it answers to, such as one without letters that shells interpret.
    """

    name: str
    factory: Callable[..., Environment]
    settings: type | None = None
    description: str = ""
    num_agents: int | None = None
    continuous: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def setting_names(self) -> tuple[str, ...]:
        """The names of what can be set."""
        if self.settings is None:
            return ()
        return tuple(field.name for field in dataclasses.fields(self.settings))

    def make(self, **settings: Any) -> Environment:
        """Make the environment.

        Raises:
            UserError: If a setting is unknown or its value is out of range, or the simulator is not
                installed.
        """
        with missing_extras(f"task {self.name}"):
            return self.factory(*self.check(**settings))

    def check(self, **settings: Any) -> tuple[Any, ...]:
        """Check settings without making the environment.

        Returns:
            What the factory is to be called with: the settings, or nothing where there are none.

        Raises:
            UserError: If a setting is unknown or its value is out of range.
        """
        for name in settings:
            if name not in self.setting_names:
                raise UserError(self._unknown_setting(name))
        return () if self.settings is None else (self.settings(**settings),)

    def _unknown_setting(self, name: str) -> str:
        if not self.setting_names:
            return f"{self.name} has no settings, so no {name!r} either"
        hint = did_you_mean(name, self.setting_names)
        return f"{self.name} has no setting {name!r}{hint}; it has {', '.join(self.setting_names)}"


_REGISTRY: dict[str, Task] = {}


def register(
    name: str,
    factory: Callable[..., Environment],
    *,
    settings: type | None = None,
    description: str = "",
    num_agents: int | None = None,
    continuous: bool = False,
    aliases: tuple[str, ...] = (),
) -> None:
    """Make an environment available by name.

    Args:
        name: How it is asked for, by convention ``family/task``.
        factory: Makes the environment; called with a ``settings`` instance where there are
            settings, with nothing otherwise. The environment's own class will often do.
        settings: A dataclass whose fields are the task's settings.
        description: One line for people.
        num_agents: The team's size, for listings.
        continuous: Whether actions are real numbers.
        aliases: Other names it answers to; listings show ``name`` alone.

    Raises:
        UserError: If a name is taken.
    """
    for taken in {name, *aliases} & _by_name().keys():
        raise UserError(f"there is a task {taken!r} already; register yours under another name")
    _REGISTRY[name] = Task(name, factory, settings, description, num_agents, continuous, aliases)


def all_tasks() -> tuple[Task, ...]:
    """List every task, in the order of registration."""
    return tuple(_REGISTRY.values())


def task_names() -> list[str]:
    """List the name of every task, in the order of registration."""
    return list(_REGISTRY)


def find_task(name: str) -> Task:
    """Look a task up by its name or an alias.

    Raises:
        UserError: If there is none; the message names the closest ones, or says why JaxMARL has it
            and this library has not.
    """
    tasks = _by_name()
    if name in tasks:
        return tasks[name]
    family, _, short = name.partition("/")
    if family == "jaxmarl" and short in jaxmarl_games.REFUSED:
        raise UserError(f"no task {name!r}: {jaxmarl_games.REFUSED[short]}")
    hint = did_you_mean(name, tasks)
    raise UserError(f"no task {name!r}{hint}; `gpae tasks` lists them all")


def _by_name() -> dict[str, Task]:
    return {name: task for task in all_tasks() for name in (task.name, *task.aliases)}


def make(name: str, /, **settings: Any) -> Environment:
    """Make the environment of a task.

    Args:
        name: The task's name, such as ``smax/3m``.
        **settings: The task's own settings, such as ``max_steps=50``.

    Returns:
        The environment, its defaults overridden by the settings.

    Raises:
        UserError: If the task or a setting is unknown, or a value is out of range.
    """
    return find_task(name).make(**settings)


def _register_smax() -> None:
    for map_name, smax_map in smax.MAPS.items():
        register(
            f"smax/{map_name}",
            partial(smax.make_smax, map_name),
            settings=smax.SmaxSettings,
            description=smax_map.description,
            num_agents=smax_map.num_agents,
        )


def _register_mabrax() -> None:
    for team, table in mabrax_tables.TEAMS.items():
        register(
            f"mabrax/{team}",
            partial(mabrax.make_mabrax, team),
            settings=mabrax.MabraxSettings,
            description=table.description,
            num_agents=table.num_agents,
            continuous=True,
            aliases=(f"mabrax/{team.replace('|', '-')}",) if "|" in team else (),
        )


def _register_jaxmarl() -> None:
    for name, game in jaxmarl_games.GAMES.items():
        register(
            f"jaxmarl/{name}",
            partial(jaxmarl_adapter.make_jaxmarl, name),
            settings=game.settings,
            description=game.description,
            num_agents=game.num_agents,
            continuous=game.continuous,
        )


_register_smax()
_register_mabrax()
_register_jaxmarl()
