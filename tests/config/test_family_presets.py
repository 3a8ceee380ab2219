"""Which preset a task is trained with where none is asked for."""

import pytest

from gpae.config.compose import compose, expand_sweep
from gpae.errors import UserError
from gpae.methods import METHODS


def test_mabrax_is_trained_with_the_releases_settings_for_it():
    config = compose(["task=mabrax/hopper-3x1"])
    rollout, update, network = config.rollout, config.update, config.network
    assert (rollout.environments, rollout.steps) == (64, 128)
    assert (update.learning_rate, update.epochs, update.minibatches) == (1e-3, 5, 1)
    assert (update.entropy_coefficient, update.huber_delta) == (0.01, 10.0)
    assert (network.core, network.actor_agent_id) == ("feedforward", True)
    assert config.method.eta == 1.05


def test_other_families_are_trained_with_jaxmarls():
    config = compose(["task=smax/1s1z"])
    assert config == compose(["task=smax/1s1z", "preset=jaxmarl"])
    assert (config.method.eta, config.update.huber_delta) == (1.02, 0.0)


def test_a_preset_that_is_asked_for_wins():
    config = compose(["preset=jaxmarl", "task=mabrax/hopper-3x1"])
    assert (config.rollout.environments, config.method.eta) == (128, 1.02)
    assert compose(["task=mabrax/hopper-3x1", "method.eta=1.5"]).method.eta == 1.5


def test_every_task_of_a_sweep_has_its_own():
    jobs = expand_sweep(["task=smax/3m,mabrax/ant-4x2,mabrax/humanoid-9|8", "seed=3"])
    configs = [compose(job) for job in jobs]
    assert [config.network.core for config in configs] == ["gru", "feedforward", "feedforward"]
    assert configs[2].task_name == "mabrax/humanoid-9|8"


@pytest.mark.parametrize("quoted", ["mabrax/humanoid-9|8", "'mabrax/humanoid-9|8'"])
def test_an_alias_is_the_same_configuration(quoted):
    assert compose([f"task={quoted}"]) == compose(["task=mabrax/humanoid-9-8"])


@pytest.mark.parametrize(
    "method", [name for name in METHODS if METHODS[name].family == "policy_gradient"]
)
def test_every_method_composes_with_the_preset(method):
    config = compose(["task=mabrax/ant-4x2", f"method={method}"])
    assert config.method.name == method
    assert config.update.huber_delta == 10.0


def test_a_negative_huber_delta_is_refused():
    with pytest.raises(UserError, match=r"update.huber_delta=-1.0 must be finite and not negative"):
        compose(["update.huber_delta=-1"])
