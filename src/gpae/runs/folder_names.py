"""Names for new run folders."""

import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from gpae.config.schema import Config


def new_folder(config: Config) -> Path:
    """The folder the configuration names, or a new one: when, what, how and with which seed."""
    if config.run.folder is not None:
        return Path(config.run.folder).expanduser()
    task = config.task_name.replace("/", "-")
    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{task}-{config.method.name}-seed{config.seed}"
    root = Path(config.run.root).expanduser()
    candidates = (root / f"{name}{suffix}" for suffix in _suffixes())
    return next(path for path in candidates if not path.exists())


def _suffixes() -> Iterator[str]:
    """Nothing, then -2, -3 and so on."""
    yield ""
    yield from (f"-{number}" for number in count(2))
