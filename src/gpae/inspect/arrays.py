"""Arrays in JSON: their type, their shape, and their bytes as base64."""

import base64
from typing import Any

import numpy as np

TYPES = {"f": np.float32, "i": np.int32, "u": np.int32, "b": np.uint8}
"""The type in which the page keeps numbers of each NumPy kind."""


def packed(array: Any) -> dict[str, Any]:
    """An array for the page, in little-endian order: float32, int32, or uint8 for Booleans.

    Args:
        array: Any array of numbers or Booleans.
    """
    values = np.asarray(array)
    values = np.ascontiguousarray(values, np.dtype(TYPES[values.dtype.kind]).newbyteorder("<"))
    return {
        "dtype": values.dtype.name,
        "shape": list(values.shape),
        "data": base64.b64encode(values.tobytes()).decode(),
    }


def unpacked(content: dict[str, Any]) -> np.ndarray:
    """The array that :func:`packed` packed.

    Args:
        content: What it returned.
    """
    dtype = np.dtype(content["dtype"]).newbyteorder("<")
    flat = np.frombuffer(base64.b64decode(content["data"]), dtype)
    return flat.reshape(content["shape"])
