"""Collection: acting for T steps in every environment, the successors of truncated steps kept."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, Shaped

from gpae.environments.environment import (
    Actions,
    ActionSpace,
    DiscreteActions,
    Environment,
    Observation,
    Step,
    auto_reset_step,
    taken_actions,
)
from gpae.methods import HiddenStates, Metrics, Steps
from gpae.networks import PolicyNetwork, apply_actor, sample
from gpae.training.keys import Clock, Purpose, Seed, derive_each
from gpae.training.reduce import DEVICES
from gpae.training.shaping import RewardShaping
from gpae.training.state import CollectorState, Forward, Rollout, Truncations

LOST_TRUNCATIONS = "train/lost_truncations"
"""The metric that counts truncated steps whose successors found no slot; training stops above 0."""

Tree = TypeVar("Tree")


@struct.dataclass
class EpisodeTotals:
    """Sums over the episodes that ended in a rollout.

    Attributes:
        count: Number of episodes.
        sums: Sum over them of the return, the length and each outcome the environment names.
        lost: Number of truncated steps that found no slot for their successor.
    """

    count: Float[Array, ""]
    sums: dict[str, Float[Array, ""]]
    lost: Float[Array, ""]

    def metrics(self) -> Metrics:
        """The numbers of episodes and lost successors, and the means, 0 where no episode ended."""
        count = jnp.maximum(self.count, 1.0)
        means = {f"train/{name}": total / count for name, total in self.sums.items()}
        return {"train/episodes": self.count, LOST_TRUNCATIONS: self.lost, **means}


@dataclass(frozen=True)
class CollectionPlan:
    """The constants of collection.

    Attributes:
        environment: The environment, unbatched.
        actor: The policy network.
        steps: Steps T a rollout.
        shaping: The annealing of shaped rewards, which are then added to the rewards; None for
            rewards alone.
    """

    environment: Environment
    actor: PolicyNetwork
    steps: int
    shaping: RewardShaping | None = None

    @property
    def truncation_slots(self) -> int:
        """The number K of truncations one environment can have in a rollout."""
        spec = self.environment.spec
        if spec.early_truncation or spec.max_episode_steps is None:
            return self.steps
        return -(-self.steps // spec.max_episode_steps)

    def reward(self, step: Step, clock: Clock) -> Float[Array, "*b"]:
        """The reward of a step to learn from."""
        return step.reward if self.shaping is None else self.shaping.reward(step, clock.update)

    def metrics(self, totals: EpisodeTotals, clock: Clock) -> Metrics:
        """The metrics of a rollout of which ``totals`` are one device's share."""
        everywhere = jax.tree.map(lambda total: jax.lax.psum(total, DEVICES), totals)
        metrics: Metrics = everywhere.metrics()
        if self.shaping is not None:
            metrics["shaping/coefficient"] = self.shaping.coefficient(clock.update)
        return metrics


def begin(
    plan: CollectionPlan,
    seed: Seed,
    environments: Int[Array, " E"],
    hidden_states: HiddenStates,
    counter: Int[Array, ""] | int = 0,
) -> CollectorState:
    """Reset the environments with the given numbers.

    Args:
        plan: The constants.
        seed: The run's seed.
        environments: The environments' numbers in the whole run.
        hidden_states: The networks' hidden states to begin with.
        counter: Number of earlier resets of all environments at once.
    """
    keys = derive_each(seed, Purpose.RESET, counter, environments)
    environment_state, observation = jax.vmap(plan.environment.reset)(keys)
    size = environments.shape[0]
    return CollectorState(
        environment_state=environment_state,
        observation=observation,
        first=jnp.ones(size, bool),
        hidden_states=hidden_states,
        episode_return=jnp.zeros(size),
        episode_length=jnp.zeros(size, jnp.int32),
    )


