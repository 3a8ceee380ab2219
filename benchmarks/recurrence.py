"""The GRU's forms: rounding against float64, seconds forwards and with gradients.

    python -m benchmarks.recurrence

`--tiny` tries the script itself, anywhere.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.harness.documents import new_document, write_document
from benchmarks.harness.scripts import run_script
from benchmarks.harness.table import render
from benchmarks.harness.timing import timed
from gpae.kernels.recurrence import GruInputs, GruWeights, gru_hidden_states

Form = Callable[..., jax.Array]


class Shape(NamedTuple):
    """The sizes of a call; with lanes, all operands have one more axis, which is mapped over."""

    steps: int
    rows: int
    size: int
    lanes: int | None = None

    @property
    def name(self) -> str:
        lanes = "" if self.lanes is None else f", {self.lanes} lanes"
        return f"{self.steps} steps, {self.rows} rows, {self.size} units{lanes}"


SHAPES = [
    Shape(128, 160, 128),
    Shape(128, 1280, 128),
    Shape(16, 1280, 128),
    Shape(128, 160, 128, 8),
    Shape(1, 640, 128),
]
TINY = [Shape(3, 20, 16), Shape(2, 5, 16, 2), Shape(1, 16, 16)]


def with_precision(form: Form, precision: str | None) -> Form:
    """A form whose products have a precision by JAX's name, JAX's own choice where None."""

    def precise(*given: Any) -> jax.Array:
        with jax.default_matmul_precision(precision):
            return form(*given)

    return precise


FORMS = {
    f"{name}{'' if precision is None else f', {precision}'}": with_precision(form, precision)
    for name, form in (
        ("reference", gru_hidden_states.reference),
        ("loops", gru_hidden_states.form("cpu")),
        ("loops for a GPU", gru_hidden_states.form("gpu")),
    )
    for precision in (None, "highest")
}


def arguments_of(shape: Shape) -> tuple[tuple[Any, ...], np.ndarray]:
    """Random arguments in float64 with a reset in 50 steps, and a gradient by the result."""
    random = np.random.default_rng(0)
    lead = () if shape.lanes is None else (shape.lanes,)

    def normal(*sizes: int) -> np.ndarray:
        return np.asarray(random.normal(size=(*lead, *sizes)), np.float32).astype(np.float64)

    steps, rows, size, _ = shape
    matrices = (normal(size, size) / np.sqrt(size) for _ in range(3))
    inputs = GruInputs(*(normal(steps, rows, size) for _ in range(3)))
    resets = random.random((*lead, steps, rows)) < 0.02
    given = GruWeights(*matrices, normal(size)), normal(rows, size), inputs, resets
    return rounded(given), normal(steps, rows, size)


def rounded(tree: Any, dtype: type = np.float64) -> Any:
    """Floats that float32 can hold, in a precision; the rest as it is."""
    return jax.tree.map(
        lambda leaf: leaf if leaf.dtype == bool else leaf.astype(np.float32).astype(dtype), tree
    )


def programs(form: Form, lanes: int | None) -> dict[str, Callable[..., Any]]:
    """A form's values alone, and with all gradients."""

    def with_gradients(given: Any, gradient: Any) -> Any:
        *differentiable, resets = given
        states, back = jax.vjp(lambda *floats: form(*floats, resets), *differentiable)
        return states, back(gradient)

    def values(given: Any, gradient: Any) -> Any:
        return form(*given)

    found = {"forward": values, "both": with_gradients}
    return found if lanes is None else {name: jax.vmap(each) for name, each in found.items()}


def exact(shape: Shape) -> Any:
    """The values and gradients in float64."""
    with jax.enable_x64(True):
        form = programs(gru_hidden_states.reference, shape.lanes)["both"]
        return jax.tree.map(np.asarray, jax.jit(form)(*arguments_of(shape)))


def errors(found: Any, expected: Any) -> dict[str, float]:
    """The largest norm of an error, relative to the norm of what it should be."""

    def largest(ours: Any, theirs: Any) -> float:
        pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
        return max(float(np.linalg.norm(a - b) / np.linalg.norm(b)) for a, b in pairs)

    (states, (weights, *others)), (right, (by_weights, *by_others)) = found, expected
    return {
        "values": largest(states, right),
        "gradients by weights": largest(weights, by_weights),
        "other gradients": largest(others, by_others),
    }


def compiled(form: Form, shape: Shape, given: Any) -> dict[str, Any]:
    """A form's programs for a shape."""
    found = programs(form, shape.lanes)
    return {name: jax.jit(each).lower(*given).compile() for name, each in found.items()}


def first_step_alone(form: Form, shape: Shape, given: Any, states: Any) -> float:
    """The largest difference of the first step in a call of its own from that among all steps."""

    def alone(weights: Any, state: Any, inputs: Any, resets: Any) -> Any:
        return form(weights, state, jax.tree.map(lambda part: part[:1], inputs), resets[:1])

    mapped = alone if shape.lanes is None else jax.vmap(alone)
    step, axis = jax.jit(mapped)(*given), 0 if shape.lanes is None else 1
    return float(jnp.abs(step - jnp.take(states, jnp.arange(1), axis)).max())


def measured(
    made: Future[Any], form: Form, shape: Shape, given: Any, expected: Any, repeats: int
) -> dict[str, Any]:
    """A form's errors and seconds at a shape, or why there are none."""
    try:
        run = made.result()
        found = jax.tree.map(np.asarray, run["both"](*given))
        rounding = errors(found, expected)
        alone = first_step_alone(form, shape, given[0], found[0])
        seconds = {
            name: [timed(partial(each, *given))[0] for _ in range(1 + repeats)][1:]
            for name, each in run.items()
        }
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
    return {"errors": rounding, "first step alone": alone, "seconds": seconds}


def measure_shape(shape: Shape, forms: Mapping[str, Form], repeats: int) -> dict[str, Any]:
    """All forms at a shape, compiled beside each other and measured one after the other."""
    given, results = jax.device_put(rounded(arguments_of(shape), np.float32)), {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = {name: pool.submit(compiled, form, shape, given) for name, form in forms.items()}
        expected = exact(shape)
    for name, form in forms.items():
        results[name] = measured(made[name], form, shape, given, expected, repeats)
        print(f"{shape.name}; {name}: {line(results[name])}", flush=True)
    return results


def line(result: dict[str, Any]) -> str:
    """A form's result in a line."""
    if "error" in result:
        return str(result["error"])
    seconds = ", ".join(
        f"{name} {1e3 * median(each):.3f} ms" for name, each in result["seconds"].items()
    )
    rounding = ", ".join(f"{name} {each:.1e}" for name, each in result["errors"].items())
    return f"{seconds}; errors of {rounding}; first step alone {result['first step alone']:.1e}"


def measure(parsed: argparse.Namespace) -> None:
    shapes: dict[str, Any] = {}
    device = jax.devices()[0].device_kind
    document = new_document("recurrence", device=device, shapes=shapes)
    for shape in TINY if parsed.tiny else SHAPES:
        shapes[shape.name] = measure_shape(shape, FORMS, 2 if parsed.tiny else 20)
        write_document(parsed.output, document)
    print(f"{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiny", action="store_true", help="sizes that take seconds on a CPU")
    path = Path("benchmarks/results/recurrence.json")
    parser.add_argument("--output", type=Path, default=path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_script(measure, arguments))
