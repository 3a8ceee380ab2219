"""Names for new run folders."""

import time
from pathlib import Path

from gpae.config.schema import Config


def new_folder(config: Config) -> Path:
    """The folder the configuration names, or a new one: when, what, how and with which seed."""
    if config.run.folder is not None:
        return Path(config.run.folder)
    task = config.task_name.replace("/", "-")
    stamp = time.strftime("%Y%m%d-%H%M%S")
    name = f"{stamp}-{task}-{config.method.name}-seed{config.seed}"
    path = Path(config.run.root) / name
    number = 2
    while path.exists():
        path = Path(config.run.root) / f"{name}-{number}"
        number += 1
    return path
