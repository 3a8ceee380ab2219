"""The functions on tensors give what those on JAX arrays give, in single and double precision."""

import doctest

import jax
import numpy as np
import pytest

from gpae import estimators

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'gpae[torch]'")

import gpae.torch as on_tensors  # noqa: E402

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
SHAPES = [((7,), 3), ((1, 2), 1), ((9, 2, 4), 3)]
STEPS = "discounts boundaries"
CASES = [
    ("gae", "rewards=team values=team next_values=team discounts boundaries lambda_"),
    ("gpae", "rewards=team values next_values discounts boundaries traces"),
    ("gpae", "rewards=agents values next_values discounts boundaries traces=lambda_"),
    ("gpae", "rewards=team values next_values discounts boundaries traces bootstrap_weights"),
    ("coma", "action_values probabilities actions"),
    *(
        ("dae", f"rewards=team expected_rewards {values} discounts boundaries {trace} beta")
        for values in ("values=team next_values=team", "values next_values")
        for trace in ("lambda_", "lambda_=traces")
    ),
    *(
        (name, f"rewards=team values {control}={of} next_state_values={of} {STEPS} {trace}")
        for name, control in (("v_bootstrapped", "state_values"), ("q_corrected", "action_values"))
        for of in ("team", "agents")
        for trace in ("traces", "traces=lambda_")
    ),
    ("decomposed_values", "state_values=team terms=values"),
    *(("traces", f"scheme={scheme} log_ratios lambda_ eta") for scheme in estimators.TRACE_SCHEMES),
    *((f"{name}_truncated_traces", "log_ratios lambda_ eta") for name in ("double", "inner")),
    *((f"{name}_truncated_traces", "log_ratios lambda_") for name in ("joint", "individual")),
    *((f"{name}_traces", "log_ratios lambda_") for name in ("uncorrected", "untruncated")),
    ("bootstrap_weights", "log_ratios boundaries resampled"),
    ("bootstrap_weights", "log_ratios boundaries resampled limit which=joint"),
    ("value_targets", "values advantages log_ratios"),
    ("value_targets", "values advantages log_ratios limit"),
    ("advantage_gap", "advantages agents"),
    ("trace_distances", "coefficients=traces log_ratios"),
]


def experience(shape, agents, seed=0):
    """Named arguments at random: steps end, some for good; some ratios are 0, some very large."""
    rng = np.random.default_rng(seed)
    each, own_actions = (*shape, agents), (*shape, agents, 4)
    boundaries = rng.random(shape) < 0.3
    log_ratios = rng.normal(size=each)
    log_ratios[rng.random(each) < 0.1] = -np.inf
    log_ratios[rng.random(each) < 0.1] = 30.0
    probabilities = rng.random(own_actions)
    return {
        "team": rng.normal(size=shape),
        "agents": rng.integers(-1, agents + 1, shape),
        "per_agent": rng.normal(size=each),
        **{
            name: rng.normal(size=each)
            for name in ("values", "next_values", "expected_rewards", "advantages")
        },
        "discounts": np.where(boundaries & (rng.random(shape) < 0.5), 0.0, 0.97),
        "boundaries": boundaries,
        "resampled": rng.random(shape) < 0.3,
        "log_ratios": log_ratios,
        "traces": rng.random(each),
        "bootstrap_weights": rng.random(each) * 2.0,
        "action_values": rng.normal(size=own_actions),
        "probabilities": probabilities / probabilities.sum(-1, keepdims=True),
        "actions": rng.integers(-1, 5, each),
        "lambda_": 0.9,
        "beta": 0.6,
        "eta": 1.3,
        "limit": 2.5,
    }


def arguments(words, shape, agents, dtype):
    """The arguments that words name: ``values``, or ``values=team`` for one under another name."""
    given, found = experience(shape, agents), {}
    for word in words.split():
        name, _, source = word.partition("=")
        if name == "which":
            found["actions"] = source
            continue
        if name == "scheme":
            found[name] = source
            continue
        source = "per_agent" if source == "agents" else source or name
        value = given[source]
        is_real = isinstance(value, np.ndarray) and value.dtype == np.float64
        found[name] = value.astype(dtype) if is_real else value
    return found


def leaves(result):
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("shape", "agents"), SHAPES, ids=str)
@pytest.mark.parametrize(("name", "words"), CASES, ids=lambda case: case)
def test_results_are_those_of_jax(as_tensors, name, words, shape, agents, dtype):
    if name == "advantage_gap" and agents == 1:
        pytest.skip("a gap needs two agents")
    given = arguments(words, shape, agents, dtype)
    with jax.enable_x64(dtype == "float64"):
        expected = [np.asarray(leaf) for leaf in leaves(getattr(estimators, name)(**given))]
    found = leaves(getattr(on_tensors, name)(**as_tensors(given)))
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert str(ours.dtype) == f"torch.{dtype}" == f"torch.{theirs.dtype}"
        scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=1.0)
        np.testing.assert_allclose(ours.numpy(), theirs, rtol=0, atol=TOLERANCE[dtype] * scale)


def test_every_function_is_there_and_compared():
    functions = {name for name in estimators.__all__ if callable(getattr(estimators, name))}
    elsewhere = {"LogRatios", "TraceScheme", "find_trace_scheme", "register_trace_scheme"}
    elsewhere |= {"Bootstrap"}
    assert set(on_tensors.__all__) == functions - elsewhere
    assert {name for name, _ in CASES} == set(on_tensors.__all__)


def test_results_carry_no_gradient():
    given = arguments("values advantages log_ratios", (4, 2), 3, "float32")
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in given.items()}
    log_ratios, flags = tensors["log_ratios"], torch.zeros(4, 2, dtype=torch.bool)
    for result in (
        on_tensors.value_targets(**tensors),
        on_tensors.traces("double", log_ratios, 0.9),
        on_tensors.bootstrap_weights(log_ratios, flags, flags),
    ):
        assert type(result) is torch.Tensor
        assert not result.requires_grad


def test_what_lies_beyond_a_boundary_counts_for_nothing():
    values = torch.tensor([[0.5], [torch.nan]])
    flags = torch.tensor([True, False])
    ones = torch.ones(2)
    advantages = on_tensors.gpae(ones, values, torch.ones(2, 1), 0.5 * ones, flags, 1.0)
    assert advantages[0, 0] == 1.0
    assert advantages[1].isnan().all()


def test_a_scheme_of_one_s_own_is_known_here_too(monkeypatch):
    from gpae.estimators import trace_schemes

    monkeypatch.setattr(trace_schemes, "_SCHEMES", dict(trace_schemes._SCHEMES))

    @trace_schemes.register_trace_scheme("half", formula="sqrt(min(2, rho^i))", source="a test")
    def half(ratios, eta):
        library = ratios.own.__array_namespace__()
        return 0.5 * library.minimum(library.log(2.0), ratios.own)

    log_ratios = np.log(np.array([[0.25, 1.0, 9.0]]))
    found = on_tensors.traces("half", torch.tensor(log_ratios), 0.5)
    np.testing.assert_allclose(found, [[0.25, 0.5, np.sqrt(0.5)]], rtol=1e-14)


def test_an_empty_window_has_no_advantages():
    empty, flags = torch.zeros(0, 2), torch.zeros(0, 2, dtype=torch.bool)
    assert on_tensors.gae(empty, empty, empty, empty, flags, 0.9).shape == (0, 2)


def test_the_example_of_the_module():
    found = doctest.testmod(on_tensors)
    assert (found.failed, found.attempted) == (0, 3)
