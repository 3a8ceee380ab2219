"""Credit of a run: the truth at states of its own, and estimators beside it."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from gpae.config.schema import Config
from gpae.credit import (
    CreditStates,
    EstimatorSamples,
    Judged,
    TrueCredit,
    act,
    allowed_estimators,
    collect_forced_states,
    pick_states,
    sample_judged,
    true_credit,
)
from gpae.credit.comparison import Row, calibrate, compare_estimators, compare_gradients
from gpae.credit.gradients import GradientMoments, gradient_moments, score_products
from gpae.environments import Environment
from gpae.environments.host import require_in_jax
from gpae.errors import UserError
from gpae.estimators import advantage_gap
from gpae.runs.credit_critics import CriticTraining, choose_critics, told, train_chosen
from gpae.runs.folder import RunFolder
from gpae.runs.learnt_params import learnt_params
from gpae.runs.system import System
from gpae.training.policy_gradient import PolicyGradientLearner

REFERENCE = "mappo"
"""The estimator, GAE, that others' gradients are held against where it is among them."""


@dataclass(frozen=True)
class CreditSettings:
    """The size of a measurement.

    Attributes:
        states: Number of states.
        repetitions: Repetitions of the simulated truth.
        samples: Fresh samples of each estimator.
        seed: From which all keys follow.
        training: The critics to train on the same data, beside the run's own.
    """

    states: int = 64
    repetitions: int = 64
    samples: int = 32
    seed: int = 0
    training: CriticTraining = field(default_factory=CriticTraining)


@dataclass(frozen=True)
class CreditReport:
    """A run's credit measured.

    Attributes:
        settings: The size of the measurement.
        update: The update whose parameters were measured.
        truth: The simulated truth.
        samples: The estimators' advantages and baselines, by the name of their critics.
        gradients: The moments of the policy gradient by each estimator.
        rows: Statistics by estimator, and of the truth.
        forced: The same over the states in which an action was replaced; empty without any.
        calibration: Slope, intercept and R^2 of the true EQ^i on each critic's baselines.
        gradient_steps: Those that each trained critic has made.
        seconds: Time taken by each part, compilation included.
    """

    settings: CreditSettings
    update: int
    truth: TrueCredit
    samples: dict[str, EstimatorSamples]
    gradients: dict[str, GradientMoments]
    rows: dict[str, Row]
    forced: dict[str, Row]
    calibration: dict[str, Row]
    gradient_steps: dict[str, int]
    seconds: dict[str, float]

    @property
    def advantages(self) -> dict[str, Float[np.ndarray, "S R N"]]:
        """The advantages of all estimators."""
        return _together(self.samples)

    def summary(self) -> dict[str, Any]:
        """Everything but the arrays, for JSON; numbers that do not exist are None."""
        content = {
            "settings": asdict(self.settings),
            "update": self.update,
            "estimators": self.rows,
            "forced": self.forced,
            "calibration": self.calibration,
            "gradient_steps": self.gradient_steps,
            "cut_off": self.truth.cut_off,
            "seconds": self.seconds,
        }
        return jax.tree.map(lambda leaf: None if leaf != leaf else leaf, content)

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays at every state, by name, for other statistics."""
        truth = self.truth
        measured = {
            name: getattr(truth, name)
            for name in ("state_values", "joint_action_values", "expected_values", "advantages")
        }
        found = {"truth/acting": truth.acting}
        for name, each in measured.items():
            found |= {f"truth/{name}": each.mean, f"truth/{name}_error": each.standard_error}
        found |= {f"advantages/{name}": each for name, each in self.advantages.items()}
        found |= {
            f"baselines/{name}": each.baselines.mean(1) for name, each in self.samples.items()
        }
        for name, moments in self.gradients.items():
            found |= {
                f"gradient_square/{name}": moments.square,
                f"gradient_variance/{name}": moments.variance,
            }
        return {name: _compact(each) for name, each in found.items()}


def _compact(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def _together(samples: Mapping[str, EstimatorSamples]) -> dict[str, Float[np.ndarray, "S R N"]]:
    return {name: each for group in samples.values() for name, each in group.advantages.items()}


def measure_credit(
    config: Config,
    folder: RunFolder,
    settings: CreditSettings,
    *,
    checkpoint: int | None,
    say: Any,
) -> CreditReport:
    """Measure the true credit of a run's policies, and estimators on the same states.

    Args:
        config: The run's configuration.
        folder: The run's folder; nothing is written to it.
        settings: The size of the measurement.
        checkpoint: Which checkpoint; the newest when None.
        say: Called with lines about the progress.

    Raises:
        UserError: The method has no advantages, a critic to train does not exist or fit, or there
            is no usable checkpoint.
    """
    choices = choose_critics(config, settings.training)
    learner, params, update = _restored(config, folder, checkpoint)
    play = act(learner, params, seed=settings.seed)
    states = pick_states(play, settings.states)
    own = f"{config.method.name} of the run" if choices else config.method.name
    seconds: dict[str, float] = {}
    begun = time.monotonic()

    def finished(part: str) -> None:
        seconds[part] = time.monotonic() - begun - sum(seconds.values())

    judged = {own: _own(config, learner, params, states, own)}
    judged |= train_chosen(choices, learner, params, settings.training, play, settings.states, say)
    finished("critics")
    truth = _truth(learner, params, states, settings, say)
    finished("truth")
    samples = _samples(config, judged, settings, say)
    finished("estimators")
    gradients = _gradients(config, judged, settings, say)
    finished("gradients")
    forced = np.any(np.asarray(states.forced), axis=-1, keepdims=True)[:, 0]
    return CreditReport(
        settings=settings,
        update=update,
        truth=truth,
        samples=samples,
        gradients=gradients,
        rows=_rows(samples, gradients, truth),
        forced=compare_estimators(_together(samples), truth, forced) if forced.sum() > 1 else {},
        calibration={name: calibrate(each, truth) for name, each in samples.items()},
        gradient_steps={choice.label: choice.gradient_steps for choice in choices},
        seconds=seconds,
    )


def _rows(
    samples: Mapping[str, EstimatorSamples],
    gradients: Mapping[str, GradientMoments],
    truth: TrueCredit,
) -> dict[str, Row]:
    """Statistics of every estimator's advantages and of its policy gradient, at all states."""
    everywhere = np.ones(len(truth.advantages.mean), bool)
    rows = compare_estimators(_together(samples), truth, everywhere)
    for name, row in compare_gradients(gradients, REFERENCE).items():
        rows[name] |= row
    return rows


