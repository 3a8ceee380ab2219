"""Every estimator under jit, vmap and grad, and in both precisions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae import estimators

WINDOW = ("rewards", "values", "next_values", "discounts", "boundaries")
RATIOS = ("log_ratios",)

CASES = {
    "gae": (
        lambda w, x: estimators.gae(**{n: w[n] for n in WINDOW} | team_values(w), lambda_=x),
        WINDOW,
    ),
    "gpae": (
        lambda w, x: estimators.gpae(
            **{n: w[n] for n in WINDOW},
            traces=x * jnp.exp(w["log_ratios"]),
            bootstrap_weights=w["bootstrap_weights"],
        ),
        (*WINDOW, "bootstrap_weights", "log_ratios"),
    ),
    "gpae_on_policy": (
        lambda w, x: estimators.gpae(**{n: w[n] for n in WINDOW}, traces=x),
        WINDOW,
    ),
    "dae": (
        lambda w, x: estimators.dae(
            **{n: w[n] for n in WINDOW},
            expected_rewards=w["expected_rewards"],
            lambda_=x,
            beta=x / 2,
        ),
        (*WINDOW, "expected_rewards"),
    ),
    "dae_with_traces": (
        lambda w, x: estimators.dae(
            **{n: w[n] for n in WINDOW},
            expected_rewards=w["expected_rewards"],
            lambda_=x * jnp.exp(w["log_ratios"]),
            beta=x / 2,
        ),
        (*WINDOW, "expected_rewards", "log_ratios"),
    ),
    "v_bootstrapped": (
        lambda w, x: estimators.v_bootstrapped(**own(w, "state_values"), traces=x),
        (*WINDOW, "expected_rewards"),
    ),
    "q_corrected": (
        lambda w, x: estimators.q_corrected(
            **own(w, "action_values"), traces=x * jnp.exp(w["log_ratios"])
        ),
        (*WINDOW, "expected_rewards", "log_ratios"),
    ),
    "decomposed": (
        lambda w, x: estimators.decomposed_values(w["rewards"], x * w["values"])[1],
        ("rewards", "values"),
    ),
    "double": (
        lambda w, x: estimators.double_truncated_traces(w["log_ratios"], x, x + 0.5),
        RATIOS,
    ),
    "joint": (lambda w, x: estimators.joint_truncated_traces(w["log_ratios"], x), RATIOS),
    "individual": (lambda w, x: estimators.individual_truncated_traces(w["log_ratios"], x), RATIOS),
    "none": (lambda w, x: estimators.uncorrected_traces(w["log_ratios"], x), RATIOS),
    "inner": (
        lambda w, x: estimators.inner_truncated_traces(w["log_ratios"], x, x + 0.5),
        RATIOS,
    ),
    "untruncated": (lambda w, x: estimators.untruncated_traces(w["log_ratios"], x), RATIOS),
    "by_name": (lambda w, x: estimators.traces("double", w["log_ratios"], x, x + 0.5), RATIOS),
    "weights": (
        lambda w, x: estimators.bootstrap_weights(
            w["log_ratios"], w["boundaries"], w["discounts"] == 0, limit=x + 0.5
        ),
        RATIOS,
    ),
    "targets": (
        lambda w, x: estimators.value_targets(w["values"], x * w["next_values"], w["log_ratios"]),
        ("values", "next_values", "log_ratios"),
    ),
    "coma": (
        lambda w, x: estimators.coma(x * w["action_values"], w["probabilities"], w["actions"]),
        ("action_values", "probabilities"),
    ),
    "gap": (
        lambda w, x: estimators.advantage_gap(x * w["values"], w["actions"][..., 0]),
        ("values",),
    ),
    "distances": (
        lambda w, x: jnp.stack(estimators.trace_distances(x * w["values"], w["log_ratios"])),
        ("values", "log_ratios"),
    ),
}


def own(window, control):
    """The arguments of this library's own estimators."""
    shared = {name: window[name] for name in WINDOW if name != "next_values"}
    following = window["next_values"][..., 0]
    return shared | {control: window["expected_rewards"][..., 0], "next_state_values": following}


def team_values(window):
    return {name: window[name][..., 0] for name in ("values", "next_values")}


def batch_of_windows(make_window, dtype):
    """A window whose leading axis, of size 5, is yet another batch axis: the one to map over."""
    windows = [make_window(steps=4, batch=(2,), agents=3, seed=seed) for seed in range(5)]
    rng = np.random.default_rng(0)
    for window in windows:
        window["action_values"] = rng.normal(size=(4, 2, 3, 3))
        window["probabilities"] = rng.dirichlet(np.ones(3), size=(4, 2, 3))
    stacked = {name: np.stack([window[name] for window in windows]) for name in windows[0]}
    as_dtype = {
        name: jnp.asarray(array, array.dtype if array.dtype == bool else dtype)
        for name, array in stacked.items()
    }
    return as_dtype | {"actions": jnp.asarray(rng.integers(3, size=(5, 4, 2, 3)))}


def one_of(windows, index):
    return jax.tree.map(lambda array: array[index], windows)


@pytest.fixture(scope="module")
def windows(make_window):
    return batch_of_windows(make_window, jnp.float32)


@pytest.mark.parametrize("name", CASES)
def test_jit_with_a_traced_scalar_equals_eager(name, windows):
    estimate, _ = CASES[name]
    window = one_of(windows, 0)
    np.testing.assert_allclose(
        jax.jit(estimate)(window, 0.9), estimate(window, 0.9), rtol=1e-5, atol=1e-5
    )


@pytest.mark.parametrize("name", CASES)
def test_vmap_equals_a_loop_over_windows_and_scalars(name, windows):
    estimate, _ = CASES[name]
    metrics = jnp.linspace(0.1, 0.9, 5)
    mapped = jax.vmap(estimate)(windows, metrics)
    for index in range(5):
        alone = estimate(one_of(windows, index), metrics[index])
        np.testing.assert_allclose(mapped[index], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_results_carry_no_gradient(name, windows):
    estimate, differentiated = CASES[name]
    window = one_of(windows, 0)

    def total(inputs, scalar):
        return estimate(window | inputs, scalar).sum()

    inputs = {n: window[n] for n in differentiated if n != "boundaries"}
    gradients = jax.grad(total, argnums=(0, 1))(inputs, 0.9)
    for gradient in jax.tree.leaves(gradients):
        np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_precision_is_kept(name, dtype, make_window):
    estimate, _ = CASES[name]
    with jax.enable_x64(True):
        window = one_of(batch_of_windows(make_window, dtype), 0)
        assert estimate(window, 0.9).dtype == dtype


def test_lists_and_numpy_arrays_are_accepted(windows):
    estimate, _ = CASES["gpae"]
    window = one_of(windows, 0)
    as_lists = jax.tree.map(lambda array: np.asarray(array).tolist(), window)
    found = estimators.gpae(
        **{name: as_lists[name] for name in WINDOW},
        traces=np.asarray(0.9 * jnp.exp(window["log_ratios"])),
        bootstrap_weights=as_lists["bootstrap_weights"],
    )
    np.testing.assert_allclose(found, estimate(window, 0.9), rtol=1e-5, atol=1e-5)
