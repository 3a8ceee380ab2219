"""Critics trained on rollouts of one fixed policy: the same data and gradient steps for each."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Int

from gpae.credit.pairs import Progress
from gpae.credit.states import stream_seed
from gpae.environments import Observation
from gpae.methods import HiddenStates, PolicyGradientMethod, UpdateSettings
from gpae.networks import NetworkSettings, initial_hidden_state
from gpae.training.collection import CollectionPlan, begin, collect
from gpae.training.estimation import estimate
from gpae.training.keys import Clock
from gpae.training.policy_gradient import PolicyGradientLearner, make_policy_gradient_learner
from gpae.training.reduce import DEVICES
from gpae.training.settings import RolloutSettings, WindowSettings
from gpae.training.state import CollectorState, OptimiserStates, Params, Rollout, Window
from gpae.training.update import initial_optimiser_states, update_on_batch


class PolicyBatch(NamedTuple):
    """One rollout of a fixed policy, which goes on where the one before it stopped.

    Attributes:
        rollout: T steps of E environments, with the actor's hidden state alone.
        last: The observation after its last step, [E, ...].
    """

    rollout: Rollout
    last: Observation


def collect_batches(
    learner: PolicyGradientLearner,
    params: Params,
    *,
    count: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[PolicyBatch]:
    """Act with a fixed policy for some rollouts, kept on the host.

    Args:
        learner: The constants of a run: environments, steps and policy network.
        params: The parameters, of which only the actor's count.
        count: Number of rollouts.
        seed: From which the keys follow; they are those of no other part of a measurement.
        progress: Called with the rollouts done and those in all, after each.
    """
    environments = learner.budget.environments
    plan = CollectionPlan(learner.collection.environment, learner.actor, learner.collection.steps)
    stream, numbers = jnp.uint32(stream_seed(seed, "batches")), jnp.arange(environments)

    @jax.jit
    def started() -> CollectorState:
        return begin(plan, stream, numbers, _actor_alone(learner, environments))

    @jax.jit
    def collected(
        collector: CollectorState, update: Int[Array, ""]
    ) -> tuple[CollectorState, Rollout]:
        clock = Clock(seed=stream, update=update)
        return collect(plan, params["actor"], collector, clock, numbers)[:2]

    collector, batches = started(), []
    for index in range(count):
        collector, rollout = collected(collector, jnp.int32(index))
        batches.append(PolicyBatch(*jax.device_get((rollout, collector.observation))))
        if progress is not None:
            progress(index + 1, count)
    return batches


def _actor_alone(learner: PolicyGradientLearner, environments: int) -> HiddenStates:
    agents = learner.collection.environment.spec.num_agents
    return {"actor": initial_hidden_state(learner.network, environments, agents)}


def critic_learner(
    learner: PolicyGradientLearner,
    method: PolicyGradientMethod,
    network: NetworkSettings,
    update: UpdateSettings,
    *,
    visits: int,
) -> PolicyGradientLearner:
    """A method's learner beside the actor, environments and discount of another one.

    Args:
        learner: The run whose policy is judged.
        method: The method whose critics are to be trained, on-policy.
        network: The shape of its critics.
        update: The settings of its gradient steps.
        visits: Number of batches it will learn from, over which its learning rate falls.

    Raises:
        UserError: The method cannot learn in the environment.
    """
    collection, actor = learner.collection, learner.actor
    rollout = RolloutSettings(learner.budget.environments, collection.steps)
    made = make_policy_gradient_learner(
        collection.environment,
        method,
        network,
        rollout,
        WindowSettings(length=1),
        update,
        discount=learner.estimation.discount,
        total_env_steps=visits * rollout.environments * rollout.steps,
    )
    objective = replace(made.gradient.objective, actor=actor)
    return replace(
        made,
        network=learner.network,
        collection=CollectionPlan(collection.environment, actor, collection.steps),
        estimation=replace(made.estimation, actor=actor),
        gradient=replace(made.gradient, objective=objective),
    )


def train_critics(
    learner: PolicyGradientLearner,
    params: Params,
    batches: Sequence[PolicyBatch],
    *,
    visits: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> Params:
    """Train all networks but the actor's, each from its first parameters, the policy fixed.

    Batches are visited in turn, as often as there are visits. A visit estimates targets with the
    critics as they stand, and makes the gradient steps of one update, as training does.

    Args:
        learner: The method's constants, as :func:`critic_learner` gives them.
        params: The parameters, of which only the actor's count.
        batches: The policy's rollouts, from an episode's start on.
        visits: Number of visits.
        seed: From which first parameters and the minibatches' order follow.
        progress: Called with the visits made and those in all, after each.

    Returns:
        The parameters of all networks, the actor's as given.
    """
    training = _Training(learner)
    stream = jnp.uint32(stream_seed(seed, "critics"))
    state = training.first_state(stream, batches[0].last)
    for visit in range(visits):
        if visit % len(batches) == 0:
            state = _at_the_start(learner, state)
        clock = Clock(seed=stream, update=jnp.int32(visit))
        state = training.visit(params["actor"], state, batches[visit % len(batches)], clock)
        if progress is not None:
            progress(visit + 1, visits)
    return {**jax.device_get(state.params), "actor": params["actor"]}


class _CriticState(NamedTuple):
    """Critics between two visits; the actor has no part in it."""

    params: Params
    optimiser_states: OptimiserStates
    hidden_states: HiddenStates


def _at_the_start(learner: PolicyGradientLearner, state: _CriticState) -> _CriticState:
    """The state with the hidden states before an episode's first step."""
    hidden_states = learner.initial_hidden_states()
    del hidden_states["actor"]
    return state._replace(hidden_states=hidden_states)


