"""Numeric settings are data: runs of different numbers share a program and equal runs alone."""

import dataclasses

import jax
import numpy as np
import pytest

from gpae.fields import data_of, fraction, with_data
from gpae.methods import METHODS, Dae, Gpae, Mappo, QCorrected, Qmix, UpdateSettings, Vdn
from gpae.training.hyperparameters import NumericSettings
from gpae.training.population import Population

UPDATES = 3

pytestmark = pytest.mark.usefixtures("compile_quickly")


def test_floats_are_data_unless_they_are_static():
    assert [*data_of(UpdateSettings())] == [
        "clip",
        "value_coefficient",
        "entropy_coefficient",
        "learning_rate",
        "adam_epsilon",
        "max_gradient_norm",
    ]
    assert [*data_of(Gpae())] == ["lambda_", "eta", "bootstrap_limit", "target_limit"]
    assert "mixer_scale" not in data_of(Qmix())
    assert "beta" in data_of(Dae())


@pytest.mark.parametrize("name", list(METHODS))
def test_what_is_data_is_a_float(name):
    method = METHODS[name]
    kinds = {each.name: each.type for each in dataclasses.fields(method)}
    assert data_of(method())
    assert {kinds[each] for each in data_of(method())} == {float}


def test_other_numbers_in_the_same_settings():
    settings = NumericSettings(Gpae(), UpdateSettings(), 0.9)
    values = settings.values()
    assert values["discount"] == np.float32(0.9)
    assert values["method.eta"] == np.float32(1.02)
    changed = settings.with_values(values | {"update.clip": 0.3, "discount": 0.5})
    assert (changed.update.clip, changed.discount, changed.method.own_slot) == (0.3, 0.5, "policy")
    assert settings.update.clip == 0.2
    with pytest.raises(ValueError, match="expected values of"):
        settings.with_values({"discount": 0.5})
    with pytest.raises(ValueError, match="expected values of"):
        with_data(UpdateSettings(), data_of(UpdateSettings()) | {"epochs": 3})


@dataclasses.dataclass
class Plain:
    share: float = fraction(0.5, static=True)
    other: float = 0.5


def test_static_numbers_and_plain_ones_are_no_data():
    assert data_of(Plain()) == {}


OF_UPDATE = {
    "clip": (0.1, 0.3),
    "value_coefficient": (0.5, 1.0),
    "entropy_coefficient": (0.0, 0.05),
    "learning_rate": (3e-3, 1e-3),
    "adam_epsilon": (1e-5, 1e-3),
    "max_gradient_norm": (0.25, 10.0),
}
"""Different numbers of two runs."""

POLICY_GRADIENTS = {
    "gpae": (
        Gpae(bootstrap="corrected"),
        {
            "lambda_": (0.95, 0.5),
            "eta": (1.02, float("inf")),
            "bootstrap_limit": (float("inf"), 1.5),
            "target_limit": (1.0, 3.0),
        },
    ),
    "mappo": (Mappo(), {"lambda_": (0.9, 1.0), "eta": (1.02, 1.3)}),
    "dae": (Dae(), {"lambda_": (0.9, 0.0), "eta": (1.02, 1.3), "beta": (0.0, 0.8)}),
    "q_corrected": (
        QCorrected(),
        {"lambda_": (0.9, 0.7), "eta": (1.02, 1.3), "target_limit": (1.0, float("inf"))},
    ),
}

Q_METHOD = {
    "reward_scale": (10.0, 1.0),
    "epsilon_start": (1.0, 0.5),
    "epsilon_finish": (0.05, 0.1),
    "epsilon_decay": (0.5, 0.0),
    "target_rate": (1.0, 0.3),
}

DISCOUNTS = (0.9, 0.5)


def numbers(method, of_method, number):
    """The settings of one of the two runs."""
    chosen = {name: values[number] for name, values in of_method.items()}
    assert chosen.keys() == data_of(method).keys()
    update = {name: values[number] for name, values in OF_UPDATE.items()}
    return dataclasses.replace(method, **chosen), update, DISCOUNTS[number]


def require_the_runs_alone(make, method, of_method, devices, **settings):
    """Two runs of different settings, together and each by a program with its numbers in it."""
    learners = []
    for number in range(2):
        own_method, own_update, discount = numbers(method, of_method, number)
        same = {"steps": 4, "core": "feedforward", "discount": discount, **settings}
        learners.append(make(method=own_method, network={"hidden_size": 4}, **same, **own_update))
    together = Population(
        learners[0],
        devices[:1],
        UPDATES,
        runs=2,
        hyperparameters=[each.hyperparameters for each in learners],
    )
    state, metrics = together.run(together.initial_state(0, 0), UPDATES)
    parts, of_parts = together.split(state), together.split_metrics(metrics)
    for number, learner in enumerate(learners):
        constant = dataclasses.replace(learner, remake=lambda numbers, same=learner: same)
        alone = Population(constant, devices[:1], UPDATES)
        state, metrics = alone.run(alone.initial_state(0), UPDATES)
        (expected,), (of_expected,) = alone.split(state), alone.split_metrics(metrics)
        jax.tree.map(close, parts[number].params, expected.params)
        jax.tree.map(close, of_parts[number], of_expected)
    changes = jax.tree.map(lambda a, b: np.abs(a - b).max(), *(part.params for part in parts))
    assert max(jax.tree.leaves(changes)) > 1e-4, "the settings make a difference"


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "gpae",
        *(pytest.param(n, marks=pytest.mark.exhaustive) for n in POLICY_GRADIENTS if n != "gpae"),
    ],
)
def test_policy_gradients_of_different_settings(name, learner, cpu_devices):
    method, of_method = POLICY_GRADIENTS[name]
    require_the_runs_alone(learner, method, of_method, cpu_devices, window=2)


@pytest.mark.slow
def test_anneal_is_over_the_same_updates(learner):
    made = learner(learning_rate=1e-2).with_hyperparameters(
        learner(learning_rate=1e-3).hyperparameters
    )
    assert made.budget == learner().budget
    assert float(made.gradient.settings.learning_rate) == pytest.approx(1e-3)


@pytest.mark.slow
def test_q_learners_of_different_settings(learner, cpu_devices):
    method = Vdn(batch_size=4, buffer_size=12, learning_starts=0, target_interval=1)
    require_the_runs_alone(learner, method, Q_METHOD, cpu_devices)
