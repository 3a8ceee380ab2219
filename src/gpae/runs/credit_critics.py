"""Critics of other methods and settings, trained on the data of one run's policy."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np
import yaml

from gpae.config.compose import from_dict, to_dict
from gpae.config.schema import Config
from gpae.credit import Judged, Play, pick_states, with_hidden_states_of
from gpae.credit.critics import PolicyBatch, collect_batches, critic_learner, train_critics
from gpae.credit.pairs import Progress
from gpae.credit.samples import with_limits_of_lambda
from gpae.errors import UserError, did_you_mean
from gpae.methods import METHODS, PolicyGradientMethod
from gpae.networks import NetworkSettings
from gpae.training.policy_gradient import PolicyGradientLearner

GROUPS = ("method", "network", "update")
"""The settings that a critic may have of its own."""


@dataclass(frozen=True)
class CriticTraining:
    """Critics to train on the same data.

    Attributes:
        critics: A method each, and settings of its own after it, where they differ from the run's:
            ``gpae network.hidden_size=256``.
        batches: Rollouts of the run's policy to learn from.
        gradient_steps: Gradient steps to make with the run's epochs and minibatches; None for one
            visit of each batch.
        seed: From which the data, the first parameters and the minibatches' order follow.
    """

    critics: tuple[str, ...] = ()
    batches: int = 64
    gradient_steps: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class CriticChoice:
    """One critic to train.

    Attributes:
        label: Its method and settings, as they were asked for.
        config: The run's configuration with these.
        visits: Number of batches to learn from, each as often as it takes.
    """

    label: str
    config: Config
    visits: int

    @property
    def gradient_steps(self) -> int:
        """The gradient steps that it makes."""
        return self.visits * _steps_a_visit(self.config)


def choose_critics(config: Config, training: CriticTraining) -> list[CriticChoice]:
    """The configurations of the critics asked for, checked.

    Args:
        config: The run's configuration.
        training: The critics, and the size of their training.

    Raises:
        UserError: A method or setting does not exist, does not fit, or is not of a critic.
    """
    steps = _steps_a_visit(config)
    visits = -(-(training.gradient_steps or training.batches * steps) // steps)
    labels = dict.fromkeys(" ".join(each.split()) for each in training.critics)
    return [CriticChoice(label, _config_of(config, label), visits) for label in labels]


def _steps_a_visit(config: Config) -> int:
    return config.update.epochs * config.update.minibatches


def _config_of(config: Config, text: str) -> Config:
    name, *overrides = text.split()
    if name not in METHODS or not issubclass(METHODS[name], PolicyGradientMethod):
        raise UserError(f"no critic {name!r}{did_you_mean(name, METHODS)}: name a method with one")
    values = to_dict(config)
    if name != config.method.name:
        values["method"] = {**asdict(METHODS[name]()), "lambda_": values["method"].get("lambda_")}
    for override in overrides:
        _override(values, override)
    return from_dict(values)


def _override(values: dict[str, Any], text: str) -> None:
    setting, _, value = text.partition("=")
    group, _, field = setting.partition(".")
    if group not in GROUPS or not value or field == "name":
        groups = ", ".join(f"{each}.SETTING=VALUE" for each in GROUPS)
        raise UserError(f"a critic cannot have {text!r}: its own settings are {groups}")
    if field not in values[group]:
        hint = did_you_mean(field, values[group])
        raise UserError(f"no setting {setting!r}{hint} with method={values['method']['name']}")
    values[group][field] = yaml.safe_load(value)


def train_chosen(
    choices: Sequence[CriticChoice],
    learner: PolicyGradientLearner,
    params: Any,
    training: CriticTraining,
    play: Play,
    count: int,
    say: Any,
) -> dict[str, Judged]:
    """Train every critic on the same batches, and find its hidden states at the same states.

    Args:
        choices: The critics.
        learner: The constants of the run.
        params: The run's parameters, of which the actor's count.
        training: The size of the training.
        play: The policy's play that states are picked from.
        count: Number of states to judge at.
        say: Called with lines about the progress.

    Raises:
        UserError: A critic diverged.
    """
    if not choices:
        return {}
    batches = collect_batches(
        learner,
        params,
        count=min(training.batches, max(choice.visits for choice in choices)),
        seed=training.seed,
        progress=told(say, "batches"),
    )
    judged = {}
    for choice in choices:
        made = _trained(choice, learner, params, batches, training.seed, say)
        states = pick_states(with_hidden_states_of(*made, play), count)
        estimators = with_limits_of_lambda(made[0].estimation.method, choice.label)
        judged[choice.label] = Judged(*made, states, estimators)
    return judged


def _trained(
    choice: CriticChoice,
    learner: PolicyGradientLearner,
    params: Any,
    batches: Sequence[PolicyBatch],
    seed: int,
    say: Any,
) -> tuple[PolicyGradientLearner, Any]:
    """The learner of a critic, and its trained parameters beside the run's actor."""
    config = choice.config
    made = critic_learner(
        learner,
        config.method,
        NetworkSettings(**vars(config.network)),
        config.update,
        visits=choice.visits,
    )
    progress = told(say, f"training {choice.label}")
    trained = train_critics(
        made, params, batches, visits=choice.visits, seed=seed, progress=progress
    )
    if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(trained)):
        raise UserError(f"the critic {choice.label!r} diverged: its parameters are not finite")
    return made, trained


def told(say: Any, part: str) -> Progress:
    """Progress in a line for every tenth of the work."""

    def tell(done: int, calls: int) -> None:
        if done * 10 // calls > (done - 1) * 10 // calls:
            say(f"{part}: {done} of {calls} calls")

    return tell