def _truth(
    learner: PolicyGradientLearner,
    params: Any,
    states: CreditStates,
    settings: CreditSettings,
    say: Any,
) -> TrueCredit:
    return simulate_truth(
        learner, params, states, repetitions=settings.repetitions, seed=settings.seed, say=say
    )


def measure_forced_gap(
    config: Config, folder: RunFolder, settings: CreditSettings, *, say: Any
) -> dict[str, float]:
    """The advantage gap at forced actions (section 3.1), true and estimated, of a run's end.

    Args:
        config: The run's configuration, of a task that forces actions.
        folder: The run's folder; nothing is written to it.
        settings: The size of the measurement; there may be fewer states with a forced action.
        say: Called with lines about the progress.

    Returns:
        ``true_gap``, by simulation, and its standard error over states, ``estimated_gap``, the
        mean of the method's own estimator at the same states, and the number of ``states``.

    Raises:
        UserError: The method has no advantages, no action was forced, or there is no usable
            checkpoint.
    """
    learner, params, _ = _restored(config, folder, None)
    states = collect_forced_states(learner, params, count=settings.states, seed=settings.seed)
    agents = jax.numpy.asarray(states.forced).argmax(-1)
    truth = _truth(learner, params, states, settings, say)
    name = config.method.name
    judged = {name: _own(config, learner, params, states, name)}
    samples = _samples(config, judged, settings, say)
    own = samples[name].advantages[name].mean(1)
    gap = np.asarray(advantage_gap(jax.numpy.asarray(truth.advantages.mean), agents))
    estimated = np.asarray(advantage_gap(jax.numpy.asarray(own), agents))
    return {
        "true_gap": float(gap.mean()),
        "standard_error": float(gap.std(ddof=1) / len(gap) ** 0.5) if len(gap) > 1 else 0.0,
        "estimated_gap": float(estimated.mean()),
        "states": float(len(gap)),
    }