def empty_truncations(observation: Observation, slots: int, steps: int) -> Truncations:
    """Unused slots for each of the environments of ``observation``."""
    size = observation.state.shape[0]
    return Truncations(
        observation=_zeros_in_front(observation, slots),
        index=jnp.full((slots, size), steps, jnp.int32),
    )


def record_truncations(
    truncations: Truncations,
    successor: Observation,
    truncated: Bool[Array, " E"],
    time: Int[Array, ""] | int,
    unused: int,
) -> Truncations:
    """Write the successors of the environments truncated at ``time`` into their next free slots."""
    return _write_truncations(
        truncations, _free_slots(truncations, truncated, unused), successor, time
    )


def _write_truncations(
    truncations: Truncations,
    slots: Int[Array, " E"],
    successor: Observation,
    time: Int[Array, ""] | int,
) -> Truncations:
    write = partial(_written, slots)
    return Truncations(
        observation=jax.tree.map(write, truncations.observation, successor),
        index=write(truncations.index, jnp.full(len(slots), time)),
    )


def _free_slots(
    truncations: Truncations, truncated: Bool[Array, " E"], unused: int
) -> Int[Array, " E"]:
    """The next free slot of each environment that is truncated, and one past the last of others."""
    used = (truncations.index < unused).sum(0)
    return jnp.where(truncated, used, len(truncations.index))


def _written(
    slots: Int[Array, " E"], kept: Shaped[Array, "K E *x"], new: Shaped[Array, "E *x"]
) -> Shaped[Array, "K E *x"]:
    """The slots' contents, with a new entry in one slot of each environment that has a free one."""
    return kept.at[slots, jnp.arange(len(slots))].set(new, mode="drop")


def _zeros_in_front(tree: Tree, size: int) -> Tree:
    """Zeros of a tree's shapes and types with an axis in front."""
    return jax.tree.map(lambda leaf: jnp.zeros((size, *leaf.shape), leaf.dtype), tree)


def empty_rollout(plan: CollectionPlan, collector: CollectorState) -> Rollout:
    """Zeros of the shapes and types of a rollout that :func:`collect` returns from there."""
    observation, space = collector.observation, plan.environment.spec.actions
    discrete = isinstance(space, DiscreteActions)
    like_actions = observation.alive if discrete else observation.available_actions
    like_rewards = observation.alive if plan.environment.spec.agent_rewards else collector.first
    step = Steps(
        observation=observation,
        first=collector.first,
        actions=_stored(space, jnp.zeros(like_actions.shape)),
        log_probs=jnp.zeros(observation.alive.shape),
        rewards=jnp.zeros(like_rewards.shape),
        terminated=collector.first,
        truncated=collector.first,
        forced=observation.alive,
    )
    return Rollout(
        steps=_zeros_in_front(step, plan.steps),
        truncations=empty_truncations(observation, plan.truncation_slots, plan.steps),
        hidden_states=collector.hidden_states,
    )


def collect(
    plan: CollectionPlan,
    actor_params: Any,
    collector: CollectorState,
    clock: Clock,
    environments: Int[Array, " E"],
) -> tuple[CollectorState, Rollout, Forward, EpisodeTotals]:
    """Act for T steps in every environment.

    Args:
        plan: The constants.
        actor_params: The parameters of the behaviour policy.
        collector: The environments, as the last rollout left them.
        clock: Seed and number of updates made, from which the keys of every step follow.
        environments: The environments' numbers in the whole run, from which their keys follow.

    Returns:
        The environments after the rollout, the rollout, the actor's forward pass over it, and the
        totals of the episodes that ended in it.
    """
    act = partial(_act, plan, actor_params, clock, environments)
    start = collector.hidden_states
    begun = _Acting(
        collector=collector,
        truncations=empty_truncations(collector.observation, plan.truncation_slots, plan.steps),
        at_truncations=_zeros_in_front(start["actor"], plan.truncation_slots),
    )
    end, (steps, policy, hidden_states, totals) = jax.lax.scan(act, begun, jnp.arange(plan.steps))
    forward = Forward(
        outputs=policy,
        hidden_states=hidden_states,
        at_successors=jax.tree.map(
            lambda kept, last: jnp.concatenate([kept, last[None]]),
            end.at_truncations,
            end.collector.hidden_states["actor"],
        ),
    )
    rollout = Rollout(steps=steps, truncations=end.truncations, hidden_states=start)
    return end.collector, rollout, forward, jax.tree.map(lambda each: each.sum(), totals)


