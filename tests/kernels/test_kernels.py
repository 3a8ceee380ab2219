"""Every kernel's fast forms against its reference, and the choice of a form by backend."""

import importlib
import pkgutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gpae.kernels
from gpae.errors import UserError
from gpae.kernels import blocks
from gpae.kernels.factorisation import in_one_thread
from gpae.kernels.kernel import KERNELS, Kernel, kernel
from gpae.kernels.parts import number_of_parts
from gpae.kernels.recurrence import GruInputs, GruWeights

MODULES = tuple(
    f"gpae.kernels.{found.name}" for found in pkgutil.iter_modules(gpae.kernels.__path__)
)
for module in MODULES:
    importlib.import_module(module)


@dataclass
class Case:
    """Arguments of a form, float arrays among them, and the function of the form to compare."""

    arguments: tuple
    function: object = field(default=lambda form, *arguments: form(*arguments))


def normal(*shape, seed=0):
    return np.float32(np.random.default_rng(seed).normal(size=shape))


def bernoulli(probability, *shape):
    return np.random.default_rng(9).random(shape) < probability


def gru_case(steps, rows, size, reset=0.3):
    weights = GruWeights(*(0.5 * normal(size, size, seed=i) for i in range(3)), normal(size))
    inputs = GruInputs(*(normal(steps, rows, size, seed=i) for i in range(3)))
    return Case((weights, normal(rows, size, seed=4), inputs, bernoulli(reset, steps, rows)))


class Cell(nn.Module):
    """A recurrent network of one layer, with an activation that a backward pass keeps."""

    @nn.compact
    def __call__(self, hidden_state, inputs, resets):
        inputs = jnp.tanh(blocks.kept(nn.Dense(4)(inputs)))
        weights = self.param("weights", nn.initializers.normal(0.5), (4, 4))

        def step(hidden_state, given):
            inputs, resets = given
            hidden_state = jnp.where(resets[:, None, None], 0.0, hidden_state)
            hidden_state = jnp.tanh(hidden_state @ weights + inputs)
            return hidden_state, hidden_state

        hidden_states = jax.lax.scan(step, hidden_state, (inputs, resets))[1]
        return hidden_states, nn.Dense(2)(hidden_states)


PARAMS = {
    "cell": {
        "Dense_0": {"kernel": normal(3, 4), "bias": normal(4)},
        "weights": 0.5 * normal(4, 4),
        "Dense_1": {"kernel": normal(4, 2), "bias": normal(2)},
    }
}


def over_time(form, hidden_state, inputs, resets, params):
    class Whole(nn.Module):
        @nn.compact
        def __call__(self):
            return form(Cell(name="cell"), hidden_state, inputs, resets)

    return Whole().apply({"params": params})


def cell_case(steps, environments, agents):
    hidden_state, inputs = normal(environments, agents, 4), normal(steps, environments, agents, 3)
    return Case((hidden_state, inputs, bernoulli(0.3, steps, environments), PARAMS), over_time)


def in_parts(form, weights, rows):
    """A gradient added up over parts of the rows."""
    count = form(len(rows), 2**20)
    assert len(rows) % count == 0
    parts = rows.reshape(count, -1, *rows.shape[1:])
    return sum(
        jax.grad(lambda weights, part=part: ((part @ weights) ** 3).sum())(weights)
        for part in parts
    )


def compiled(form, positions):
    def distances(positions):
        return jnp.sqrt(((positions[:, :, None] - positions[:, None]) ** 2).sum(-1) + 1e-3)

    if isinstance(positions, jax.core.Tracer):
        return distances(positions)
    return jax.jit(distances, compiler_options=form())(positions)


def factorised(form, matrix):
    with form():
        return jnp.linalg.qr(matrix)[1]


CASES = {
    "product": [
        Case((normal(rows, features), normal(features, outputs, seed=1)))
        for rows, features, outputs in [(1, 5, 1), (6, 5, 2), (5, 5, 20), (640, 97, 128)]
    ],
    "add_to_rows": [Case((normal(rows, 5), normal(5, seed=1))) for rows in (1, 6, 641)],
    "sum_of_rows": [Case((normal(rows, 5),)) for rows in (1, 6, 641)],
    "transposed": [Case((normal(*shape),)) for shape in [(1, 3), (5, 3), (6, 1), (640, 128)]],
    "gru_hidden_states": [
        gru_case(1, 6, 8),
        gru_case(12, 6, 8),
        gru_case(5, 3, 16, reset=0.0),
        gru_case(4, 3, 16, reset=1.0),
        gru_case(8, 80, 128),
        gru_case(3, 40, 32),
    ],
    "apply_to_joint_actions": [
        Case(
            (
                normal(*batch, agents, 4),
                normal(*batch, agents, 4, seed=1),
                normal(agents * 4, 6, seed=2),
            )
        )
        for agents in (1, 2, 5)
        for batch in ((), (3, 2))
    ],
    "over_time": [cell_case(1, 2, 3), cell_case(12, 2, 3), cell_case(12, 100, 3)],
    "number_of_parts": [Case((normal(5, 3), normal(8, 4, 5, seed=1)), in_parts)],
    "orthogonal_matrix": [
        Case((), lambda form, shape=shape: form(jax.random.key(3), shape, 2.0))
        for shape in [(12, 8), (8, 12), (8, 8)]
    ],
    "compiler_options": [Case((normal(64, 11, 2),), compiled)],
    "in_one_thread": [Case((normal(12, 8),), factorised)],
}
FAST = [(name, backend) for name in KERNELS for backend in KERNELS[name].backends]