@dataclass(frozen=True, eq=False)
class _Training:
    """The constants of :func:`train_critics`; its compiled programs are its own."""

    learner: PolicyGradientLearner

    @partial(jax.jit, static_argnums=0)
    def first_state(self, seed: Array, observation: Observation) -> _CriticState:
        """Critics before the first visit."""
        learner = self.learner
        environments = observation.state.shape[0]
        collector = CollectorState(
            environment_state=(),
            observation=observation,
            first=jnp.ones(environments, bool),
            hidden_states=_actor_alone(learner, environments),
            episode_return=jnp.zeros(environments),
            episode_length=jnp.zeros(environments, jnp.int32),
        )
        params = learner.initial_params(seed, collector)
        del params["actor"]
        optimiser_states = initial_optimiser_states(learner.gradient.optimiser, params)
        return _at_the_start(learner, _CriticState(params, optimiser_states, {}))

    @partial(jax.jit, static_argnums=0)
    def visit(
        self, actor: Any, state: _CriticState, batch: PolicyBatch, clock: Clock
    ) -> _CriticState:
        """Estimate targets on a batch, and make the gradient steps of one update."""
        mapped = jax.shard_map(
            self._visit,
            mesh=Mesh(jax.devices()[:1], (DEVICES,)),
            in_specs=PartitionSpec(),
            out_specs=PartitionSpec(),
            check_vma=False,
        )
        visited: _CriticState = mapped(actor, state, batch, clock)
        return visited

    def _visit(
        self, actor: Any, state: _CriticState, batch: PolicyBatch, clock: Clock
    ) -> _CriticState:
        rollout, learner = batch.rollout, self.learner
        begun = {**state.hidden_states, "actor": rollout.hidden_states["actor"]}
        rollout = replace(rollout, hidden_states=begun)
        estimation = estimate(
            learner.estimation,
            {**state.params, "actor": actor},
            Window(jax.tree.map(lambda leaf: leaf[None], rollout), jnp.ones(1, bool)),
            batch.last,
            clock,
            jnp.arange(learner.budget.environments),
        )
        params, optimiser_states, _ = update_on_batch(
            learner.gradient,
            state.params,
            state.optimiser_states,
            estimation.batch,
            estimation.hidden_states,
            clock,
        )
        after = {name: each for name, each in estimation.after.items() if name != "actor"}
        return _CriticState(params, optimiser_states, after)