def require_advantages(config: Config) -> None:
    """Refuse a run whose method estimates no advantages.

    Raises:
        UserError: It does not.
    """
    if config.method.family != "policy_gradient":
        raise UserError(
            f"{config.method.name} estimates no advantages: there is no credit to judge"
        )


def require_team_reward(config: Config, environment: Environment) -> None:
    """Refuse an environment of whose agents no true credit can be simulated.

    Raises:
        UserError: Each agent has a reward of its own, or the environment is on the host.
    """
    require_in_jax(environment, "credit is measured by going back to states")
    if environment.spec.agent_rewards:
        raise UserError(
            f"{config.task_name} pays each agent a reward of its own: credit is measured for one "
            "team reward"
        )


def _restored(config: Config, folder: RunFolder, checkpoint: int | None) -> tuple[Any, Any, int]:
    """The learner of a run, the parameters of a checkpoint, and its update."""
    require_advantages(config)
    system = System(config)
    require_team_reward(config, system.environment)
    shapes = system.population.state_shapes.params
    params, update = learnt_params(folder, shapes, checkpoint=checkpoint)
    return system.learner, jax.tree.map(jax.numpy.asarray, params), update


def simulate_truth(
    learner: PolicyGradientLearner,
    params: Any,
    states: CreditStates,
    *,
    repetitions: int,
    seed: int,
    say: Any,
) -> TrueCredit:
    """The true credit at states of a run, a line of progress for every tenth of the work.

    Args:
        learner: The constants of the run.
        params: The parameters of its networks, by the network's name.
        states: The states.
        repetitions: Repetitions of the simulation.
        seed: From which the keys follow.
        say: Called with the lines.

    Raises:
        UserError: The discount is 1, so that no later step becomes negligible.
    """
    if learner.estimation.discount == 1:
        raise UserError(
            "true credit is simulated until the discount is negligible: discount=1 is not"
        )
    return true_credit(
        learner.collection.environment,
        learner.actor,
        params["actor"],
        states,
        discount=learner.estimation.discount,
        repetitions=repetitions,
        rows=2048,
        seed=seed,
        progress=told(say, "truth"),
    )


def _own(
    config: Config, learner: PolicyGradientLearner, params: Any, states: CreditStates, name: str
) -> Judged:
    """The run's own networks, and all estimators that they allow; its own has the given name."""
    method = learner.estimation.method
    estimators = allowed_estimators(
        method, learner.collection.environment.spec, learner.network, config.update
    )
    return Judged(
        learner,
        params,
        states,
        {each.replace(method.name, name, 1): estimators[each] for each in estimators},
    )


def _samples(
    config: Config,
    judged: Mapping[str, Judged],
    settings: CreditSettings,
    say: Any,
    *,
    fresh_actions: bool = False,
) -> dict[str, EstimatorSamples]:
    samples = sample_judged(
        list(judged.values()),
        repetitions=settings.samples,
        steps=config.rollout.steps,
        seed=settings.seed,
        fresh_actions=fresh_actions,
        progress=told(say, "gradients" if fresh_actions else "estimators"),
    )
    return dict(zip(judged, samples, strict=True))


def _gradients(
    config: Config, judged: Mapping[str, Judged], settings: CreditSettings, say: Any
) -> dict[str, GradientMoments]:
    """Moments of the policy gradient by each estimator, with fresh joint actions."""
    samples = _samples(config, judged, settings, say, fresh_actions=True)
    first = next(iter(judged.values()))
    actions = next(iter(samples.values())).actions
    products = score_products(
        first.learner.actor, first.params["actor"], first.states, jax.numpy.asarray(actions)
    )
    return {name: gradient_moments(products, each) for name, each in _together(samples).items()}