class _Acting(NamedTuple):
    """The carry of the loop over steps; the actor's hidden states at truncations are in slots."""

    collector: CollectorState
    truncations: Truncations
    at_truncations: Any


def _act(
    plan: CollectionPlan,
    actor_params: Any,
    clock: Clock,
    environments: Int[Array, " E"],
    carry: _Acting,
    time: Int[Array, ""],
) -> tuple[_Acting, tuple[Steps, Any, Any, EpisodeTotals]]:
    """One step of every environment: its record, policy, hidden state and episode totals."""
    collector, truncations, at_truncations = carry
    observation, counter = collector.observation, clock.update * plan.steps + time
    hidden_states, policy = apply_actor(
        plan.actor,
        actor_params,
        collector.hidden_states["actor"],
        observation.observations[None],
        observation.available_actions[None],
        collector.first[None],
    )
    policy, hidden_state = policy[0], jax.tree.map(lambda leaf: leaf[0], hidden_states)
    chosen = sample(derive_each(clock.seed, Purpose.ACTION, counter, environments), policy)
    environment_state, next_observation, step = jax.vmap(
        partial(auto_reset_step, plan.environment)
    )(
        derive_each(clock.seed, Purpose.STEP, counter, environments),
        collector.environment_state,
        policy.executed(chosen),
    )
    actions = taken_actions(chosen, step)
    steps = Steps(
        observation=observation,
        first=collector.first,
        actions=_stored(plan.environment.spec.actions, actions),
        log_probs=policy.log_prob(actions),
        rewards=plan.reward(step, clock),
        terminated=step.terminated,
        truncated=step.truncated,
        forced=step.forced,
    )
    episode_return = collector.episode_return + step.team_reward
    episode_length = collector.episode_length + 1
    slots = _free_slots(truncations, step.truncated, plan.steps)
    lost = step.truncated & (slots == plan.truncation_slots)
    totals = _episode_totals(step, episode_return, episode_length, lost)
    collector = CollectorState(
        environment_state=environment_state,
        observation=next_observation,
        first=step.boundary,
        hidden_states={**collector.hidden_states, "actor": hidden_state},
        episode_return=jnp.where(step.boundary, 0.0, episode_return),
        episode_length=jnp.where(step.boundary, 0, episode_length),
    )
    carry = _Acting(
        collector=collector,
        truncations=_write_truncations(truncations, slots, step.observation, time),
        at_truncations=jax.tree.map(partial(_written, slots), at_truncations, hidden_state),
    )
    return carry, (steps, policy, hidden_state, totals)


def _stored(space: ActionSpace, actions: Actions) -> Actions:
    """Actions as they are kept: discrete ones in no more bytes than they need."""
    return actions.astype(space.dtype) if isinstance(space, DiscreteActions) else actions


def _episode_totals(
    step: Step,
    episode_return: Float[Array, " E"],
    episode_length: Int[Array, " E"],
    lost: Bool[Array, " E"],
) -> EpisodeTotals:
    of_episodes = {
        "episode_return": episode_return,
        "episode_length": episode_length.astype(jnp.float32),
        **step.outcomes,
    }
    return EpisodeTotals(
        count=step.boundary.sum(dtype=jnp.float32),
        sums={
            name: jnp.where(step.boundary, value, 0.0).sum() for name, value in of_episodes.items()
        },
        lost=lost.sum(dtype=jnp.float32),
    )
