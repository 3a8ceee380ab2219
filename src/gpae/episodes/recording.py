"""Recording of whole episodes, side by side, every step kept on the host."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PyTree, UInt32

from gpae.environments import Actions, EnvironmentState, Observation
from gpae.errors import UserError
from gpae.training.episode_play import EpisodePlayer, EpisodesUnderWay, PlayedStep

STEPS_AT_ONCE = 128
"""Most steps that one compiled call makes before they are taken to the host."""

BEST, WORST = "best", "worst"


@dataclass(frozen=True)
class Episode:
    """One whole episode of T steps, as NumPy arrays on the host.

    Attributes:
        number: Its number k among those that were played.
        states: The environment's own states before the first and after every step, a tree of
            arrays [T + 1, ...].
        observation: What the agents and the critic saw at each of these moments, [T + 1, ...], with
            the actions available to them and the agents alive.
        hidden_states: The policy network's hidden states at each of these moments, a tree of arrays
            [T + 1, N, ...]; without leaves where it has none.
        actions: The policy's own actions, or the ones carried out where a wrapper replaced them,
            [T, N] or [T, N, A].
        log_probs: Their log-probabilities, or log-densities, under the policy, [T, N]. A Q-network
            has none: those of its values as logits stand there, which mean nothing.
        rewards: The team's rewards, [T], or each agent's own, [T, N].
        team_rewards: The team's rewards, [T]; the mean over agents of their own.
        terminated: True where the episode ended for good, [T]; at most the last is.
        truncated: True where a time limit cut it off, [T]; at most the last is. Neither is where
            the episode reached no end in as many steps as an evaluation makes.
        forced: True for agents whose action a wrapper replaced, [T, N].
        metrics: The environment's metrics of the episode, such as ``win_rate``, by name.
    """

    number: int
    states: EnvironmentState
    observation: Observation
    hidden_states: PyTree
    actions: Actions
    log_probs: Float[np.ndarray, "T N"]
    rewards: Float[np.ndarray, " T"] | Float[np.ndarray, "T N"]
    team_rewards: Float[np.ndarray, " T"]
    terminated: Bool[np.ndarray, " T"]
    truncated: Bool[np.ndarray, " T"]
    forced: Bool[np.ndarray, "T N"]
    metrics: dict[str, float]

    def __len__(self) -> int:
        """The number T of steps."""
        return len(self.terminated)

    @property
    def episode_return(self) -> float:
        """The sum of the team's rewards."""
        return float(self.team_rewards.sum(dtype=np.float64))

    @property
    def acting(self) -> Bool[np.ndarray, "T N"]:
        """True for living agents with a choice between actions, at each step, [T, N]."""
        before = jax.tree.map(lambda leaf: leaf[:-1], self.observation)
        choices = before.available_actions.sum(-1)
        discrete = self.actions.ndim == before.alive.ndim
        return np.asarray(before.alive & (choices > (1 if discrete else 0)))


class _Moment(NamedTuple):
    """Episodes at one moment, before a step or after the last one."""

    states: EnvironmentState
    observation: Observation
    hidden_states: PyTree


def record_episodes(
    player: EpisodePlayer,
    params: Any,
    *,
    count: int,
    seed: int,
    counter: int,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Episode, ...]:
    """Play one episode in each of ``count`` environments, and keep every step.

    They are the episodes that :meth:`Evaluator.evaluate` plays with the same seed and counter.

    Args:
        player: The environment and policy.
        params: The actor's parameters.
        count: Number of episodes.
        seed: The seed of the episodes.
        counter: The number of the evaluation, from which its keys follow.
        progress: Called with the numbers of steps made and of episodes that have ended.
    """
    numbers = jnp.arange(count)
    keys = jnp.uint32(seed), jnp.int32(counter)
    episodes = jax.jit(player.begin)(*keys, numbers)
    play = jax.jit(partial(_played, player, min(STEPS_AT_ONCE, player.longest)))
    parts: list[tuple[_Moment, PlayedStep]] = []
    while not np.all(episodes.done) and int(episodes.time) < player.longest:
        episodes, steps = play(params, *keys, numbers, episodes)
        parts.append(jax.tree.map(_on_host, steps))
        if progress is not None:
            progress(int(episodes.time), int(np.sum(episodes.done)))
    last = jax.tree.map(lambda leaf: _on_host(leaf[None]), _moment(episodes))
    moments = jax.tree.map(_joined, *(before for before, _ in parts), last)
    played = jax.tree.map(_joined, *(after for _, after in parts))
    return tuple(_episode(moments, played, number, player.longest) for number in range(count))


