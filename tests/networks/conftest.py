"""Networks too small to be worth optimising."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def _compile_quickly(compile_quickly):
    """Every network here compiles for longer than it runs."""
