"""Agreement with rlax's single-agent estimators, the independent implementation to hold on to.

A team of agents that each hold their own value function is, to GPAE, so many single agents with the
same rewards: each column of its result must be what rlax finds for that column.
"""

import jax.numpy as jnp
import numpy as np
import pytest
import rlax

from gpae import estimators

pytestmark = pytest.mark.usefixtures("float64")

STEPS, AGENTS = 40, 3
TIGHT = {"rtol": 1e-10, "atol": 1e-10}


@pytest.fixture(params=[0, 1, 2])
def window(request, make_window):
    """Episodes that terminate or are truncated."""
    return make_window(steps=STEPS, batch=(), agents=AGENTS, seed=request.param)


@pytest.fixture
def contiguous(window):
    """Episodes that only terminate, where each step's next value is the following step's value."""
    window["next_values"] = np.concatenate([window["values"][1:], window["next_values"][-1:]])
    window["boundaries"] = window["discounts"] == 0.0
    return window


def arguments(window):
    names = ("rewards", "values", "next_values", "discounts", "boundaries")
    return {name: window[name] for name in names}


def all_values(window, agent):
    return jnp.append(window["values"][:, agent], window["next_values"][-1, agent])


@pytest.mark.parametrize("lambda_", [0.0, 0.7, 1.0])
def test_gae_and_on_policy_gpae(contiguous, lambda_):
    per_agent = estimators.gpae(**arguments(contiguous), traces=lambda_)
    for agent in range(AGENTS):
        expected = rlax.truncated_generalized_advantage_estimation(
            contiguous["rewards"], contiguous["discounts"], lambda_, all_values(contiguous, agent)
        )
        columns = {name: contiguous[name][:, agent] for name in ("values", "next_values")}
        team = estimators.gae(**arguments(contiguous) | columns, lambda_=lambda_)
        np.testing.assert_allclose(team, expected, **TIGHT)
        np.testing.assert_allclose(per_agent[:, agent], expected, **TIGHT)


def test_gpae_with_any_traces(contiguous):
    # The general off-policy return with q = v is the value plus the advantage.
    traces = np.exp(contiguous["log_ratios"])
    found = estimators.gpae(**arguments(contiguous), traces=traces)
    for agent in range(AGENTS):
        values = all_values(contiguous, agent)
        returns = rlax.general_off_policy_returns_from_q_and_v(
            q_t=values[1:-1],
            v_t=values[1:],
            r_t=jnp.asarray(contiguous["rewards"]),
            discount_t=jnp.asarray(contiguous["discounts"]),
            c_t=jnp.asarray(traces[1:, agent]),
        )
        np.testing.assert_allclose(found[:, agent], returns - values[:-1], **TIGHT)


@pytest.mark.parametrize(
    "truncated",
    [
        estimators.individual_truncated_traces,
        estimators.joint_truncated_traces,
        lambda log_ratios, lambda_: estimators.double_truncated_traces(log_ratios, lambda_, 1.05),
    ],
    ids=["individual", "joint", "double"],
)
def test_value_targets_of_one_agent_are_v_trace(window, truncated):
    # With truncations too: V-trace takes the successors' values, and lambda 0 ends an episode.
    agent = 0
    alone = {
        name: window[name][:, agent : agent + 1] for name in ("values", "next_values", "log_ratios")
    }
    traces = truncated(alone["log_ratios"], 0.9)
    advantages = estimators.gpae(**arguments(window) | arguments(window | alone), traces=traces)
    targets = estimators.value_targets(alone["values"], advantages, alone["log_ratios"])
    errors = rlax.vtrace(
        v_tm1=jnp.asarray(alone["values"][:, 0]),
        v_t=jnp.asarray(alone["next_values"][:, 0]),
        r_t=jnp.asarray(window["rewards"]),
        discount_t=jnp.asarray(window["discounts"]),
        rho_tm1=jnp.exp(alone["log_ratios"][:, 0]),
        lambda_=jnp.where(window["boundaries"], 0.0, 0.9),
    )
    np.testing.assert_allclose((targets - alone["values"])[:, 0], errors, **TIGHT)
