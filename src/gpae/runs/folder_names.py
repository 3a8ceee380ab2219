"""Names for new run folders."""

import re
import time
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from pathlib import Path

from gpae.config.schema import Config
from gpae.errors import UserError
from gpae.runs.files import disk_errors


def new_folder(config: Config, taken: Collection[Path] = ()) -> Path:
    """The folder the configuration names, or a new one: when, what, how and with which seed.

    Args:
        config: The configuration.
        taken: New folders that others are to have.

    Raises:
        UserError: A home folder is not known, or the root cannot be looked into.
    """
    if config.run.folder is not None:
        return _at_home(config.run.folder)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{plain(config.task_name)}-{config.method.name}-seed{config.seed}"
    root = _at_home(config.run.root)
    candidates = (root / f"{name}{suffix}" for suffix in _suffixes())
    with disk_errors(f"create a run in {root}"):
        return next(path for path in candidates if path not in taken and not path.exists())


def new_folders(configs: Sequence[Config]) -> list[Path]:
    """:func:`new_folder` for each of some runs; several in one folder named, a seed each."""
    folders: list[Path] = []
    for config in configs:
        folder = new_folder(config, folders)
        several = len(configs) > 1 and config.run.folder is not None
        folders.append(folder / f"seed{config.seed}" if several else folder)
    return folders


def plain(task_name: str) -> str:
    """A task's name with what shells and folders take amiss replaced: no slash, no bar."""
    return re.sub(r"[/|]", "-", task_name)


def _at_home(path: str) -> Path:
    """A path with the home folder in the place of ``~``."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UserError(f"{path} begins with a home folder that is not known") from error


def _suffixes() -> Iterator[str]:
    """Nothing, then -2, -3 and so on."""
    yield ""
    yield from (f"-{number}" for number in count(2))
