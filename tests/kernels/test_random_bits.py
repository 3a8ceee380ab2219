"""Random bits: Threefry's published answers, JAX's bits whatever the program, and no loop in it."""

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.kernels.random_bits import compile_random_bits_for_cpu, threefry

ALL_ONES = (0xFFFFFFFF, 0xFFFFFFFF)
PI_COUNTER, PI_KEY = (0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344)
KEYS = jax.random.split(jax.random.key(7), 6)


@pytest.fixture(autouse=True)
def for_cpu():
    compile_random_bits_for_cpu()


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize(
    ("key", "counter", "answer"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        (ALL_ONES, ALL_ONES, (0x1CB996FC, 0xBB002BE7)),
        (PI_KEY, PI_COUNTER, (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_known_answers_of_random123(key, counter, answer, loop):
    words = [jnp.uint32(word) for word in (*key, *counter)]
    assert tuple(int(word) for word in threefry(*words, loop=loop)) == answer


def scrambled(key, count):
    """Threefry-2x32 of the counters 0 .. count-1, in NumPy, round by round."""
    key_0, key_1 = np.asarray(jax.random.key_data(key), np.uint64)
    schedule = [key_0, key_1, key_0 ^ key_1 ^ np.uint64(0x1BD11BDA)]
    word = 2**32
    left, right = np.full(count, key_0), (np.arange(count, dtype=np.uint64) + key_1) % word
    for number in range(20):
        turn = np.uint64([13, 15, 26, 6, 17, 29, 16, 24][number % 8])
        left = (left + right) % word
        right = left ^ ((right << turn) % word | right >> np.uint64(32 - turn))
        if number % 4 == 3:
            injection = number // 4 + 1
            left = (left + schedule[injection % 3]) % word
            right = (right + schedule[(injection + 1) % 3] + np.uint64(injection)) % word
    return left.astype(np.uint32), right.astype(np.uint32)


def split(key):
    return jax.random.key_data(jax.random.split(key, 11))


def test_keys_split_side_by_side_are_those_of_threefry():
    expected = [np.stack(scrambled(key, 11), axis=1) for key in KEYS]
    np.testing.assert_array_equal(jax.jit(jax.vmap(split))(KEYS), expected)


def test_one_key_is_split_as_threefry_says():
    np.testing.assert_array_equal(jax.jit(split)(KEYS[2]), np.stack(scrambled(KEYS[2], 11), axis=1))


def test_numbers_folded_into_keys_side_by_side_are_scrambled_under_them():
    def fold(key):
        return jax.random.key_data(jax.random.fold_in(key, 9))

    # The seed 9 as a key is (0, 9), which is the counter.
    expected = jax.vmap(lambda key: jnp.stack(threefry(*key, jnp.uint32(0), jnp.uint32(9))))
    np.testing.assert_array_equal(
        jax.jit(jax.vmap(fold))(KEYS), expected(jax.random.key_data(KEYS))
    )


def test_a_program_exported_for_any_number_of_keys_splits_them_alike():
    def of_data(data):
        return jax.vmap(lambda each: split(jax.random.wrap_key_data(each)))(data)

    (keys,) = jax.export.symbolic_shape("keys")
    shape = jax.ShapeDtypeStruct((keys, 2), jnp.uint32)
    exported = jax.export.export(jax.jit(of_data))(shape)
    data = jax.random.key_data(KEYS)
    np.testing.assert_array_equal(exported.call(data), jax.jit(of_data)(data))


def test_bits_drawn_side_by_side_are_those_of_threefry():
    drawn = jax.jit(jax.vmap(lambda key: jax.random.bits(key, (3, 5))))(KEYS)
    expected = [np.bitwise_xor(*scrambled(key, 15)).reshape(3, 5) for key in KEYS]
    np.testing.assert_array_equal(drawn, expected)


def program(function, keys):
    return jax.jit(function).trace(keys).lower(lowering_platforms=("cpu",)).as_text()


def test_the_program_has_a_loop_for_one_key_and_none_for_many():
    assert "while" not in program(jax.vmap(split), KEYS)
    assert "while" in program(split, KEYS[0])
