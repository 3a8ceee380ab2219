"""Spaces of the tests."""

import pytest

from gpae.search.space import read_space


@pytest.fixture
def space():
    return read_space(
        ["task=smax/3m", "update.learning_rate=log(1e-4,1e-2)", "discount=choice(0,1)"]
    )
