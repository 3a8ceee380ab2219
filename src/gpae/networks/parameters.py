"""The parameters of layers."""

import flax.linen as nn
import numpy as np
from jax.nn.initializers import Initializer
from jaxtyping import Array


def parameter(
    module: nn.Module, name: str, initialiser: Initializer, shape: tuple[int, ...]
) -> Array:
    """``module.param``, sooner where there is one of this name and shape already.

    To find the shape that it must have, Flax traces the initialiser each time a network is applied.

    Args:
        module: The layer, in its compact method.
        name: The parameter's name.
        initialiser: What makes the first one.
        shape: Its shape.

    Raises:
        flax.errors.ScopeParamShapeError: There is one of another shape.
        flax.errors.ScopeParamNotFoundError: There is none, and none is to be made.
    """
    found: Array | None = module.get_variable("params", name)
    if found is not None and np.shape(found) == shape:
        return found
    return module.param(name, initialiser, shape)
