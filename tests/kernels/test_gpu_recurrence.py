"""The GRU in one launch: rounding, blocks of rows, what fits, and its program for a GPU."""

import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractMesh, Mesh, PartitionSpec

from gpae.kernels import gpu_recurrence
from gpae.kernels.gpu_recurrence import Launch, fits, hidden_states
from gpae.kernels.recurrence import GruInputs, GruWeights, gru_hidden_states

LAUNCHES = [
    Launch(),
    Launch(rows=32, resident=True),
    Launch(rows=64, warps=8, precision="TF32_TF32_F32_X3"),
]


def arguments(steps, rows, size, *lead, dtype=np.float32):
    """Random arguments with resets, in which a hidden state stays of size one."""
    random = np.random.default_rng(steps + rows)

    def normal(*shape):
        return random.normal(size=(*lead, *shape)).astype(dtype)

    matrices = (normal(size, size) / np.sqrt(size).astype(dtype) for _ in range(3))
    weights = GruWeights(*matrices, normal(size))
    inputs = GruInputs(*(normal(steps, rows, size) for _ in range(3)))
    resets = random.random((*lead, steps, rows)) < 0.1
    return weights, normal(rows, size), inputs, resets


def with_gradients(form):
    """The hidden states, and the gradients of a weighted sum of them."""

    def weighted(weights, hidden_state, inputs, resets):
        states = form(weights, hidden_state, inputs, resets)
        return (states * jnp.cos(jnp.arange(states.size)).reshape(states.shape)).sum(), states

    def function(*given):
        gradients, states = jax.grad(weighted, argnums=(0, 1, 2), has_aux=True)(*given)
        return states, gradients

    return function


def relative_errors(found, expected):
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    return [float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in pairs]


@pytest.mark.slow
@pytest.mark.parametrize("launch", LAUNCHES)
@pytest.mark.parametrize(("steps", "rows", "size"), [(12, 20, 32), (1, 5, 16), (6, 64, 128)])
def test_values_and_gradients_are_those_in_float64(launch, steps, rows, size):
    given = arguments(steps, rows, size)
    found = jax.jit(with_gradients(partial(hidden_states, launch=launch)))(*given)
    with jax.enable_x64(True):
        exact = jax.tree.map(
            lambda leaf: leaf if leaf.dtype == bool else leaf.astype(np.float64), given
        )
        expected = with_gradients(gru_hidden_states.reference)(*exact)
        assert max(relative_errors(*jax.tree.map(np.float64, (found, expected)))) < 2e-6


def test_steps_one_by_one_are_those_of_one_launch_to_the_bit():
    weights, first, inputs, resets = arguments(7, 20, 32)
    together = hidden_states(weights, first, inputs, resets)
    state = first
    one = jax.jit(hidden_states)
    for time in range(7):
        step = jax.tree.map(lambda part, time=time: part[time : time + 1], (inputs, resets))
        (state,) = one(weights, state, *step)
        np.testing.assert_array_equal(state, together[time])


def test_a_row_depends_on_no_other():
    weights, first, inputs, resets = arguments(4, 40, 16)
    together = hidden_states(weights, first, inputs, resets)
    some = hidden_states(
        weights, first[7:12], jax.tree.map(lambda part: part[:, 7:12], inputs), resets[:, 7:12]
    )
    np.testing.assert_array_equal(some, together[:, 7:12])


def test_a_step_differs_from_the_loops_by_rounding_alone():
    given = arguments(1, 640, 128)
    loops = gru_hidden_states.form("cpu")(*given)
    np.testing.assert_allclose(hidden_states(*given), loops, rtol=0.0, atol=1e-6)


def test_only_float32_of_sizes_that_triton_multiplies_fits():
    assert all(fits(*arguments(2, 3, size)[:3]) for size in (16, 32, 64, 128))
    for size in (8, 24, 96, 256):
        assert not fits(*arguments(2, 3, size)[:3])
    assert not fits(*arguments(2, 0, 16)[:3])
    for dtype in (np.float16, np.float64):
        assert not fits(*arguments(2, 3, 16, dtype=dtype)[:3])
    weights, first, inputs, _ = arguments(2, 3, 16)
    assert not fits(weights, first, inputs._replace(update=inputs.update.astype(np.float16)))


