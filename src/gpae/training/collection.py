"""Acting in the environments: T steps of each, with the successors of truncated steps kept."""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, Shaped

from gpae.environments.environment import (
    Actions,
    ActionSpace,
    DiscreteActions,
    Environment,
    Step,
    View,
    auto_reset_step,
)
from gpae.networks import Policy, PolicyNetwork, apply_actor, sample
from gpae.training.keys import Clock, Purpose, Seed, derive_each
from gpae.training.state import (
    Behaviour,
    Collector,
    Cuts,
    Memories,
    Parameters,
    Rollout,
    Steps,
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
    def cut_slots(self) -> int:
        """The number K of truncations one environment can have in a rollout."""
        limit = self.environment.spec.max_episode_steps
        return self.steps if limit is None else -(-self.steps // limit)


def begin(
    plan: CollectionPlan,
    seed: Seed,
    environments: Int[Array, " E"],
    memories: Memories,
    counter: Int[Array, ""] | int = 0,
) -> Collector:
    """Reset the environments with the given numbers, and begin with the given (empty) memories.

    Args:
        plan: What never changes.
        seed: The run's seed.
        environments: The environments' numbers in the whole run.
        memories: The recurrent states to begin with.
        counter: How often they have been reset before, all of them at once.
    """
    keys = derive_each(seed, Purpose.RESET, counter, environments)
    environment_state, view = jax.vmap(plan.environment.reset)(keys)
    size = environments.shape[0]
    return Collector(
        environment_state=environment_state,
        view=view,
        first=jnp.ones(size, bool),
        memories=memories,
        episode_return=jnp.zeros(size),
        episode_length=jnp.zeros(size, jnp.int32),
    )


def empty_cuts(view: View, slots: int, steps: int) -> Cuts:
    """Unused slots for each of the environments of ``view``."""
    size = view.state.shape[0]
    return Cuts(
        view=jax.tree.map(lambda leaf: jnp.zeros((slots, *leaf.shape), leaf.dtype), view),
        index=jnp.full((slots, size), steps, jnp.int32),
    )


def record_cuts(
    cuts: Cuts,
    successor: View,
    truncated: Bool[Array, " E"],
    time: Int[Array, ""] | int,
    unused: int,
) -> Cuts:
    """Put the successors of the environments truncated at ``time`` in their next free slots."""
    write = partial(_written, _free_slots(cuts, truncated, unused))
    return Cuts(
        view=jax.tree.map(write, cuts.view, successor),
        index=write(cuts.index, jnp.full(len(truncated), time)),
    )


def _free_slots(cuts: Cuts, truncated: Bool[Array, " E"], unused: int) -> Int[Array, " E"]:
    """The next free slot of each environment that is truncated, and one past the last of others."""
    used = (cuts.index < unused).sum(0)
    return jnp.where(truncated, used, len(cuts.index))


def _written(
    slots: Int[Array, " E"], kept: Shaped[Array, "K E *x"], new: Shaped[Array, "E *x"]
) -> Shaped[Array, "K E *x"]:
    """What is kept in slots, with something new in a slot of each environment that has one."""
    return kept.at[slots, jnp.arange(len(slots))].set(new, mode="drop")


def empty_rollout(plan: CollectionPlan, collector: Collector) -> Rollout:
    """What :func:`collect` returns from there in shapes and types, but empty; nothing is traced."""
    view, space = collector.view, plan.environment.spec.actions
    like_actions = view.alive if isinstance(space, DiscreteActions) else view.available_actions
    step = Steps(
        view=view,
        first=collector.first,
        actions=_stored(space, jnp.zeros(like_actions.shape)),
        log_probs=jnp.zeros(view.alive.shape),
        rewards=collector.episode_return,
        terminated=collector.first,
        truncated=collector.first,
        forced=view.alive,
    )
    return Rollout(
        steps=jax.tree.map(lambda leaf: jnp.zeros((plan.steps, *leaf.shape), leaf.dtype), step),
        cuts=empty_cuts(view, plan.cut_slots, plan.steps),
        memories=collector.memories,
    )


def collect(
    plan: CollectionPlan,
    parameters: Parameters,
    collector: Collector,
    clock: Clock,
    environments: Int[Array, " E"],
) -> tuple[Collector, Rollout, Behaviour, EpisodeTotals]:
    """Act for T steps in every environment.

    Args:
        plan: What never changes.
        parameters: The networks' parameters; the actor's is the behaviour policy.
        collector: Where the last rollout stopped.
        clock: Seed and number of updates made, from which the keys of every step follow.
        environments: The environments' numbers in the whole run, from which their keys follow.

    Returns:
        Where this rollout stopped, the rollout, what acted in it, and the totals of the episodes
        that ended in it.
    """
    act = partial(_act, plan, parameters, clock, environments)
    start = collector.memories
    cuts = empty_cuts(collector.view, plan.cut_slots, plan.steps)
    at_cuts = jnp.zeros((plan.cut_slots, *start.actor.shape))
    (collector, cuts, at_cuts), (steps, (policy, memories), totals) = jax.lax.scan(
        act, (collector, cuts, at_cuts), jnp.arange(plan.steps)
    )
    rollout = Rollout(steps=steps, cuts=cuts, memories=start)
    behaviour = Behaviour(
        policy=policy,
        memories=memories,
        at_successors=jnp.concatenate([at_cuts, collector.memories.actor[None]]),
    )
    return collector, rollout, behaviour, jax.tree.map(lambda each: each.sum(), totals)


def _act(
    plan: CollectionPlan,
    parameters: Parameters,
    clock: Clock,
    environments: Int[Array, " E"],
    carry: tuple[Collector, Cuts, Float[Array, "K E N M"]],
    time: Int[Array, ""],
) -> tuple[
    tuple[Collector, Cuts, Float[Array, "K E N M"]],
    tuple[Steps, tuple[Policy, Float[Array, "E N M"]], EpisodeTotals],
]:
    """Act once; also kept are the actor's memories after truncated steps, in the cuts' slots."""
    collector, cuts, at_cuts = carry
    view, counter = collector.view, clock.update * plan.steps + time
    memories, policy = apply_actor(
        plan.actor,
        parameters.actor,
        collector.memories.actor,
        view.observations[None],
        view.available_actions[None],
        collector.first[None],
    )
    policy, memory = policy[0], memories[0]
    chosen = sample(derive_each(clock.seed, Purpose.ACTION, counter, environments), policy)
    environment_state, next_view, step = jax.vmap(partial(auto_reset_step, plan.environment))(
        derive_each(clock.seed, Purpose.STEP, counter, environments),
        collector.environment_state,
        policy.executed(chosen),
    )
    actions = _taken(chosen, step)
    steps = Steps(
        view=view,
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
        view=next_view,
        first=step.boundary,
        memories=replace(collector.memories, actor=memory),
        episode_return=jnp.where(step.boundary, 0.0, episode_return),
        episode_length=jnp.where(step.boundary, 0, episode_length),
    )
    at_cuts = _written(_free_slots(cuts, step.truncated, plan.steps), at_cuts, memory)
    cuts = record_cuts(cuts, step.view, step.truncated, time, plan.steps)
    return (collector, cuts, at_cuts), (steps, (policy, memory), totals)


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
