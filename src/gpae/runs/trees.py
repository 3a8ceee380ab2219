"""A tree of arrays as a flat mapping from names to NumPy arrays, and back again."""

from typing import Any

import numpy as np

from gpae.errors import UserError

ArrayTree = Any
"""Any pytree whose leaves are arrays (of JAX, keys included, or NumPy) or Python numbers."""

_NUMBERS = (bool, int, float)


def named_arrays(tree: ArrayTree) -> dict[str, np.ndarray]:
    """Copy every leaf to the host, under the name of its place in the tree.

    Args:
        tree: The tree; typed random keys give their data.

    Returns:
        The leaves by name, such as ``"optimiser/0/mu/kernel"``, in the order of the tree.

    Raises:
        TypeError: A leaf is neither an array nor a number.
        ValueError: Two leaves have the same name.
    """
    import jax

    leaves = _named_leaves(tree)
    host = jax.device_get({name: _storable(name, leaf) for name, leaf in leaves.items()})
    return {name: np.asarray(host[name]) for name in leaves}


def described(arrays: dict[str, np.ndarray]) -> dict[str, str]:
    """Type and shape of each array, such as ``"float32[64,5]"``."""
    return {name: _described(array) for name, array in arrays.items()}


def described_template(template: ArrayTree) -> dict[str, str]:
    """Type and shape of each of a tree's arrays, from a template of shapes and types.

    Args:
        template: A tree whose leaves are arrays, numbers or ``jax.ShapeDtypeStruct``.
    """
    import jax

    leaves = _named_leaves(template)
    return {
        name: _described(jax.eval_shape(jax.random.key_data, leaf) if _is_key(leaf) else leaf)
        for name, leaf in leaves.items()
    }


def blank_arrays(descriptions: dict[str, str]) -> dict[str, np.ndarray]:
    """Arrays of the described types and shapes, whose elements are not set.

    Args:
        descriptions: Type and shape by name, as :func:`described` gives them.
    """
    arrays = {}
    for name, description in descriptions.items():
        dtype, _, sizes = description.rstrip("]").partition("[")
        arrays[name] = np.empty([int(size) for size in sizes.split(",") if size], np.dtype(dtype))
    return arrays


def require_fit(stored: dict[str, str], expected: dict[str, str], subject: str) -> None:
    """Check that stored arrays are the ones a template asks for.

    Args:
        stored: Type and shape of each stored array, as :func:`described` gives them.
        expected: Those of the template, likewise.
        subject: Name of the stored arrays in the message.

    Raises:
        UserError: A name, type or shape differs; the first is named.
    """
    differing = [
        f"{name} is {stored.get(name, 'absent')}, expected {expected.get(name, 'none')}"
        for name in dict.fromkeys([*expected, *stored])
        if stored.get(name) != expected.get(name)
    ]
    if differing:
        more = f" (and {len(differing) - 1} more)" if len(differing) > 1 else ""
        raise UserError(f"{subject} does not fit this configuration: {differing[0]}{more}")


def rebuilt(template: ArrayTree, arrays: dict[str, np.ndarray]) -> ArrayTree:
    """Put named arrays into the places of a template.

    Args:
        template: A tree like the one the arrays came from.
        arrays: One array for each of its leaves.

    Returns:
        The template's structure with the arrays as leaves: NumPy on the host, but typed random keys
        where the template has them, and Python numbers where it has those.
    """
    import jax

    leaves = [_like(leaf, arrays[name]) for name, leaf in _named_leaves(template).items()]
    return jax.tree_util.tree_unflatten(jax.tree_util.tree_structure(template), leaves)


def _named_leaves(tree: ArrayTree) -> dict[str, Any]:
    import jax

    leaves: dict[str, Any] = {}
    for path, leaf in jax.tree_util.tree_flatten_with_path(tree)[0]:
        name = jax.tree_util.keystr(path, simple=True, separator="/") or "value"
        if name in leaves:
            raise ValueError(f"two leaves of the tree are named {name}")
        leaves[name] = leaf
    return leaves


def _is_key(leaf: Any) -> bool:
    import jax
    import jax.numpy as jnp

    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _storable(name: str, leaf: Any) -> Any:
    import jax

    if _is_key(leaf):
        return jax.random.key_data(leaf)
    numeric = isinstance(leaf, jax.Array | np.ndarray | np.generic) and leaf.dtype.kind not in "OSU"
    if not numeric and not isinstance(leaf, _NUMBERS):
        raise TypeError(f"{name} is a {type(leaf).__name__}: only arrays and numbers can be saved")
    return leaf


def _described(array: Any) -> str:
    if isinstance(array, _NUMBERS):
        array = np.asarray(array)
    return f"{np.dtype(array.dtype).name}[{','.join(map(str, array.shape))}]"


def _like(leaf: Any, array: np.ndarray) -> Any:
    import jax
    import jax.numpy as jnp

    if _is_key(leaf):
        return jax.random.wrap_key_data(jnp.asarray(array), impl=jax.random.key_impl(leaf))
    return array.item() if isinstance(leaf, _NUMBERS) else array
