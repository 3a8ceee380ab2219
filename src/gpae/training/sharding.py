"""Shardings of arrays over devices: environments are split, the rest is everywhere."""

from typing import Any

from jax.sharding import PartitionSpec

from gpae.training.reduce import DEVICES

EVERYWHERE: Any = PartitionSpec()
BY_ENVIRONMENT: Any = PartitionSpec(DEVICES)
BY_TIME_AND_ENVIRONMENT: Any = PartitionSpec(None, DEVICES)
BY_ROLLOUT_TIME_AND_ENVIRONMENT: Any = PartitionSpec(None, None, DEVICES)


def is_spec(node: Any) -> bool:
    """True for a node of a tree that is the sharding of all below it."""
    return isinstance(node, PartitionSpec)
