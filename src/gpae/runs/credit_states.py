"""A fixed set of states to measure credit at, as a file that others can use."""

import io
from pathlib import Path

import numpy as np

from gpae.credit import CreditStates
from gpae.errors import UserError
from gpae.runs.files import disk_errors, write_atomically
from gpae.runs.trees import named_arrays, rebuilt


def save_states(states: CreditStates, path: Path) -> None:
    """Write states as compressed NumPy arrays by name (``.npz``).

    Args:
        states: The states, with the hidden states of the policies they were collected with.
        path: The file; its folder must exist.

    Raises:
        UserError: It could not be written.
    """
    contents = io.BytesIO()
    np.savez_compressed(contents, **named_arrays(states))  # type: ignore[arg-type]
    with disk_errors(f"write {path}"):
        write_atomically(Path(path), contents.getvalue())


def load_states(path: Path, like: CreditStates) -> CreditStates:
    """Read states that :func:`save_states` wrote; no code from the file is run.

    Args:
        path: The file.
        like: States of the same environment and networks, any number of them.

    Raises:
        UserError: It could not be read, or its arrays are not those of such states.
    """
    with disk_errors(f"read {path}"), np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    wanted = {name: each.shape[1:] for name, each in named_arrays(like).items()}
    found = {name: each.shape[1:] for name, each in arrays.items()}
    if wanted != found:
        differing = sorted(
            name for name in {*wanted, *found} if wanted.get(name) != found.get(name)
        )
        raise UserError(f"{path} holds states of something else: {differing[0]} differs")
    states: CreditStates = rebuilt(like, arrays)
    return states
