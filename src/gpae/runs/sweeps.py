"""Sweeps by Hydra's sweepers and launchers, those of installed plugins included."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from hydra import initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from gpae.config.compose import holds_mapping, in_force, parse, register_groups
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
        UserError: Hydra refuses an override, a plugin is not installed, or a job failed; or two
            overrides of one key cannot be merged.
    """
    named = {override.key_or_group for override in parse(overrides)}
    theirs = _one_for_each_key(overrides)
    ours = [f"{key}={value}" for key, value in _HYDRA_SETTINGS.items() if key not in named]
    register_groups(all_tasks())
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("gpae.config", version_base="1.3"):
            hydra = GlobalHydra.instance().hydra
            assert hydra is not None
            batches = hydra.multirun(
                "config", Job(train), ours + theirs, with_log_configuration=False
            )
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(f"Hydra cannot sweep: {' '.join(str(error).split())}") from error
    known = batches if isinstance(batches, list) else []
    return [job.return_value for batch in known for job in batch]


def _one_for_each_key(overrides: list[str]) -> list[str]:
    """Overrides to the same effect of which no two have one key: sweepers keep the last of those.

    Raises:
        UserError: Two of one key have choices that are mappings.
    """
    kept = in_force(parse(overrides))
    times = Counter(override.get_key_element() for override in kept)
    repeated = {key for key, count in times.items() if count > 1}
    single: list[str] = []
    for override in kept:
        apart = override.get_key_element() in repeated and not override.is_sweep_override()
        single += _settings(override) if apart else [str(override.input_line)]
    keys = Counter(override.get_key_element() for override in parse(single))
    twice = [key for key, count in keys.items() if count > 1 and key in repeated]
    if twice:
        raise UserError(
            f"Hydra's sweepers keep one override of {twice[0]}: sweep over its settings one by "
            f"one, as in {twice[0]}.SETTING=1,2"
        )
    return single


def _settings(override: Override) -> list[str]:
    """An override for each setting of a mapping; the override itself if it holds none."""
    if not holds_mapping(override):
        return [str(override.input_line)]
    key = override.get_key_element()
    mapping: Any = override._value
    return [
        f"{key}.{name}={Override._get_value_element_as_str(value)}"
        for name, value in mapping.items()
    ]
