"""Names for new run folders."""

import re
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from gpae.config.schema import Config
from gpae.errors import UserError
from gpae.runs.files import disk_errors


def new_folder(config: Config) -> Path:
    """The folder the configuration names, or a new one: when, what, how and with which seed.

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
        return next(path for path in candidates if not path.exists())


def folder_of_seed(config: Config, seeds: int) -> Path:
    """:func:`new_folder` of a run that is one of several: in the folder named, one for each."""
    folder = new_folder(config)
    several = seeds > 1 and config.run.folder is not None
    return folder / f"seed{config.seed}" if several else folder


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