@pytest.mark.parametrize(
    ("capability", "expected"), [("7.5", False), ("8.0", False), ("8.9", False), ("9.0", True)]
)
def test_a_gpu_with_little_shared_memory_does_not_fit(monkeypatch, capability, expected):
    class Device:
        compute_capability = capability

    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax, "local_devices", lambda: [Device()])
    assert fits(*arguments(2, 3, 16)[:3]) is expected


def program(form, given):
    return str(jax.make_jaxpr(lambda *given: form(*given))(*given))


def test_what_does_not_fit_takes_the_loops(monkeypatch):
    form = gru_hidden_states.form("gpu")
    assert "pallas_call" in program(form, arguments(2, 3, 16))
    assert "pallas_call" not in program(form, arguments(2, 3, 24))
    monkeypatch.setitem(sys.modules, "gpae.kernels.gpu_recurrence", None)
    monkeypatch.delattr(sys.modules["gpae.kernels"], "gpu_recurrence")
    assert "pallas_call" not in program(form, arguments(2, 3, 16))


def h100(*axes):
    """A mesh of H100s, one an axis, for which JAX compiles without having any."""
    sizes, types = (1,) * len(axes), (jax.sharding.AxisType.Auto,) * len(axes)
    if not hasattr(gpu_recurrence.triton, "get_gpu_info"):
        return AbstractMesh(sizes, axes, types)
    device = jax.sharding.AbstractDevice(
        device_kind="NVIDIA H100 80GB HBM3", num_cores=132, platform="gpu"
    )
    return AbstractMesh(sizes, axes, types, abstract_device=device)


def lowered(form, given):
    """The program for a GPU, which need not be there."""
    with jax.sharding.use_abstract_mesh(h100()):
        traced = jax.jit(form).trace(*given)
        return traced.lower(lowering_platforms=("cuda",)).as_text()


def launches(text):
    return text.count("__gpu$xla.gpu.triton")


@pytest.mark.parametrize("launch", LAUNCHES)
@pytest.mark.parametrize(("steps", "rows", "size"), [(128, 160, 128), (12, 20, 32), (1, 5, 16)])
def test_there_is_one_launch_forwards_and_one_backwards(launch, steps, rows, size):
    form = partial(hidden_states, launch=launch._replace(interpret=False))
    given = arguments(steps, rows, size)
    value = lowered(form, given)
    assert launches(value) == 1
    assert "stablehlo.while" not in value
    assert launches(lowered(with_gradients(form), given)) == 2


def test_populations_add_an_axis_to_the_grid():
    form = partial(hidden_states, launch=Launch(interpret=False))
    text = lowered(jax.vmap(with_gradients(form)), arguments(8, 160, 32, 3))
    assert launches(text) == 2
    assert text.count("grid_x = 10 : i32, grid_y = 3 : i32") == 2


def test_populations_have_the_gradients_of_each_alone():
    given = arguments(5, 20, 16, 3)
    function = with_gradients(hidden_states)
    together = jax.jit(jax.vmap(function))(*given)
    for i in range(3):
        each, alone = jax.tree.map(lambda leaf, i=i: leaf[i], (together, given))
        errors = relative_errors(each, jax.jit(function)(*alone))
        assert max(errors) < 1e-6


def in_blocks(form, mesh):
    """Eight steps as a scan of two blocks, rematerialised."""

    def function(weights, first, inputs, resets):
        blocks = jax.tree.map(lambda leaf: leaf.reshape(2, -1, *leaf.shape[1:]), (inputs, resets))

        @jax.checkpoint
        def block(state, given):
            states = form(weights, state, *given)
            return states[-1], states

        return jnp.concatenate(jax.lax.scan(block, first, blocks)[1])

    return function


def over_devices(form, mesh):
    """The rows split over the devices of a mesh."""
    axis, rows = PartitionSpec("d"), PartitionSpec(None, "d")
    return jax.shard_map(
        form,
        mesh=mesh,
        in_specs=(PartitionSpec(), axis, rows, rows),
        out_specs=rows,
        check_vma=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("around", [in_blocks, over_devices])
def test_values_and_gradients_inside_of(around):
    given = arguments(8, 32, 16)
    here = Mesh(jax.devices()[:1], ("d",))
    found = jax.jit(with_gradients(around(hidden_states, here)))(*given)
    expected = jax.jit(with_gradients(gru_hidden_states.reference))(*given)
    assert max(relative_errors(found, expected)) < 2e-6
    form = around(partial(hidden_states, launch=Launch(interpret=False)), h100("d"))
    assert launches(lowered(with_gradients(form), given)) >= 2