def choose_episode(episodes: Sequence[Episode], which: str | int) -> Episode:
    """The episode with the best or the worst return, the earliest of equals, or the k-th played.

    Args:
        episodes: The episodes.
        which: ``best``, ``worst``, or a number k from 0, also as text.

    Raises:
        UserError: ``which`` is none of these.
    """
    require_choice(which, len(episodes))
    if which == BEST:
        return max(episodes, key=_rounded_return)
    if which == WORST:
        return min(episodes, key=_rounded_return)
    return episodes[int(which)]


def require_choice(which: str | int, count: int) -> None:
    """Refuse what chooses none of ``count`` episodes.

    Raises:
        UserError: ``which`` is neither ``best``, ``worst`` nor a number below ``count``.
    """
    if which in (BEST, WORST) or (str(which).isdecimal() and int(which) < count):
        return
    raise UserError(
        f"the episode must be best, worst or a number from 0 to {count - 1}, not {which!r}"
    )


def _rounded_return(episode: Episode) -> float:
    """The return to six digits: sums of the same rewards in another order are equal."""
    return float(f"{episode.episode_return:.6g}")


def _played(
    player: EpisodePlayer,
    steps: int,
    params: Any,
    seed: UInt32[Array, ""],
    counter: Int[Array, ""],
    environments: Int[Array, " E"],
    episodes: EpisodesUnderWay,
) -> tuple[EpisodesUnderWay, tuple[_Moment, PlayedStep]]:
    """Some more steps of every episode, [steps, E, ...], and the moments before them."""

    def advance(
        before: EpisodesUnderWay, _: None
    ) -> tuple[EpisodesUnderWay, tuple[_Moment, PlayedStep]]:
        after, played = player.advance(params, seed, counter, environments, before)
        return after, (_moment(before), played)

    return jax.lax.scan(advance, episodes, length=steps)


def _moment(episodes: EpisodesUnderWay) -> _Moment:
    return _Moment(episodes.environment_state, episodes.observation, episodes.hidden_state)


def _episode(moments: _Moment, played: PlayedStep, number: int, longest: int) -> Episode:
    """One episode's part of all moments and steps, [time, E, ...]."""
    boundary = played.step.boundary[:, number]
    length = int(boundary.argmax()) + 1 if boundary.any() else longest
    moment = jax.tree.map(lambda leaf: leaf[: length + 1, number], moments)
    steps: Any = jax.tree.map(lambda leaf: leaf[:length, number], played)
    return Episode(
        number=number,
        **moment._asdict(),
        actions=steps.actions,
        log_probs=steps.log_probs,
        rewards=steps.step.reward,
        team_rewards=steps.step.team_reward,
        terminated=steps.step.terminated,
        truncated=steps.step.truncated,
        forced=steps.step.forced,
        metrics={name: float(value[-1]) for name, value in steps.step.outcomes.items()},
    )


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _on_host(leaf: Array) -> Any:
    """A leaf as a NumPy array; random keys stay what they are."""
    return leaf if _is_key(leaf) else np.asarray(leaf)


def _joined(*leaves: Any) -> Any:
    return jnp.concatenate(leaves) if _is_key(leaves[0]) else np.concatenate(leaves)
