"""Wrong arguments are refused with the words that the functions on JAX arrays use."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from gpae import estimators

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'gpae[torch]'")

import gpae.torch as on_tensors  # noqa: E402


def cases_of_jax():
    path = Path(__file__).parents[1] / "estimators/test_estimator_validation.py"
    spec = importlib.util.spec_from_file_location("cases_of_jax", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CASES = cases_of_jax()


def wrong_values():
    """Function, argument and wrong value: of shape, of type and out of range."""
    for function, name, value, _ in CASES.WRONG_SHAPES:
        yield function, name, value
    for function, name in CASES.ARRAYS:
        kind = CASES.VALID[function][name].dtype.kind
        wrong = np.float32 if kind == "i" else np.int32
        yield function, name, CASES.VALID[function][name].astype(wrong)
    for function, name in CASES.FRACTIONS:
        yield from ((function, name, value) for value in (-0.1, 2, np.nan, True, "text"))
    for function, name in CASES.POSITIVE:
        yield from ((function, name, value) for value in (0.0, -1, None, CASES.AGENTS))
    yield "traces", "scheme", "doubled"
    yield "bootstrap_weights", "actions", "mine"
    yield "advantage_gap", "advantages", CASES.AGENTS[..., :1]


def refused(function, arguments):
    with pytest.raises((TypeError, ValueError)) as error:
        function(**arguments)
    return type(error.value), str(error.value)


@pytest.mark.parametrize(("function", "name", "value"), list(wrong_values()))
def test_the_errors_are_those_of_jax(as_tensors, function, name, value):
    given = CASES.VALID[function] | {name: value}
    expected = refused(getattr(estimators, function), given)
    assert refused(getattr(on_tensors, function), as_tensors(given)) == expected


NO_ARRAYS = {"none": None, "str": "text", "ragged": [[1.0], [2.0, 3.0]]}


@pytest.mark.parametrize("value", NO_ARRAYS.values(), ids=NO_ARRAYS)
@pytest.mark.parametrize(
    ("function", "name"),
    [case for case in CASES.ARRAYS if case[1] not in ("traces", "bootstrap_weights")],
)
def test_what_is_no_array_is_named(function, name, value):
    kind, message = refused(getattr(on_tensors, function), CASES.VALID[function] | {name: value})
    assert kind is TypeError
    assert message.startswith(f"{name} must be an array of ")
    assert f"found {type(value).__name__}: " in message


@pytest.mark.parametrize("function", CASES.VALID)
def test_what_is_valid_is_accepted_as_tensors_and_as_arrays(as_tensors, function):
    given = CASES.VALID[function]
    for arguments in (given, as_tensors(given)):
        result = getattr(on_tensors, function)(**arguments)
        for leaf in result if isinstance(result, tuple) else (result,):
            assert torch.isfinite(leaf).all()


SCALARS = [0.5, 1, torch.tensor(0.5), torch.tensor(0.5, dtype=torch.float64)]


@pytest.mark.parametrize("value", SCALARS)
def test_scalars_may_be_tensors(value):
    found = on_tensors.uncorrected_traces(torch.zeros(5, 2, 3), value)
    np.testing.assert_array_equal(found, np.full((5, 2, 3), float(value), np.float32))
