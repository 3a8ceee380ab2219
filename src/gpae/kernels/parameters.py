"""The parameters of Flax modules."""

import flax.linen as nn
import numpy as np
from jax.nn.initializers import Initializer
from jaxtyping import Array


def parameter(
    module: nn.Module, name: str, initialiser: Initializer, shape: tuple[int, ...]
) -> Array:
    """``module.param``, its reference, but faster where the parameter exists in this shape.

    To check the shape, Flax traces the initialiser each time a network is applied, since
    https://github.com/google/flax/pull/530; seen with Flax 0.12. It is the same on every backend,
    and goes when Flax compares shapes without the initialiser.

    Args:
        module: The layer, in its compact method.
        name: The parameter's name.
        initialiser: The initialiser of a parameter that does not exist.
        shape: Its shape.

    Raises:
        flax.errors.ScopeParamShapeError: There is one of another shape.
        flax.errors.ScopeParamNotFoundError: There is none, and none is to be made.
    """
    found: Array | None = module.get_variable("params", name)
    if found is not None and np.shape(found) == shape:
        return found
    return module.param(name, initialiser, shape)
