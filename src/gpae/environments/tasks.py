"""Registry of tasks: named environments, their settings and their factories.

Listing tasks imports no simulator; making an environment imports the one it needs.
"""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from gpae.environments import (
    jaxmarl_adapter,
    jaxmarl_games,
    jumanji_adapter,
    jumanji_games,
    mabrax,
    mabrax_tables,
    pettingzoo_adapter,
    pettingzoo_settings,
    smax,
)
from gpae.environments.environment import Environment
from gpae.errors import UnknownNameError, UserError, did_you_mean
from gpae.extras import is_installed, missing_extras
from gpae.registry import Registry


@dataclass(frozen=True)
class Task:
    """A named environment with its settings.

    Attributes:
        name: The task's name, such as ``smax/3m``.
        factory: Callable that makes the environment. Its argument is a ``settings`` instance; it
            has none if the task has no settings.
        settings: Dataclass whose fields are the task's settings, or None if there are none. It
            checks its own values and raises :class:`UserError`.
        description: One-line description for listings.
        num_agents: The team's size, or None if unknown before the environment is made.
        continuous: Whether actions are continuous.
        aliases: Further names of the task, such as one without characters that shells interpret.
        extra: The extra of this library that brings its environment's package; none if empty.
    """

    name: str
    factory: Callable[..., Environment]
    settings: type | None = None
    description: str = ""
    num_agents: int | None = None
    continuous: bool = False
    aliases: tuple[str, ...] = ()
    extra: str = ""

    @property
    def is_installed(self) -> bool:
        """Presence of the packages that the environment needs, as far as its extra says."""
        return not self.extra or is_installed(self.extra)

    @property
    def setting_names(self) -> tuple[str, ...]:
        """Names of the task's settings."""
        if self.settings is None:
            return ()
        return tuple(field.name for field in dataclasses.fields(self.settings))

    @property
    def is_of_library(self) -> bool:
        """Membership in the library's own tasks, whose episodes its tests have checked."""
        return self.name in _OF_LIBRARY

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
            The factory's arguments: the settings, or none if the task has no settings.

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


@dataclass(frozen=True)
class OpenFamily:
    """A family of tasks that has no list: any name of some kind is a task.

    Attributes:
        name: The family's name, the first part of the tasks'.
        kind: The kind of name that follows it, such as ``MODULE``.
        factory: Callable that makes an environment, of the second part of the task's name and a
            ``settings`` instance.
        settings: Dataclass whose fields are the tasks' settings.
        description: One-line description for listings.
        extra: The extra of this library that it needs.
    """

    name: str
    kind: str
    factory: Callable[..., Environment]
    settings: type
    description: str
    extra: str

    def task(self, name: str) -> Task:
        """The task of a name, or of the kind of name that stands for all."""
        factory = partial(self.factory, name.removeprefix(f"{self.name}/"))
        return Task(name, factory, self.settings, self.description, extra=self.extra)


OPEN_FAMILIES = {
    family.name: family
    for family in (
        OpenFamily(
            "pettingzoo",
            "MODULE",
            pettingzoo_adapter.make_pettingzoo,
            pettingzoo_settings.HostSettings,
            "any module with a parallel_env, such as mpe2.simple_spread_v3; outside JAX, so slower",
            "pettingzoo",
        ),
        OpenFamily(
            "gymnasium",
            "ID",
            pettingzoo_adapter.make_gymnasium,
            pettingzoo_settings.HostSettings,
            "any environment with a tuple of spaces, one an agent; outside JAX, so slower",
            "pettingzoo",
        ),
    )
}
"""Families without a list of tasks, by name."""

_TASKS: Registry[Task] = Registry("task", entry_points="gpae.tasks")


def register(
    name: str,
    factory: Callable[..., Environment],
    *,
    settings: type | None = None,
    description: str = "",
    num_agents: int | None = None,
    continuous: bool = False,
    aliases: tuple[str, ...] = (),
    extra: str = "",
) -> None:
    """Make an environment available by name.

    Args:
        name: The task's name, by convention ``family/task``.
        factory: Callable that makes the environment. Its argument is a ``settings`` instance; it
            has none if the task has no settings. Often the environment's class.
        settings: Dataclass whose fields are the task's settings.
        description: One-line description for listings.
        num_agents: The team's size, for listings.
        continuous: Whether actions are continuous.
        aliases: Further names of the task; listings show ``name`` alone.
        extra: The extra of this library that brings the environment's package, for listings.

    Raises:
        UserError: If a name is already registered.
    """
    for taken in {name, *aliases} & _by_name(_TASKS.registered().values()).keys():
        raise UserError(f"there is a task {taken!r} already; register yours under another name")
    task = Task(name, factory, settings, description, num_agents, continuous, aliases, extra)
    _TASKS.register(name)(task)


def all_tasks() -> tuple[Task, ...]:
    """List every task, in the order of registration."""
    return tuple(_TASKS[name] for name in _TASKS)


def task_names() -> list[str]:
    """List the name of every task, in the order of registration."""
    return list(_TASKS)


def find_task(name: str) -> Task:
    """Look a task up by its name or an alias.

    Raises:
        UnknownNameError: If there is none; the message names the closest ones.
        UserError: If JaxMARL has it and this library has not; the message says why.
    """
    registered = _by_name(_TASKS.registered().values())
    if name in registered:
        return registered[name]
    family, _, short = name.partition("/")
    if family in OPEN_FAMILIES and short:
        return OPEN_FAMILIES[family].task(name)
    tasks = _by_name(all_tasks())
    if name in tasks:
        return tasks[name]
    if family == "jaxmarl" and short in jaxmarl_games.REFUSED:
        raise UserError(f"no task {name!r}: {jaxmarl_games.REFUSED[short]}")
    hint = did_you_mean(name, tasks)
    raise UnknownNameError(f"no task {name!r}{hint}; `gpae tasks` lists them all")


def _by_name(tasks: Iterable[Task]) -> dict[str, Task]:
    return {name: task for task in tasks for name in (task.name, *task.aliases)}


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
            extra="smax",
        )
    register(
        "smax/scenario",
        smax.make_scenario,
        settings=smax.ScenarioSettings,
        description="armies of one's own: task.scenario='2 marines and 1 zealot vs 4 zerglings'",
        extra="smax",
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
            extra="mabrax",
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
            extra="smax",
        )


def _register_jumanji() -> None:
    for name, settings in jumanji_games.SCENARIOS.items():
        family = name.partition("-")[0]
        register(
            f"jumanji/{name}",
            partial(jumanji_adapter.make_jumanji, family, name),
            settings=settings,
            description=jumanji_games.GAMES[family].description,
            num_agents=settings().num_agents,
            extra="jumanji",
        )


_register_smax()
_register_mabrax()
_register_jaxmarl()
_register_jumanji()

_OF_LIBRARY = frozenset(_TASKS.registered())
