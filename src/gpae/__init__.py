"""Per-agent advantage estimation for cooperative multi-agent policy optimisation.

The estimators are in :mod:`gpae.estimators`, the exact finite games in :mod:`gpae.exact`; the
command line is ``gpae``. Importing this package imports neither JAX nor any environment: the names
in ``__all__`` are imported when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gpae.errors import DivergedError, UserError
    from gpae.library import TrainedRun, inspect_run, render, resume, train
    from gpae.methods import (
        Coma,
        Dae,
        Gpae,
        Ippo,
        Mappo,
        QCorrected,
        Qmix,
        VBootstrapped,
        Vdn,
    )
    from gpae.runs.callbacks import Callback, WatchedRun
    from gpae.runs.devices import prepare_jax
    from gpae.runs.team_policy import TeamPolicy, load_policy

__version__ = "0.1.0"

__all__ = [
    "Callback",
    "Coma",
    "Dae",
    "DivergedError",
    "Gpae",
    "Ippo",
    "Mappo",
    "QCorrected",
    "Qmix",
    "TeamPolicy",
    "TrainedRun",
    "UserError",
    "VBootstrapped",
    "Vdn",
    "WatchedRun",
    "__version__",
    "inspect_run",
    "load_policy",
    "prepare_jax",
    "render",
    "resume",
    "train",
]

_NAMES = {
    "errors": ("DivergedError", "UserError"),
    "library": ("TrainedRun", "inspect_run", "render", "resume", "train"),
    "methods": (
        "Coma",
        "Dae",
        "Gpae",
        "Ippo",
        "Mappo",
        "QCorrected",
        "Qmix",
        "VBootstrapped",
        "Vdn",
    ),
    "runs.callbacks": ("Callback", "WatchedRun"),
    "runs.devices": ("prepare_jax",),
    "runs.team_policy": ("TeamPolicy", "load_policy"),
}
_HOMES = {name: f"gpae.{room}" for room, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a name of ``__all__`` from its room."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gpae.extras import missing_extras

    with missing_extras(f"gpae.{name}"):
        return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
