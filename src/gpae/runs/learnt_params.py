"""Parameters of all networks that a run has learnt, from its checkpoints or from an export."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gpae.errors import UserError
from gpae.runs.checkpoints import Checkpoints
from gpae.runs.export import exported_networks, is_export, refuse_choice
from gpae.runs.folder import RunFolder

_PLACES = {
    "newest": ("state/params", "state/clock/update"),
    "best": ("best/params", "best/update"),
}
"""Places of parameters and of their update in a checkpoint."""


def learnt_params(
    folder: RunFolder, shapes: Any, *, best: bool = False, checkpoint: int | None = None
) -> tuple[Any, int]:
    """Read the parameters of all networks, on the host.

    Args:
        folder: The run, or one that ``gpae export --card`` has written.
        shapes: Shapes and types of the parameters, by network.
        best: Those of the best evaluation so far, instead of the checkpoint's own.
        checkpoint: The checkpoint to read, by its update; the newest when None.

    Returns:
        The parameters by network, and the update they are of.

    Raises:
        UserError: There is no such checkpoint, it is damaged or does not fit, or the run was never
            evaluated though ``best`` is set; an export has one set of parameters and neither
            ``best`` nor ``checkpoint``.
    """
    if is_export(folder.path):
        refuse_choice(folder.path, best, checkpoint)
        return exported_networks(folder.path, shapes)
    place, update = _PLACES["best" if best else "newest"]
    number = jax.ShapeDtypeStruct((), jnp.int32)
    score = jax.ShapeDtypeStruct((), jnp.float32)
    read = Checkpoints(folder.checkpoints_path).restore_parts(
        {place: shapes, update: number, "best/score": score}, checkpoint
    )
    if best and np.isneginf(read["best/score"]):
        raise UserError(f"{folder.path} has no best parameters, as it was never evaluated")
    return read[place], int(read[update])
