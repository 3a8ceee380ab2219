"""Runs that differ in nothing but their seeds, trained by one system."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpae.garbage import collect_garbage_as_ever, without_garbage_collection

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.config.schema import Config
    from gpae.runs import RunFolder
    from gpae.runs.deadline import Deadline
    from gpae.runs.session import Outcome
    from gpae.runs.system import System


def put_together(config: "Config", seeds: Sequence[int]) -> "tuple[System, str]":
    """Build the system that trains these seeds, checked, and a line about the memory it needs."""
    from gpae.runs.devices import prepare_jax

    prepare_jax(config.run.devices, len(seeds), config.task_name)
    with without_garbage_collection():
        import gpae.runs.session  # noqa: F401 -- before garbage is looked for again
        from gpae.runs.memory import check_memory
        from gpae.runs.system import System

        system = System(config, seeds)
        system.check()
        return system, check_memory(system.population, len(seeds))


def train_to_the_end(
    system: "System",
    folders: "Sequence[RunFolder]",
    console: "Console",
    checkpoint: int | None = None,
    deadline: "Deadline | None" = None,
) -> "list[Outcome]":
    """Train with the process's garbage collector paused while JAX traces."""
    from gpae.runs.session import train

    try:
        return train(
            system,
            folders,
            console,
            checkpoint=checkpoint,
            tracing=without_garbage_collection,
            deadline=deadline,
        )
    finally:
        collect_garbage_as_ever()
