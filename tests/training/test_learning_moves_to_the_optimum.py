"""Sign tests: every method, window and correction learns the two-step game, credit delayed and all.

A myopic team ends at 1.0, a random one begins near 0.6; only a return near 1.8 is learnt.
"""

import jax
import numpy as np
import pytest

from gpae.methods import METHODS, Q_METHODS, Coma, Dae, Gpae, Ippo, Mappo
from gpae.training.sharding import Runner

UPDATES = 40
SETTINGS = {
    "environments": 32,
    "steps": 8,
    "updates": UPDATES,
    "discount": 0.99,
    "kind": "feedforward",
    "epochs": 4,
    "learning_rate": 1e-2,
}

COUNTERFACTUAL = {"minibatches": 8, "learning_rate": 5e-3, "entropy_coefficient": 0.1}
"""COMA's first advantages are those of a critic that knows nothing, normalised: it needs patience.

Without an entropy bonus it may settle on whatever that critic happened to favour.
"""

ON_POLICY = {
    name: (METHODS[name](), COUNTERFACTUAL if name == "coma" else {})
    for name in METHODS.keys() - set(Q_METHODS)
}
OFF_POLICY = {
    "gpae recurrent, constant batch in minibatches and chunks": (
        Gpae(),
        {"mode": "constant_batch", "kind": "recurrent", "minibatches": 2, "chunk": 4},
    ),
    "gpae growing batch, joint, corrected": (
        Gpae(traces="joint", bootstrap="corrected"),
        {"mode": "growing_batch"},
    ),
    "gpae individual, corrected with a limit": (
        Gpae(traces="individual", bootstrap="corrected", bootstrap_limit=2.0, own_slot="zeros"),
        {"mode": "constant_batch"},
    ),
    "gpae uncorrected": (Gpae(traces="none"), {"mode": "growing_batch"}),
    "mappo team value, growing batch": (
        Mappo(agent_values=False),
        {"mode": "growing_batch"},
    ),
    "mappo agent values, double": (
        Mappo(agent_values=True, traces="double"),
        {"mode": "constant_batch"},
    ),
    "coma growing batch, corrected": (
        Coma(bootstrap="corrected"),
        {"mode": "growing_batch", **COUNTERFACTUAL},
    ),
    "dae": (Dae(), {"mode": "constant_batch"}),
    "ippo": (Ippo(), {"mode": "growing_batch"}),
}


def returns_of(setup, device):
    """Mean return of the episodes of each update's rollouts."""
    runner = Runner(setup, (device,), UPDATES)
    _, totals, scalars = runner.run(runner.initial_state(0), UPDATES)
    assert all(np.isfinite(values).all() for values in jax.tree.leaves(scalars))
    return totals.sums["episode_return"] / totals.count


def assert_learns(returns, game):
    assert returns[0] < game.myopic
    assert returns[-5:].mean() > game.best - 0.1


@pytest.mark.parametrize("name", sorted(ON_POLICY))
def test_every_method_learns_on_policy(learner, two_steps, cpu_devices, name):
    method, extra = ON_POLICY[name]
    setup = learner(two_steps, method, **{**SETTINGS, **extra})
    assert_learns(returns_of(setup, cpu_devices[0]), two_steps)


@pytest.mark.parametrize("name", OFF_POLICY)
def test_a_window_of_four_learns(learner, two_steps, cpu_devices, name):
    method, extra = OFF_POLICY[name]
    setup = learner(two_steps, method, window=4, **{**SETTINGS, **extra})
    assert_learns(returns_of(setup, cpu_devices[0]), two_steps)