def floats(tree):
    return [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]


def values_and_gradients(case, form):
    """The results, and the gradients of a weighted sum of them by every float array given."""
    leaves, structure = jax.tree.flatten(case.arguments)
    places = [i for i, leaf in enumerate(leaves) if jnp.issubdtype(leaf.dtype, jnp.floating)]

    def function(*given):
        filled = [*leaves]
        for place, leaf in zip(places, given, strict=True):
            filled[place] = leaf
        results = case.function(form, *jax.tree.unflatten(structure, filled))
        weighted = [
            (jnp.cos(jnp.arange(leaf.size)) * leaf.ravel()).sum() for leaf in floats(results)
        ]
        return sum(weighted), results

    given = [leaves[place] for place in places]
    if not given:
        return function()[1], ()
    gradient = jax.grad(function, argnums=tuple(range(len(given))), has_aux=True)
    gradients, results = jax.jit(gradient)(*given)
    return results, gradients


def test_every_kernel_has_cases():
    assert set(CASES) == set(KERNELS)
    assert {name for name, _ in FAST} == set(KERNELS)


@pytest.mark.parametrize(("name", "backend"), FAST)
def test_a_fast_form_has_the_references_values_and_gradients(name, backend):
    kernel = KERNELS[name]
    assert kernel.form(backend) is not kernel.reference
    for case in CASES[name]:
        found = values_and_gradients(case, kernel.form(backend))
        expected = values_and_gradients(case, kernel.reference)
        assert jax.tree.structure(found) == jax.tree.structure(expected)
        for ours, plain in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
            assert ours.dtype == plain.dtype
            scale = max(1.0, float(jnp.abs(plain).max()))
            np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("name", ["product", "gru_hidden_states", "apply_to_joint_actions"])
def test_gradients_over_a_further_axis_are_those_one_by_one(name):
    form, case = KERNELS[name].form("cpu"), CASES[name][1]
    stacked = jax.tree.map(lambda leaf: np.stack([leaf, leaf[::-1]]), case.arguments)

    def gradients(arguments):
        return values_and_gradients(Case(arguments), form)[1]

    together = jax.vmap(gradients)(stacked)
    for i in range(2):
        alone = gradients(jax.tree.map(lambda leaf, i=i: leaf[i], stacked))
        for ours, plain in zip(together, alone, strict=True):
            np.testing.assert_allclose(ours[i], plain, rtol=1e-4, atol=1e-4)


def test_a_backend_without_a_form_takes_the_reference(monkeypatch):
    @Kernel
    def doubled(number):
        """Twice the number."""
        return 2 * number

    @doubled.fast("cpu", "tpu")
    def _fast_doubled(number):
        return number + number + 0.5

    assert doubled.__doc__ == "Twice the number."
    assert doubled.backends == ("cpu", "tpu")
    for backend, expected in {"cpu": 6.5, "tpu": 6.5, "gpu": 6.0}.items():
        monkeypatch.setattr(jax, "default_backend", lambda backend=backend: backend)
        assert doubled(3) == expected


def test_a_name_belongs_to_one_kernel():
    with pytest.raises(UserError, match="there is a kernel 'product' already"):

        @kernel
        def product():
            pass


def test_off_a_cpu_there_are_no_blocks_and_no_parts(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert number_of_parts(8, 2**30) == 1
    case = cell_case(12, 100, 3)
    program = str(
        jax.make_jaxpr(lambda *given: over_time(blocks.over_time, *given))(*case.arguments)
    )
    assert program.count("scan[") == 1, "the network's own"
    assert "remat" not in program


@pytest.mark.slow
def test_importing_changes_nothing_in_the_process():
    script = f"""
        import gc, jax, threadpoolctl
        from jax._src.interpreters import mlir
        import numpy, scipy.linalg
        before = dict(jax.config.values), gc.isenabled(), gc.get_freeze_count()
        rules = dict(mlir._platform_specific_lowerings["cpu"])
        threads = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
        import gpae.networks
        for name in {MODULES!r}:
            __import__(name)
        assert before == (dict(jax.config.values), gc.isenabled(), gc.get_freeze_count())
        after = mlir._platform_specific_lowerings["cpu"]
        assert all(after[primitive] is rule for primitive, rule in rules.items())
        assert threads == [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=True)


def test_matrices_are_factorised_in_one_thread():
    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(limits=2, user_api="blas"):
        assert {pool["num_threads"] for pool in threadpool_info()} != {1}
        with in_one_thread.form("cpu")():
            pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
            assert {pool["num_threads"] for pool in pools} == {1}
