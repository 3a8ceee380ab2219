"""Kernels at sizes too small to be worth optimising."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _compile_quickly(compile_quickly):
    """Every kernel here compiles for longer than it runs."""
