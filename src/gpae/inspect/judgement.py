"""Recorded episodes judged by several estimators, with the networks of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from gpae.credit import CreditStates
from gpae.environments import Observation
from gpae.episodes import Episode
from gpae.methods import HiddenStates, PolicyGradientMethod, Steps
from gpae.networks import CategoricalPolicy
from gpae.training.estimation import estimate
from gpae.training.keys import Clock
from gpae.training.policy_gradient import PolicyGradientLearner
from gpae.training.state import Params, Rollout, Truncations, Window


@dataclass(frozen=True)
class Judgement:
    """One episode of T steps as estimators judge it.

    Attributes:
        advantages: Each estimator's, not normalised, [T, N], by the estimator's name.
        log_ratios: log pi - log mu of the actions, mu the policy that acted, [T, N].
        traces: Trace coefficients of the run's own estimator, lambda left out, [T, N].
        log_probs: log pi of the actions, under the policy that is judged, [T, N].
        probabilities: pi of every action, [T, N, A]; None where actions are continuous.
        hidden_states: Every network's hidden states before each step, [T, ...], by network.
    """

    advantages: dict[str, Float[np.ndarray, "T N"]]
    log_ratios: Float[np.ndarray, "T N"]
    traces: Float[np.ndarray, "T N"]
    log_probs: Float[np.ndarray, "T N"]
    probabilities: Float[np.ndarray, "T N A"] | None
    hidden_states: HiddenStates


def judge_episodes(
    learner: PolicyGradientLearner,
    params: Params,
    episodes: Sequence[Episode],
    estimators: Mapping[str, PolicyGradientMethod],
    *,
    seed: int = 0,
) -> list[Judgement]:
    """Estimate the advantages of every step of some episodes, all side by side.

    Args:
        learner: The constants of the run.
        params: The parameters of all networks.
        episodes: The episodes, by whichever policy acted.
        estimators: Methods by name, all of whose networks the learner has; the run's own first.
        seed: From which the keys of actions follow that have to be sampled where a time limit cut
            an episode off.
    """
    window, last = episodes_as_window(learner, episodes)
    clock = Clock(seed=jnp.uint32(seed), update=jnp.int32(0))
    numbers = jnp.arange(len(episodes))

    @jax.jit
    def judged(params: Params, window: Window, last: Observation) -> dict[str, Any]:
        estimates = {
            name: estimate(
                replace(learner.estimation, method=method), params, window, last, clock, numbers
            )
            for name, method in estimators.items()
        }
        own = next(iter(estimates.values()))
        policy = own.batch.policy
        return {
            "advantages": {name: each.batch.advantages for name, each in estimates.items()},
            "log_ratios": own.batch.log_ratios,
            "traces": own.coefficients,
            "log_probs": policy.log_prob(own.batch.steps.actions),
            "probabilities": (
                policy.probabilities if isinstance(policy, CategoricalPolicy) else None
            ),
            "hidden_states": own.hidden_states,
        }

    found = jax.device_get(judged(params, window, last))
    return [
        Judgement(**_of_episode(found, place, len(each))) for place, each in enumerate(episodes)
    ]


def episodes_as_window(
    learner: PolicyGradientLearner, episodes: Sequence[Episode]
) -> tuple[Window, Observation]:
    """Episodes as a window of one rollout, [1, T, E, ...], each from its first step on.

    Steps after an episode's end count as terminated episodes of one step each, which no estimate
    reaches across.

    Args:
        learner: The constants of the run.
        episodes: The episodes, T the length of the longest.

    Returns:
        The window, and the observations after its last step, [E, ...].
    """
    length = max(map(len, episodes))
    last: Observation = jax.tree.map(
        lambda *leaves: jnp.stack([leaf[-1] for leaf in leaves]),
        *(episode.observation for episode in episodes),
    )
    steps: Steps = jax.tree.map(
        lambda *leaves: jnp.stack(leaves, axis=1),
        *(_padded(_steps(episode), length) for episode in episodes),
    )
    ends = jnp.array([len(each) - 1 if _is_cut(each) else length for each in episodes])
    rollout = Rollout(
        steps=steps,
        truncations=Truncations(jax.tree.map(lambda leaf: leaf[None], last), ends[None]),
        hidden_states=learner.initial_hidden_states(len(episodes)),
    )
    return Window(jax.tree.map(lambda leaf: leaf[None], rollout), jnp.ones(1, bool)), last


def credit_states(
    episodes: Sequence[Episode],
    judgements: Sequence[Judgement],
    chosen: Sequence[np.ndarray],
) -> CreditStates:
    """Moments of episodes, from which truth can be simulated, one episode's after another's.

    Args:
        episodes: The episodes.
        judgements: Their judgements, for the hidden states.
        chosen: The steps to take of each.
    """
    parts = map(_moments, episodes, judgements, chosen)
    joined: CreditStates = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)
    return joined


def _moments(episode: Episode, judged: Judgement, steps: np.ndarray) -> CreditStates:
    """Some moments of one episode."""
    kept: dict[str, Any] = jax.tree.map(
        lambda leaf: leaf[steps],
        {
            "environment_state": episode.states,
            "observation": episode.observation,
            "hidden_states": judged.hidden_states,
            "actions": episode.actions,
            "forced": episode.forced,
        },
    )
    return CreditStates(first=jnp.asarray(steps == 0), **kept)


def _of_episode(tree: Any, place: int, length: int) -> Any:
    """One episode's part of arrays [T, E, ...]."""
    return jax.tree.map(lambda leaf: leaf[:length, place], tree)


def _is_cut(episode: Episode) -> bool:
    """The future after its last step still has value."""
    return not episode.terminated[-1]


def _steps(episode: Episode) -> Steps:
    """An episode's steps; one that reached no end counts as cut off by a time limit."""
    places = np.arange(len(episode))
    recorded: dict[str, Any] = {
        name: getattr(episode, name)
        for name in ("actions", "log_probs", "rewards", "terminated", "forced")
    }
    return Steps(
        observation=jax.tree.map(lambda leaf: leaf[:-1], episode.observation),
        first=jnp.asarray(places == 0),
        truncated=jnp.asarray((places == len(episode) - 1) & _is_cut(episode)),
        **recorded,
    )


def _padded(steps: Steps, length: int) -> Steps:
    """Steps filled up with the last one, as terminated episodes of one step."""
    missing = length - len(steps.first)

    def fill(leaf: np.ndarray) -> np.ndarray:
        return np.concatenate([leaf, np.repeat(leaf[-1:], missing, axis=0)])

    filled: Steps = jax.tree.map(fill, steps)
    beyond = np.arange(length) >= length - missing
    return replace(
        filled,
        first=filled.first | beyond,
        terminated=filled.terminated | beyond,
        truncated=filled.truncated & ~beyond,
    )
