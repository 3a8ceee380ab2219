"""Recorded episodes of a run's policy."""

from collections.abc import Callable
from dataclasses import dataclass

import jax

from gpae.config.schema import Config
from gpae.environments import Environment
from gpae.episodes.recording import Episode, choose_episode, record_episodes
from gpae.runs import RunFolder
from gpae.runs.new_episodes import RestoredPolicy, restore_policy


@dataclass(frozen=True)
class RecordedEpisodes:
    """Episodes of a run's policy.

    Attributes:
        policy: The run's learner, and the parameters that acted.
        episodes: The episodes, in the order of their numbers.
        greedy: Whether the most likely actions were taken; else they were sampled.
        seed: The seed of the episodes.
    """

    policy: RestoredPolicy
    episodes: tuple[Episode, ...]
    greedy: bool
    seed: int

    @property
    def environment(self) -> Environment:
        """The environment, unbatched."""
        return self.policy.system.environment

    @property
    def update(self) -> int:
        """The number of the run's updates after which the parameters were such."""
        return self.policy.update

    def choose(self, which: str | int) -> Episode:
        """The episode that :func:`choose_episode` takes."""
        return choose_episode(self.episodes, which)


def record_run(
    config: Config,
    folder: RunFolder,
    *,
    episodes: int = 16,
    greedy: bool = True,
    best: bool = False,
    checkpoint: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> RecordedEpisodes:
    """Play new episodes with a run's parameters and keep every step; writes nothing.

    They are those that ``gpae evaluate`` plays with as many episodes and the same seed.

    Args:
        config: The run's configuration.
        folder: The run's folder.
        episodes: How many to play.
        greedy: Take the most likely actions; else sample.
        best: Use the parameters of the best evaluation so far, not the checkpoint's own.
        checkpoint: Which checkpoint; the newest when None.
        seed: From which the episodes' keys follow.
        progress: Called with the numbers of steps made and of episodes that have ended.

    Raises:
        UserError: There is no checkpoint, or it cannot be used; or the method has no policy to
            sample from.
    """
    policy = restore_policy(config, folder, greedy=greedy, best=best, checkpoint=checkpoint)
    played = record_episodes(
        policy.system.evaluator.player(greedy=greedy),
        jax.device_put(policy.params["actor"]),
        count=episodes,
        seed=seed,
        counter=policy.unused_counter,
        progress=progress,
    )
    return RecordedEpisodes(policy, played, greedy, seed)
