"""Sweeps by Hydra's sweepers and launchers, those of installed plugins included."""

from collections.abc import Callable
from typing import Any

from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from gpae.config.compose import parse, register_groups
from gpae.environments import all_tasks
from gpae.errors import UserError

_HYDRA_SETTINGS = {
    "hydra/hydra_logging": "none",
    "hydra/job_logging": "none",
    "hydra.sweep.dir": "${run.root}/sweeps/${now:%Y%m%d-%H%M%S}",
}
"""Hydra's settings where none are given: its loggers would print what every library logs."""


class Job:
    """One job of a sweep, as Hydra calls it; launchers may send it to another process.

    Args:
        train: Trains the runs of one job from its overrides, and returns the value that a sweeper
            optimises. A function of a module, so that a launcher finds it in another process.
    """

    def __init__(self, train: Callable[[list[str]], float]) -> None:
        self._train = train
        self.__name__ = "gpae"

    def __call__(self, composed: Any) -> float:
        """Train the runs of one job; what Hydra composed is composed again, checked and typed."""
        return self._train(list(HydraConfig.get().overrides.task))


def sweep(overrides: list[str], train: Callable[[list[str]], float]) -> list[float]:
    """Run a sweep by the sweeper and launcher that ``hydra/sweeper`` and ``hydra/launcher`` name.

    Args:
        overrides: In Hydra's syntax, with choices and with Hydra's own settings among them.
        train: As for :class:`Job`.

    Returns:
        The value of each job; none where the sweeper keeps them to itself.

    Raises:
        UserError: Hydra refuses an override, a plugin is not installed, or a job failed.
    """
    named = {override.key_or_group for override in parse(overrides)}
    ours = [f"{key}={value}" for key, value in _HYDRA_SETTINGS.items() if key not in named]
    register_groups(all_tasks())
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("gpae.config", version_base="1.3"):
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            batches = hydra.multirun(
                "config", Job(train), ours + overrides, with_log_configuration=False
            )
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(f"Hydra cannot sweep: {' '.join(str(error).split())}") from error
    known = batches if isinstance(batches, list) else []
    return [job.return_value for batch in known for job in batch]
