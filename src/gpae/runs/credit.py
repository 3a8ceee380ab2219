"""Credit of a run: the truth at states of its own, and its estimators beside it."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np

from gpae.config.schema import Config
from gpae.credit import (
    CreditStates,
    EstimatorSamples,
    TrueCredit,
    allowed_estimators,
    collect_forced_states,
    collect_states,
    sample_estimators,
    true_credit,
)
from gpae.credit.comparison import Row, calibrate_critic, compare_estimators
from gpae.credit.pairs import Progress
from gpae.environments import Environment
from gpae.environments.host import require_in_jax
from gpae.errors import UserError
from gpae.estimators import advantage_gap
from gpae.runs.folder import RunFolder
from gpae.runs.learnt_params import learnt_params
from gpae.runs.system import System
from gpae.training.policy_gradient import PolicyGradientLearner


@dataclass(frozen=True)
class CreditSettings:
    """The size of a measurement.

    Attributes:
        states: Number of states.
        repetitions: Repetitions of the simulated truth.
        samples: Fresh samples of each estimator.
        seed: From which all keys follow.
    """

    states: int = 64
    repetitions: int = 64
    samples: int = 32
    seed: int = 0


@dataclass(frozen=True)
class CreditReport:
    """A run's credit measured.

    Attributes:
        settings: The size of the measurement.
        update: The update whose parameters were measured.
        truth: The simulated truth.
        samples: The estimators' advantages and the critic's values.
        rows: Statistics by estimator, and of the truth.
        forced: The same over the states in which an action was replaced; empty without any.
        calibration: Slope, intercept and R^2 of the critic.
        seconds: Time taken by the truth and by the estimators, compilation included.
    """

    settings: CreditSettings
    update: int
    truth: TrueCredit
    samples: EstimatorSamples
    rows: dict[str, Row]
    forced: dict[str, Row]
    calibration: Row
    seconds: dict[str, float]

    def summary(self) -> dict[str, Any]:
        """Everything but the arrays, for JSON; numbers that do not exist are None."""
        content = {
            "settings": asdict(self.settings),
            "update": self.update,
            "estimators": self.rows,
            "forced": self.forced,
            "calibration": self.calibration,
            "cut_off": self.truth.cut_off,
            "seconds": self.seconds,
        }
        return jax.tree.map(lambda leaf: None if leaf != leaf else leaf, content)


def measure_credit(
    config: Config,
    folder: RunFolder,
    settings: CreditSettings,
    *,
    checkpoint: int | None,
    say: Any,
) -> CreditReport:
    """Measure the true credit of a run's policies, and its estimators on the same states.

    Args:
        config: The run's configuration.
        folder: The run's folder; nothing is written to it.
        settings: The size of the measurement.
        checkpoint: Which checkpoint; the newest when None.
        say: Called with lines about the progress.

    Raises:
        UserError: The method has no advantages, or there is no usable checkpoint.
    """
    learner, params, update = _restored(config, folder, checkpoint)
    states = collect_states(learner, params, count=settings.states, seed=settings.seed)
    begun = time.monotonic()
    truth = simulate_truth(
        learner,
        params,
        states,
        repetitions=settings.repetitions,
        seed=settings.seed,
        say=say,
    )
    simulated = time.monotonic()
    samples = _samples(config, learner, params, states, settings, say)
    seconds = {"truth": simulated - begun, "estimators": time.monotonic() - simulated}
    everywhere = np.ones(len(states), bool)
    forced = np.any(np.asarray(states.forced), axis=-1, keepdims=True)[:, 0]
    return CreditReport(
        settings=settings,
        update=update,
        truth=truth,
        samples=samples,
        rows=compare_estimators(samples, truth, everywhere),
        forced=compare_estimators(samples, truth, forced) if forced.sum() > 1 else {},
        calibration=calibrate_critic(learner.networks["critic"].spec, samples, truth),
        seconds=seconds,
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
    truth = simulate_truth(
        learner,
        params,
        states,
        repetitions=settings.repetitions,
        seed=settings.seed,
        say=say,
    )
    samples = _samples(config, learner, params, states, settings, say)
    own = samples.advantages[config.method.name].mean(1)
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
    """
    return true_credit(
        learner.collection.environment,
        learner.actor,
        params["actor"],
        states,
        discount=learner.estimation.discount,
        repetitions=repetitions,
        rows=2048,
        seed=seed,
        progress=_told(say, "truth"),
    )


def _samples(
    config: Config,
    learner: PolicyGradientLearner,
    params: Any,
    states: CreditStates,
    settings: CreditSettings,
    say: Any,
) -> EstimatorSamples:
    estimation = learner.estimation
    estimators = allowed_estimators(
        estimation.method, learner.collection.environment.spec, learner.network, config.update
    )
    return sample_estimators(
        learner,
        estimators,
        params,
        states,
        repetitions=settings.samples,
        steps=config.rollout.steps,
        seed=settings.seed,
        progress=_told(say, "estimators"),
    )


def _told(say: Any, part: str) -> Progress:
    """Progress in a line for every tenth of the work."""

    def tell(done: int, calls: int) -> None:
        if done * 10 // calls > (done - 1) * 10 // calls:
            say(f"{part}: {done} of {calls} calls")

    return tell
