"""The length of a block of steps."""

import pytest

from gpae.kernels.blocks import BLOCK_ROWS, block_length

LENGTHS = {
    (128, 80): 8,
    (128, 160): 4,
    (128, 20): 32,
    (128, 639): 1,
    (128, 5000): 1,
    (1, 4): 1,
    (12, 90): 6,
    (12, 128): 4,
    (7, 100): 1,
    (7, 91): 7,
}


@pytest.mark.parametrize(("steps", "rows"), LENGTHS)
def test_a_block_divides_the_steps_and_has_few_rows(steps, rows):
    assert BLOCK_ROWS == 640
    assert block_length(steps, rows) == LENGTHS[steps, rows]
