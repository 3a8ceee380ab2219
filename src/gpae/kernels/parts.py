"""The number of parts in which a device computes the gradient of a minibatch."""

from gpae.kernels.kernel import kernel

PART_FEATURES = 2**20
"""Features of the actor's hidden layers, over all rows of a run, that a CPU takes at once.

More only where one environment has more: parts are of whole environments, as many in each.
"""


@kernel
def number_of_parts(environments: int, features: int) -> int:
    """The number of parts, which divides the number of environments: one, the whole minibatch.

    Args:
        environments: The environments of a minibatch that the device has.
        features: Features of the actor's hidden layers in one environment: its steps times agents
            times ``hidden_size``.
    """
    del environments, features
    return 1


@number_of_parts.fast("cpu")
def _parts_in_a_cache(environments: int, features: int) -> int:
    """As few parts as keep in a CPU's cache what a gradient keeps of one.

    It follows from the hardware; no upstream issue is known.
    """
    fitting = PART_FEATURES / features
    parts = [n for n in range(1, environments + 1) if environments % n == 0]
    return next((n for n in parts if environments // n <= fitting), environments)
