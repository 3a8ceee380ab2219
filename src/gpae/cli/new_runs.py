"""New runs of one configuration, one for each of its seeds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpae.cli.endings import conclude
from gpae.cli.one_system import put_together, train_to_the_end
from gpae.cli.output import say

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.config.schema import Config
    from gpae.runs import RunFolder
    from gpae.runs.deadline import Deadline
    from gpae.runs.session import Outcome


def train_new(config: "Config", console: "Console", deadline: "Deadline | None") -> "list[Outcome]":
    """Train in new folders, which are created after all checks."""
    for caution in config.method.cautions():
        say(console, f"note: {caution}")
    system, memory = put_together(config, range(config.seed, config.seed + config.seeds))
    if config.run.devices > system.population.devices_a_run:
        say(
            console,
            f"note: run.devices={config.run.devices} asks for more than there are or than divide "
            f"the environments of a minibatch; {system.population.devices_a_run} used",
        )
    config.run.devices = system.population.devices_a_run
    system.check_initial_params()
    folders = new_folders(of_one_seed(config))
    for folder in folders:
        say(console, f"run folder {folder.path}")
    say(console, memory)
    outcomes = train_to_the_end(system, folders, console, deadline=deadline)
    conclude(folders, outcomes, console)
    return outcomes


def of_one_seed(config: "Config") -> "list[Config]":
    """The configuration of each of a configuration's seeds."""
    from dataclasses import replace

    seeds = range(config.seed, config.seed + config.seeds)
    return [replace(config, seed=seed, seeds=1) for seed in seeds]


def new_folders(configs: "Sequence[Config]") -> "list[RunFolder]":
    """Create a new folder for each configuration, or none at all."""
    from gpae.config.compose import to_dict
    from gpae.runs import RunFolder
    from gpae.runs.folder_names import new_folders

    return RunFolder.create_all(list(zip(new_folders(configs), map(to_dict, configs), strict=True)))
