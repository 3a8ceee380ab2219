"""Parameters of layers: made by Flax, and found without asking their initialiser."""

import flax.errors
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.kernels.parameters import parameter


class Scale(nn.Module):
    """A vector, ours or Flax's own."""

    size: int
    make: object = parameter
    initialiser: object = nn.initializers.normal()

    @nn.compact
    def __call__(self):
        return self.make(self, "scale", self.initialiser, (self.size,))


def test_the_first_are_those_of_flax():
    key = jax.random.key(4)
    found, expected = (Scale(3, make).init(key) for make in (parameter, nn.Module.param))
    assert set(found["params"]) == {"scale"}
    np.testing.assert_array_equal(found["params"]["scale"], expected["params"]["scale"])


def test_where_there_is_one_the_initialiser_is_not_asked():
    def never(*_):
        raise AssertionError

    given = jnp.arange(3.0)
    np.testing.assert_array_equal(
        Scale(3, initialiser=never).apply({"params": {"scale": given}}), given
    )


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"scale": jnp.zeros(4)}, flax.errors.ScopeParamShapeError),
        ({"other": jnp.zeros(3)}, flax.errors.ScopeParamNotFoundError),
    ],
)
def test_one_of_another_shape_or_name_is_refused_as_by_flax(params, error):
    with pytest.raises(error, match="scale"):
        Scale(3).apply({"params": params})
