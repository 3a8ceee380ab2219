"""The critics asked for are configurations of the run's own, or refused in a line."""

import pytest

from gpae.config.compose import compose
from gpae.errors import UserError
from gpae.runs.credit_critics import CriticTraining, choose_critics


@pytest.fixture(scope="module")
def config():
    return compose(["method=gpae", "window.length=1", "method.lambda_=0.8", "seed=3"])


def test_a_critic_has_the_runs_settings_but_for_its_own(config):
    texts = ("mappo", "gpae  network.hidden_size=64   update.value_clip=false", "mappo")
    mappo, wide = choose_critics(config, CriticTraining(texts, batches=6))
    assert (mappo.label, wide.label) == (
        "mappo",
        "gpae network.hidden_size=64 update.value_clip=false",
    )
    assert mappo.config.method.name == "mappo"
    assert mappo.config.method.lambda_ == 0.8
    assert mappo.config.network == config.network
    assert wide.config.network.hidden_size == 64
    assert wide.config.update.value_clip is False
    assert wide.config.update.learning_rate == config.update.learning_rate


def test_gradient_steps_are_counted_in_the_runs_epochs_and_minibatches(config):
    """4 epochs of 4 minibatches a visit; a critic of 8 epochs makes twice as many."""
    texts = ("gpae", "gpae update.epochs=8")
    for steps, visits in ((None, 6), (16, 1), (17, 2), (160, 10)):
        once, twice = choose_critics(config, CriticTraining(texts, 6, steps))
        assert (once.visits, once.gradient_steps) == (visits, 16 * visits)
        assert (twice.visits, twice.gradient_steps) == (visits, 32 * visits)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mapo", "no critic 'mapo' (did you mean mappo"),
        ("qmix", "no critic 'qmix'"),
        ("gpae seed=3", "a critic cannot have 'seed=3'"),
        ("gpae network.hidden_size", "a critic cannot have 'network.hidden_size'"),
        ("gpae method.name=mappo", "a critic cannot have 'method.name=mappo'"),
        ("gpae network.hiden_size=3", "no setting 'network.hiden_size' (did you mean hidden_size"),
        ("mappo method.own_slot=zeros", "no setting 'method.own_slot' with method=mappo"),
        ("gpae network.hidden_size=0", "hidden_size"),
        ("gpae update.minibatches=3", "must be divisible"),
        ("gpae network.critic_actions=attention network.share_parameters=false", "shared"),
    ],
)
def test_a_critic_that_cannot_be_is_refused_in_a_line(config, text, message):
    with pytest.raises(UserError) as error:
        choose_critics(config, CriticTraining((text,)))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
