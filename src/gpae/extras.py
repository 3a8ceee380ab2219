"""Optional dependencies: the extra that installs each, and one line where it is missing."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from gpae.errors import UserError

EXTRAS = {
    "train": {
        "PIL": "Pillow",
        "docstring_parser": "docstring_parser",
        "filelock": "filelock",
        "flashbax": "Flashbax",
        "flax": "Flax",
        "hydra": "Hydra",
        "matplotlib": "Matplotlib",
        "omegaconf": "OmegaConf",
        "optax": "Optax",
        "orbax": "Orbax",
        "psutil": "psutil",
        "rich": "Rich",
        "safetensors": "safetensors",
        "scipy": "SciPy",
        "tensorboardX": "tensorboardX",
        "threadpoolctl": "threadpoolctl",
        "yaml": "PyYAML",
    },
    "smax": {"jaxmarl": "JaxMARL"},
    "jumanji": {"jumanji": "Jumanji"},
    "pettingzoo": {"pettingzoo": "PettingZoo", "mpe2": "MPE2", "gymnasium": "Gymnasium"},
    "search": {"optuna": "Optuna"},
    "mabrax": {"brax": "Brax", "mujoco": "MuJoCo"},
    "render": {"imageio_ffmpeg": "imageio-ffmpeg"},
    "torch": {"torch": "PyTorch"},
    "wandb": {"wandb": "W&B"},
    "mlflow": {"mlflow": "MLflow", "alembic": "Alembic", "sqlalchemy": "SQLAlchemy"},
    "tensorboard": {"tensorboard": "TensorBoard"},
}
"""For each extra, the packages that it makes importable, and their names for people."""


def is_installed(extra: str) -> bool:
    """True if every package of an extra can be imported; none is."""
    return all(_can_be_imported(package) for package in EXTRAS[extra])


def _can_be_imported(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


@contextmanager
def missing_extras(subject: str) -> Iterator[None]:
    """Report the failed import of an optional dependency in one line that names its extra.

    Args:
        subject: What needs it, such as ``"gpae train"``.

    Raises:
        UserError: An optional dependency is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        for extra, packages in EXTRAS.items():
            if package in packages:
                raise UserError(
                    f"{subject} needs {packages[package]}, which is not installed: "
                    f"pip install 'gpae[{extra}]'"
                ) from error
        raise
