"""What a Q-learning method is given by its class, and what it refuses."""

import pytest

from gpae.config.checks import check
from gpae.config.compose import compose, from_dict, to_dict
from gpae.errors import UserError
from gpae.methods import METHODS


@pytest.mark.parametrize("preset", ["jaxmarl", "release"])
@pytest.mark.parametrize("name", ["vdn", "qmix"])
def test_the_published_settings_hold_over_every_preset(name, preset):
    config = compose([f"method={name}", f"preset={preset}"])
    method, update, network = config.method, config.update, config.network
    assert isinstance(method, METHODS[name])
    assert (config.rollout.environments, config.rollout.steps, config.discount) == (16, 128, 0.99)
    assert (method.buffer_size, method.batch_size, method.learning_starts) == (5000, 32, 10_000)
    assert (method.epsilon_start, method.epsilon_finish, method.epsilon_decay) == (1.0, 0.05, 0.1)
    assert (method.target_interval, method.target_rate, method.double_q) == (10, 1.0, True)
    assert method.reward_scale == 10.0
    assert (update.epochs, update.learning_rate, update.max_gradient_norm) == (8, 5e-5, 10.0)
    assert (update.adam_epsilon, update.anneal_learning_rate) == (1e-8, False)
    assert (network.core, network.hidden_size) == ("gru", 512)
    assert (network.layer_norm, network.head_hidden, network.actor_agent_id) == (False, False, True)


def test_the_published_mixer():
    method = compose(["method=qmix"]).method
    assert (method.mixing_size, method.hypernetwork_size, method.mixer_scale) == (64, 256, 0.001)


@pytest.mark.parametrize("name", [name for name in METHODS if METHODS[name].family == "q_learning"])
def test_a_configuration_survives_the_run_folder(name):
    config = compose([f"method={name}", "method.batch_size=8", "update.learning_rate=1e-3"])
    assert from_dict(to_dict(config)) == config


@pytest.mark.parametrize(
    "override",
    [
        "window.length=4",
        "window.mode=growing_batch",
        "update.clip=0.2",
        "update={clip: 0.2}",
        "update.minibatches=2",
        "update.chunk=16",
        "update.entropy_coefficient=0.01",
        "update.value_coefficient=1.0",
        "network.critic_embedding_size=64",
    ],
)
def test_settings_that_would_be_ignored_are_refused(override):
    name = override.replace("={", ".").partition("=")[0].partition(":")[0]
    with pytest.raises(UserError, match=f"^{name} has no meaning with method=qmix"):
        compose(["method=qmix", override])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["evaluation.mode=both"], "evaluation.mode=both has no meaning with method=vdn"),
        (["evaluation.mode=sampled"], "evaluation.mode=sampled has no meaning with method=vdn"),
        (["method.epsilon_start=1.5"], "method.epsilon_start=1.5 must be from 0 to 1"),
        (["method.target_rate=0"], "method.target_rate=0.0 must be above 0 and at most 1"),
        (["method.target_interval=0"], "method.target_interval=0 must be a whole number"),
        (["method.batch_size=0"], "method.batch_size=0 must be a whole number"),
        (["method.reward_scale=-1"], "method.reward_scale=-1.0 must be positive"),
        (["method.buffer_size=15"], "method.buffer_size=15 is too small"),
        (["method.buffer_size=31"], "method.buffer_size=31 is too small"),
        (["total_env_steps=8192"], "total_env_steps=8192 ends before learning begins"),
        (["method.learning_starts=0", "total_env_steps=2048"], "method.batch_size=32 trajectories"),
        (
            ["rollout.environments=7", "run.devices=2"],
            "rollout.environments=7 must be divisible by run.devices=2: try 8",
        ),
        (
            ["method.batch_size=9", "run.devices=2"],
            "method.batch_size=9 must be divisible by run.devices=2: try 8",
        ),
        (["task=mabrax/ant-4x2"], "method=vdn needs discrete actions"),
    ],
)
def test_one_line_says_what_cannot_be(overrides, message):
    with pytest.raises(UserError) as caught:
        compose(["method=vdn", *overrides])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_just_suffices_is_allowed():
    check(compose(["method=vdn", "total_env_steps=8193"]))
    check(compose(["method=vdn", "method.buffer_size=32", "run.devices=2"]))
    check(compose(["method=vdn", "rollout.environments=6", "method.batch_size=7"]))
