"""The inspection of a run: its episodes, what estimators say of them, and the truth."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

from gpae.config.schema import Config
from gpae.credit import TrueCredit, allowed_estimators
from gpae.episodes import Episode, record_run
from gpae.errors import UserError
from gpae.inspect.judgement import Judgement, credit_states, judge_episodes
from gpae.inspect.steps import affordable_interval, chosen_steps, episodes_a_step
from gpae.runs import RunFolder
from gpae.runs.credit import require_advantages, simulate_truth
from gpae.runs.new_episodes import RestoredPolicy, restore_policy

Say = Callable[[str], None]


@dataclass(frozen=True)
class InspectSettings:
    """The size of an inspection.

    Attributes:
        episodes: Number of episodes.
        repetitions: Repetitions of the simulated truth; 0 for no truth.
        truth_every: Steps from one with truth to the next; None for as few as are affordable.
            Steps with a forced action have it in any case.
        checkpoint: The checkpoint whose policy and networks are judged; the newest when None.
        behaviour: The checkpoint whose policy acts; the judged one when None. Another makes the
            episodes off-policy.
        seed: From which all keys follow.
    """

    episodes: int = 3
    repetitions: int = 32
    truth_every: int | None = None
    checkpoint: int | None = None
    behaviour: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class StepTruth:
    """The simulated truth at S steps of one episode.

    Attributes:
        steps: The steps, [S].
        advantages: The true advantages, [S, N].
        errors: Their standard errors, [S, N].
        own_actions: The true advantages of every action of each agent, [S, N, A], NaN where it was
            not available; None where actions are continuous.
    """

    steps: Int[np.ndarray, " S"]
    advantages: Float[np.ndarray, "S N"]
    errors: Float[np.ndarray, "S N"]
    own_actions: Float[np.ndarray, "S N A"] | None


@dataclass(frozen=True)
class InspectedEpisode:
    """An episode with all that is known of its credit.

    Attributes:
        episode: Its record.
        judgement: What the estimators say.
        truth: The simulated truth; None without.
    """

    episode: Episode
    judgement: Judgement
    truth: StepTruth | None


@dataclass(frozen=True)
class Inspection:
    """A run inspected.

    Attributes:
        config: The run's configuration.
        run: The name of the run's folder.
        settings: The size of the inspection.
        policy: The learner and the parameters that were judged.
        behaviour_update: The update whose policy acted.
        episodes: The episodes.
    """

    config: Config
    run: str
    settings: InspectSettings
    policy: RestoredPolicy
    behaviour_update: int
    episodes: tuple[InspectedEpisode, ...]

    @property
    def off_policy(self) -> bool:
        """Another policy acted than the one that is judged."""
        return self.behaviour_update != self.policy.update


def inspect_run(
    config: Config, folder: RunFolder, settings: InspectSettings, *, say: Say
) -> Inspection:
    """Play episodes of a run, estimate every agent's advantages, and simulate the true ones.

    Actions are sampled, as in training. Nothing is written to the run.

    Args:
        config: The run's configuration.
        folder: The run's folder.
        settings: The size of the inspection.
        say: Called with lines about the cost and the progress.

    Raises:
        UserError: The method has no advantages, truth is asked for where each agent has a reward
            of its own, or there is no usable checkpoint.
    """
    require_advantages(config)
    judged = restore_policy(
        config, folder, greedy=False, best=False, checkpoint=settings.checkpoint
    )
    if settings.repetitions and judged.system.environment.spec.agent_rewards:
        raise UserError(
            f"{config.task_name} pays each agent a reward of its own, and truth is simulated for "
            "one team reward: leave it out (--no-truth)"
        )
    acting = settings.checkpoint if settings.behaviour is None else settings.behaviour
    recorded = record_run(
        config,
        folder,
        episodes=settings.episodes,
        greedy=False,
        checkpoint=acting,
        seed=settings.seed,
    )
    learner: Any = judged.system.learner
    params = jax.device_put(judged.params)
    estimators = allowed_estimators(
        learner.estimation.method, judged.system.environment.spec, learner.network, config.update
    )
    judgements = judge_episodes(learner, params, recorded.episodes, estimators, seed=settings.seed)
    truths = _truths(judged, recorded.episodes, judgements, settings, say)
    return Inspection(
        config=config,
        run=folder.path.name,
        settings=settings,
        policy=judged,
        behaviour_update=recorded.update,
        episodes=tuple(map(InspectedEpisode, recorded.episodes, judgements, truths)),
    )


def _truths(
    policy: RestoredPolicy,
    episodes: tuple[Episode, ...],
    judgements: list[Judgement],
    settings: InspectSettings,
    say: Say,
) -> list[StepTruth | None]:
    """The truth at the chosen steps of each episode, all simulated together."""
    if not settings.repetitions:
        return [None] * len(episodes)
    steps = sum(map(len, episodes))
    cost = episodes_a_step(policy.system.environment.spec, settings.repetitions)
    every = settings.truth_every or affordable_interval(steps, cost)
    chosen = [
        chosen_steps(len(each), every, np.flatnonzero(each.forced.any(-1))) for each in episodes
    ]
    count = sum(map(len, chosen))
    say(f"truth: {count} of {steps} steps, {count * cost:,} simulated episodes")
    learner: Any = policy.system.learner
    truth = simulate_truth(
        learner,
        jax.device_put(policy.params),
        credit_states(episodes, judgements, chosen),
        repetitions=settings.repetitions,
        seed=settings.seed,
        say=say,
    )
    begins = np.cumsum([0, *map(len, chosen)])
    return [
        _step_truth(truth, each, slice(begin, begin + len(each)))
        for each, begin in zip(chosen, begins, strict=False)
    ]


def _step_truth(truth: TrueCredit, steps: np.ndarray, part: slice) -> StepTruth:
    """One episode's part of the truth."""
    own, expected = truth.own_action_values, truth.expected_values
    return StepTruth(
        steps=steps,
        advantages=truth.advantages.mean[part],
        errors=truth.advantages.standard_error[part],
        own_actions=None if own is None else own.mean[part] - expected.mean[part, :, None],
    )
