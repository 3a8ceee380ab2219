"""Convolutions: images come out of rows of numbers in order, pixels are scaled, vectors pass by."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.networks import ENCODERS, NetworkSettings
from gpae.networks.encoders.cnn import _image, _patches, _strides
from gpae.networks.encoders.encoder import make_encoder
from gpae.networks.layers import as_numbers

SETTINGS = NetworkSettings(encoder="cnn", channels=4)
SHAPE = (5, 4, 3)


class Seeing(nn.Module):
    """An encoder of observations as the actor makes it."""

    settings: NetworkSettings

    @nn.compact
    def __call__(self, inputs):
        return make_encoder(self.settings, 6, "observation")(as_numbers(inputs))


def encode(settings, inputs, params=None):
    module = Seeing(settings)
    params = module.init(jax.random.key(0), inputs) if params is None else params
    return params, module.apply(params, inputs)


def test_channels_of_images_in_a_row_stand_together():
    place = np.indices((2, 5, 4, 3))
    tagged = (np.array([1000, 100, 10, 1])[:, None, None, None, None] * place).sum(0)
    (found,) = np.asarray(_image(jnp.asarray(tagged.reshape(1, -1)), (2, 5, 4, 3)))
    for image, row, column, channel in np.ndindex(2, 5, 4, 3):
        assert found[row, column, 3 * image + channel] == tagged[image, row, column, channel]


@pytest.mark.parametrize(("side", "strides"), [(8, [1, 1]), (9, [2]), (84, [2, 2, 2, 2])])
def test_large_images_shrink_until_their_side_is_small(side, strides):
    assert _strides(side) == strides


@pytest.mark.parametrize("stride", [1, 2])
def test_patches_are_those_of_a_padded_convolution(stride):
    features = jax.random.normal(jax.random.key(0), (2, *SHAPE))
    kernel = jax.random.normal(jax.random.key(1), (3, 3, 3, 4))
    expected = jax.lax.conv_general_dilated(
        features, kernel, (stride, stride), [(1, 1)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )
    found = _patches(features, stride) @ kernel.reshape(-1, 4)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_layers_are_flaxs_on_the_image():
    rows = jax.random.uniform(jax.random.key(1), (2, 3, 60))
    params, found = encode(SETTINGS.on(SHAPE, None), rows)
    layers = params["params"]["observation"]
    features = rows.reshape(6, *SHAPE)
    for name in ("Dense_0", "Dense_1"):
        kernel = layers[name]["kernel"].reshape(3, 3, -1, 4)
        ours = {"kernel": kernel, "bias": layers[name]["bias"]}
        features = nn.relu(nn.Conv(4, (3, 3)).apply({"params": ours}, features))
    dense = layers["dense"]["Dense_0"]
    expected = features.reshape(2, 3, -1) @ dense["kernel"] + dense["bias"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_pixels_are_scaled_and_other_whole_numbers_are_not():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 60), np.uint8)
    params, of_pixels = encode(SETTINGS.on(SHAPE, None), jnp.asarray(pixels))
    _, of_floats = encode(SETTINGS.on(SHAPE, None), jnp.asarray(pixels / np.float32(255)), params)
    np.testing.assert_allclose(of_pixels, of_floats, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(as_numbers(jnp.int8([1, -2])), [1.0, -2.0])
    seen = jnp.float32([0.5, 200.0])
    assert as_numbers(seen) is seen


def test_a_vector_beside_images_has_the_dense_layer_alone():
    rows = jax.random.uniform(jax.random.key(2), (3, 7))
    params, found = encode(SETTINGS.on(None, SHAPE), rows)
    dense = params["params"]["observation"]["dense"]["Dense_0"]
    np.testing.assert_allclose(found, rows @ dense["kernel"] + dense["bias"], rtol=1e-5, atol=1e-6)


def test_settings_of_vectors_stay_what_they_were():
    plain = NetworkSettings()
    assert plain.on(None, None) is plain
    seeing = SETTINGS.on(SHAPE, (2, *SHAPE))
    assert seeing.on(SHAPE, (2, *SHAPE)) == seeing
    assert (seeing.image_shape("observation"), seeing.image_shape("state")) == (SHAPE, (2, *SHAPE))
    assert [name for name in ENCODERS if ENCODERS[name].for_images] == ["cnn"]
