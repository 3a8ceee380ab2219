"""The tests of this folder skip without PyTorch, which is too large to be among what tests need."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def as_tensors():
    """Every array among some arguments as a tensor, the rest as it is."""
    torch = pytest.importorskip("torch")

    def convert(arguments):
        return {
            name: torch.as_tensor(value) if isinstance(value, np.ndarray) else value
            for name, value in arguments.items()
        }

    return convert
