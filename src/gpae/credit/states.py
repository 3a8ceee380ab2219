"""States from which credit is measured: everything that an episode needs to go on from there."""

from dataclasses import replace
from typing import Any, NamedTuple
from zlib import crc32

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Int

from gpae.environments import Actions, EnvironmentState, Observation
from gpae.errors import UserError
from gpae.methods import HiddenStates, Steps
from gpae.networks import Policy, PolicyNetwork, apply_actor
from gpae.training.collection import CollectionPlan, begin, collect, empty_truncations
from gpae.training.estimation.forward import rollout_forward
from gpae.training.keys import Clock
from gpae.training.policy_gradient import PolicyGradientLearner
from gpae.training.state import CollectorState, Params, Rollout


@struct.dataclass
class CreditStates:
    """S moments of episodes, each with the joint action that was carried out there.

    Attributes:
        environment_state: The environments' own states, in which the time of the episode is.
        observation: The observations.
        first: True where an episode begins, [S].
        hidden_states: The networks' hidden states before the step, [S, ...], by network; those of
            ``actor`` suffice for the truth, an estimator needs its critics' too.
        actions: The policy's own joint actions, or the ones carried out where a wrapper replaced
            them, [S, N] or [S, N, A].
        forced: The agents whose actions a wrapper had replaced, [S, N].
    """

    environment_state: EnvironmentState
    observation: Observation
    first: Bool[Array, " S"]
    hidden_states: HiddenStates
    actions: Actions
    forced: Bool[Array, "S N"]

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, index: Any) -> "CreditStates":
        """The states at some places."""
        return jax.tree.map(lambda leaf: leaf[index], self)

    def policy(self, actor: PolicyNetwork, params: Any) -> Policy:
        """The policies at the states, [S, N, A].

        Args:
            actor: The policy network.
            params: Its parameters.
        """
        _, policy = apply_actor(
            actor,
            params,
            self.hidden_states["actor"],
            self.observation.observations[None],
            self.observation.available_actions[None],
            self.first[None],
        )
        return policy[0]


def collect_states(
    learner: PolicyGradientLearner,
    params: Params,
    *,
    count: int,
    environments: int = 16,
    steps: int = 128,
    seed: int = 0,
) -> CreditStates:
    """Act with the current policy, and pick states evenly in time, environments in turn.

    Args:
        learner: The constants of the run.
        params: The parameters of all its networks.
        count: Number S of states.
        environments: Environments to act in, each from an episode's start.
        steps: Steps to act.
        seed: From which the keys follow; they are none of training's.

    Raises:
        ValueError: There are fewer steps in all environments than states asked for.
    """
    if not 1 <= count <= environments * steps:
        raise ValueError(
            f"count: expected 1 to {environments * steps}, the steps of {environments} "
            f"environments, found {count}"
        )
    play = act(learner, params, environments=environments, steps=steps, seed=seed)
    return pick_states(play, count)


def pick_states(play: "Play", count: int) -> CreditStates:
    """The states evenly in time, environments in turn.

    Args:
        play: The moments to pick from.
        count: Number S of states.
    """
    steps, environments = play.moments.first.shape
    picked = jnp.arange(count)
    places = picked * steps // count, picked % environments
    return jax.tree.map(lambda leaf: leaf[places], play.moments)


def collect_forced_states(
    learner: PolicyGradientLearner,
    params: Params,
    *,
    count: int,
    environments: int = 16,
    steps: int = 128,
    seed: int = 0,
) -> CreditStates:
    """Act with the current policy, and pick moments at which a wrapper replaced an agent's action.

    Args:
        learner: The constants of the run.
        params: The parameters of all its networks.
        count: The most states to pick, evenly among those there are.
        environments: Environments to act in, each from an episode's start.
        steps: Steps to act.
        seed: From which the keys follow; they are none of training's.

    Raises:
        UserError: There are none.
    """
    play = act(learner, params, environments=environments, steps=steps, seed=seed)
    moments = play.moments
    times, numbers = np.nonzero(np.asarray(moments.forced).any(-1))
    if not len(times):
        raise UserError(f"no action was forced in {environments * steps} steps")
    picked = np.linspace(0, len(times) - 1, min(count, len(times))).astype(int)
    places = times[picked], numbers[picked]
    return jax.tree.map(lambda leaf: leaf[places], moments)


class Play(NamedTuple):
    """A stretch of a policy's play from episodes' starts.

    Attributes:
        moments: Every moment of every environment, [T, E, ...].
        steps: The steps taken there, [T, E, ...].
    """

    moments: CreditStates
    steps: Steps


def act(
    learner: PolicyGradientLearner,
    params: Params,
    *,
    environments: int = 16,
    steps: int = 128,
    seed: int = 0,
) -> Play:
    """Act with the current policy, every moment kept.

    Args:
        learner: The constants of the run.
        params: The parameters of all its networks.
        environments: Environments to act in, each from an episode's start.
        steps: Steps to act.
        seed: From which the keys follow; they are none of training's.
    """
    seed = stream_seed(seed, "states")
    plan = CollectionPlan(learner.collection.environment, learner.actor, steps=1)
    numbers = jnp.arange(environments)

    def advance(collector: CollectorState, time: Int[Array, ""]) -> tuple[CollectorState, Play]:
        clock = Clock(seed=jnp.uint32(seed), update=time)
        after, rollout, acted, _ = collect(plan, params["actor"], collector, clock, numbers)
        forwards = rollout_forward(
            learner.estimation, params, collector.hidden_states, rollout, acted
        )
        hidden_states = {
            name: jax.tree.map(lambda leaf: leaf[0], each.hidden_states)
            for name, each in forwards.items()
        }
        moment = CreditStates(
            environment_state=collector.environment_state,
            observation=collector.observation,
            first=collector.first,
            hidden_states=collector.hidden_states,
            actions=rollout.steps.actions[0],
            forced=rollout.steps.forced[0],
        )
        steps = jax.tree.map(lambda leaf: leaf[0], rollout.steps)
        return replace(after, hidden_states=hidden_states), Play(moment, steps)

    @jax.jit
    def acted() -> Play:
        hidden_states = learner.initial_hidden_states(environments)
        start = begin(plan, jnp.uint32(seed), numbers, hidden_states)
        return jax.lax.scan(advance, start, jnp.arange(steps))[1]

    return acted()


def with_hidden_states_of(learner: PolicyGradientLearner, params: Params, play: Play) -> Play:
    """The same play, with the hidden states of another learner's networks and the same actor.

    Args:
        learner: The constants of the other learner.
        params: The parameters of all its networks.
        play: The play.
    """

    @jax.jit
    def hidden_states(play: Play) -> HiddenStates:
        steps, moments = play.steps, play.moments
        count, environments = steps.first.shape
        start = learner.initial_hidden_states(environments)
        last = jax.tree.map(lambda leaf: leaf[-1], moments.observation)
        rollout = Rollout(steps, empty_truncations(last, 1, count), start)
        forwards = rollout_forward(learner.estimation, params, start, rollout)
        after = {name: each.hidden_states for name, each in forwards.items()}
        return jax.tree.map(
            lambda first, later: jnp.concatenate([first[None], later[:-1]]), start, after
        )

    actor = play.moments.hidden_states["actor"]
    held = {**hidden_states(play), "actor": actor}
    return play._replace(moments=replace(play.moments, hidden_states=held))


def stream_seed(seed: int, name: str) -> int:
    """Seed of one of the measurement's streams of keys, none of which is that of training."""
    return crc32(f"credit/{name}/{seed}".encode())
