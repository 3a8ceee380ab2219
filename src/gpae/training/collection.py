"""Acting in the environments: T steps of each, with the successors of truncated steps kept."""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PyTree, Shaped

from gpae.environments.environment import (
    Actions,
    ActionSpace,
    DiscreteActions,
    Environment,
    Observation,
    Step,
    auto_reset_step,
)
from gpae.networks import Policy, PolicyNetwork, apply_actor, sample
from gpae.training.keys import Clock, Purpose, Seed, derive_each
from gpae.training.state import (
    Behaviour,
    Collector,
    HiddenStates,
    Params,
    Rollout,
    Steps,
    Truncations,
)


@struct.dataclass
class EpisodeTotals:
    """Sums over the episodes that ended in a rollout.

    Attributes:
        count: Number of episodes.
        sums: Sum over them of the return, the length and each outcome the environment names.
    """

    count: Float[Array, ""]
    sums: dict[str, Float[Array, ""]]


@dataclass(frozen=True)
class CollectionPlan:
    """What collection needs to know that never changes in a run.

    Attributes:
        environment: The environment, unbatched.
        actor: The policy network.
        steps: Steps T a rollout.
    """

    environment: Environment
    actor: PolicyNetwork
    steps: int

    @property
    def truncation_slots(self) -> int:
        """The number K of truncations one environment can have in a rollout."""
        limit = self.environment.spec.max_episode_steps
        return self.steps if limit is None else -(-self.steps // limit)


def begin(
    plan: CollectionPlan,
    seed: Seed,
    environments: Int[Array, " E"],
    hidden_states: HiddenStates,
    counter: Int[Array, ""] | int = 0,
) -> Collector:
    """Reset the environments with the given numbers; hidden states begin as given (empty).

    Args:
        plan: What never changes.
        seed: The run's seed.
        environments: The environments' numbers in the whole run.
        hidden_states: The recurrent states to begin with.
        counter: How often they have been reset before, all of them at once.
    """
    keys = derive_each(seed, Purpose.RESET, counter, environments)
    environment_state, observation = jax.vmap(plan.environment.reset)(keys)
    size = environments.shape[0]
    return Collector(
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
        observation=jax.tree.map(
            lambda leaf: jnp.zeros((slots, *leaf.shape), leaf.dtype), observation
        ),
        index=jnp.full((slots, size), steps, jnp.int32),
    )


def record_truncations(
    truncations: Truncations,
    successor: Observation,
    truncated: Bool[Array, " E"],
    time: Int[Array, ""] | int,
    unused: int,
) -> Truncations:
    """Put the successors of the environments truncated at ``time`` in their next free slots."""
    write = partial(_written, _free_slots(truncations, truncated, unused))
    return Truncations(
        observation=jax.tree.map(write, truncations.observation, successor),
        index=write(truncations.index, jnp.full(len(truncated), time)),
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
    """What is kept in slots, with something new in a slot of each environment that has one."""
    return kept.at[slots, jnp.arange(len(slots))].set(new, mode="drop")


def empty_rollout(plan: CollectionPlan, collector: Collector) -> Rollout:
    """What :func:`collect` returns from there in shapes and types, but empty; nothing is traced."""
    observation, space = collector.observation, plan.environment.spec.actions
    like_actions = (
        observation.alive if isinstance(space, DiscreteActions) else observation.available_actions
    )
    step = Steps(
        observation=observation,
        first=collector.first,
        actions=_stored(space, jnp.zeros(like_actions.shape)),
        log_probs=jnp.zeros(observation.alive.shape),
        rewards=collector.episode_return,
        terminated=collector.first,
        truncated=collector.first,
        forced=observation.alive,
    )
    return Rollout(
        steps=jax.tree.map(lambda leaf: jnp.zeros((plan.steps, *leaf.shape), leaf.dtype), step),
        truncations=empty_truncations(observation, plan.truncation_slots, plan.steps),
        hidden_states=collector.hidden_states,
    )


def collect(
    plan: CollectionPlan,
    params: Params,
    collector: Collector,
    clock: Clock,
    environments: Int[Array, " E"],
) -> tuple[Collector, Rollout, Behaviour, EpisodeTotals]:
    """Act for T steps in every environment.

    Args:
        plan: What never changes.
        params: The networks' parameters; the actor's is the behaviour policy.
        collector: Where the last rollout stopped.
        clock: Seed and number of updates made, from which the keys of every step follow.
        environments: The environments' numbers in the whole run, from which their keys follow.

    Returns:
        Where this rollout stopped, the rollout, what acted in it, and the totals of the episodes
        that ended in it.
    """
    act = partial(_act, plan, params, clock, environments)
    start = collector.hidden_states
    truncations = empty_truncations(collector.observation, plan.truncation_slots, plan.steps)
    at_truncations = jax.tree.map(
        lambda leaf: jnp.zeros((plan.truncation_slots, *leaf.shape)), start.actor
    )
    (collector, truncations, at_truncations), (steps, (policy, hidden_states), totals) = (
        jax.lax.scan(act, (collector, truncations, at_truncations), jnp.arange(plan.steps))
    )
    rollout = Rollout(steps=steps, truncations=truncations, hidden_states=start)
    behaviour = Behaviour(
        policy=policy,
        hidden_states=hidden_states,
        at_successors=jax.tree.map(
            lambda kept, last: jnp.concatenate([kept, last[None]]),
            at_truncations,
            collector.hidden_states.actor,
        ),
    )
    return collector, rollout, behaviour, jax.tree.map(lambda each: each.sum(), totals)


def _act(
    plan: CollectionPlan,
    params: Params,
    clock: Clock,
    environments: Int[Array, " E"],
    carry: tuple[Collector, Truncations, PyTree],
    time: Int[Array, ""],
) -> tuple[
    tuple[Collector, Truncations, PyTree],
    tuple[Steps, tuple[Policy, PyTree], EpisodeTotals],
]:
    """Act once, and keep the actor's hidden states after truncated steps."""
    collector, truncations, at_truncations = carry
    observation, counter = collector.observation, clock.update * plan.steps + time
    hidden_states, policy = apply_actor(
        plan.actor,
        params.actor,
        collector.hidden_states.actor,
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
    actions = _taken(chosen, step)
    steps = Steps(
        observation=observation,
        first=collector.first,
        actions=_stored(plan.environment.spec.actions, actions),
        log_probs=policy.log_prob(actions),
        rewards=step.reward,
        terminated=step.terminated,
        truncated=step.truncated,
        forced=step.forced,
    )
    episode_return = collector.episode_return + step.reward
    episode_length = collector.episode_length + 1
    totals = _episode_totals(step, episode_return, episode_length)
    collector = Collector(
        environment_state=environment_state,
        observation=next_observation,
        first=step.boundary,
        hidden_states=replace(collector.hidden_states, actor=hidden_state),
        episode_return=jnp.where(step.boundary, 0.0, episode_return),
        episode_length=jnp.where(step.boundary, 0, episode_length),
    )
    write = partial(_written, _free_slots(truncations, step.truncated, plan.steps))
    at_truncations = jax.tree.map(write, at_truncations, hidden_state)
    truncations = record_truncations(
        truncations, step.observation, step.truncated, time, plan.steps
    )
    return (collector, truncations, at_truncations), (steps, (policy, hidden_state), totals)


def _taken(chosen: Actions, step: Step) -> Actions:
    """The policy's own actions, but the ones carried out where a wrapper replaced them."""
    forced = step.forced.reshape(step.forced.shape + (1,) * (chosen.ndim - step.forced.ndim))
    return jnp.where(forced, step.actions, chosen)


def _stored(space: ActionSpace, actions: Actions) -> Actions:
    """Actions as they are kept: numbered ones in no more bytes than they need."""
    return actions.astype(space.dtype) if isinstance(space, DiscreteActions) else actions


def _episode_totals(
    step: Step, episode_return: Float[Array, " E"], episode_length: Int[Array, " E"]
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
    )
