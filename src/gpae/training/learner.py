"""The policy-gradient learner, once for every method: Algorithm 1 in three phases."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gpae.environments.environment import Environment, View
from gpae.methods import Method
from gpae.networks import Actor, Critic, NetworkSettings, initial_memory
from gpae.training.collection import CollectionPlan, EpisodeTotals, begin, collect, empty_cuts
from gpae.training.diagnostics import batch_diagnostics
from gpae.training.estimation import Batch, EstimationPlan, estimate
from gpae.training.keys import Clock, Purpose, Seed, derive
from gpae.training.reduce import DEVICES
from gpae.training.settings import RolloutSettings, UpdateSettings, WindowSettings
from gpae.training.state import (
    Collector,
    Memories,
    OptimiserStates,
    Parameters,
    Rollout,
    Steps,
    TrainingState,
)
from gpae.training.update import (
    UpdatePlan,
    learning_rate_schedule,
    make_optimiser,
    update_on_batch,
)
from gpae.training.window import append, empty_window

Scalars = dict[str, Float[Array, ""]]


@dataclass(frozen=True)
class Budget:
    """How many of everything a run has; env steps are transitions, not multiplied by agents.

    Attributes:
        environments: Environments collected from in an iteration.
        env_steps: Environment steps an update.
        gradient_steps: Gradient steps an update.
        updates: Updates of the whole run.
    """

    environments: int
    env_steps: int
    gradient_steps: int
    updates: int


def make_budget(
    rollout: RolloutSettings,
    window: WindowSettings,
    update: UpdateSettings,
    total_env_steps: float,
) -> Budget:
    """Count what the settings ask for; the last update is the one that reaches the total."""
    shared = window.length if window.mode == "constant_batch" else 1
    environments = rollout.environments // shared
    env_steps = environments * rollout.steps
    return Budget(
        environments=environments,
        env_steps=env_steps,
        gradient_steps=update.epochs * update.minibatches,
        updates=-(-int(total_env_steps) // env_steps),
    )


@dataclass(frozen=True)
class Learner:
    """Everything of a run that never changes; its methods are pure functions of the training state.

    The phases run on one device's share of the environments, inside a function mapped over devices.
    """

    collection: CollectionPlan
    estimation: EstimationPlan
    gradient: UpdatePlan
    network: NetworkSettings
    window_length: int
    budget: Budget

    def initial_state(self, seed: Seed) -> TrainingState:
        """The state before the first update of the run with a seed, for all its environments."""
        environments = jnp.arange(self.budget.environments)
        collector = begin(self.collection, seed, environments, self._empty_memories())
        parameters = self._initial_parameters(seed, collector)
        optimiser = self.gradient.optimiser
        return TrainingState(
            clock=Clock(seed=jnp.asarray(seed, jnp.uint32), update=jnp.int32(0)),
            parameters=parameters,
            optimisers=OptimiserStates(
                actor=optimiser.init(parameters.actor), critic=optimiser.init(parameters.critic)
            ),
            collector=collector,
            window=empty_window(self._blank_rollout(collector), self.window_length),
        )

    def collect_phase(
        self, state: TrainingState, environments: Int[Array, " E"]
    ) -> tuple[TrainingState, EpisodeTotals]:
        """Collect a rollout and append it to the window."""
        collector, rollout, totals = collect(
            self.collection, state.parameters, state.collector, state.clock, environments
        )
        state = replace(state, collector=collector, window=append(state.window, rollout))
        return state, jax.tree.map(lambda total: jax.lax.psum(total, DEVICES), totals)

    def estimate_phase(
        self, state: TrainingState, environments: Int[Array, " E"]
    ) -> tuple[TrainingState, Batch, Scalars]:
        """Estimate advantages and targets over the window."""
        batch, critic_memory = estimate(
            self.estimation,
            state.parameters,
            state.window,
            state.collector.view,
            state.clock,
            environments,
        )
        memories = replace(state.collector.memories, critic=critic_memory)
        state = replace(state, collector=replace(state.collector, memories=memories))
        return state, batch, batch_diagnostics(batch)

    def update_phase(self, state: TrainingState, batch: Batch) -> tuple[TrainingState, Scalars]:
        """Make the gradient steps."""
        parameters, optimisers, scalars = update_on_batch(
            self.gradient, state.parameters, state.optimisers, batch, state.clock
        )
        clock = replace(state.clock, update=state.clock.update + 1)
        state = replace(state, clock=clock, parameters=parameters, optimisers=optimisers)
        return state, scalars

    def iteration(
        self, state: TrainingState, environments: Int[Array, " E"]
    ) -> tuple[TrainingState, EpisodeTotals, Scalars]:
        """One iteration of Algorithm 1."""
        state, totals = self.collect_phase(state, environments)
        state, batch, diagnostics = self.estimate_phase(state, environments)
        state, scalars = self.update_phase(state, batch)
        return state, totals, {**diagnostics, **scalars}

    def _empty_memories(self) -> Memories:
        agents = self.collection.environment.spec.num_agents
        values = self.estimation.method.critic_inputs.values_per_state(agents)
        environments = self.budget.environments
        return Memories(
            actor=initial_memory(self.network, environments, agents),
            critic=initial_memory(self.network, environments, values),
        )

    def _initial_parameters(self, seed: Seed, collector: Collector) -> Parameters:
        actor_key, critic_key = jax.random.split(derive(seed, Purpose.PARAMETERS, 0))
        view: View = jax.tree.map(lambda leaf: leaf[None, :1], collector.view)
        memories = jax.tree.map(lambda leaf: leaf[:1], collector.memories)
        resets = jnp.ones((1, 1), bool)
        actions = jnp.zeros(view.available_actions.shape)
        return Parameters(
            actor=self.estimation.actor.init(
                actor_key, memories.actor, view.observations, view.available_actions, resets
            ),
            critic=self.estimation.critic.init(
                critic_key, memories.critic, view.state, actions, actions, resets
            ),
        )

    def _blank_rollout(self, collector: Collector) -> Rollout:
        """A rollout of zeros, for its shapes."""
        plan = self.collection
        steps, size = plan.steps, collector.first.shape[0]
        agents = plan.environment.spec.num_agents
        view = jax.tree.map(
            lambda leaf: jnp.zeros((steps, *leaf.shape), leaf.dtype), collector.view
        )
        return Rollout(
            steps=Steps(
                view=view,
                first=jnp.zeros((steps, size), bool),
                actions=jnp.zeros((steps, size, agents), jnp.int32),
                log_probs=jnp.zeros((steps, size, agents)),
                rewards=jnp.zeros((steps, size)),
                terminated=jnp.zeros((steps, size), bool),
                truncated=jnp.zeros((steps, size), bool),
                forced=jnp.zeros((steps, size, agents), bool),
            ),
            cuts=empty_cuts(collector.view, plan.cut_slots, steps),
            memories=collector.memories,
        )


def make_learner(
    environment: Environment,
    method: Method,
    network: NetworkSettings,
    rollout: RolloutSettings,
    window: WindowSettings,
    update: UpdateSettings,
    *,
    discount: float,
    total_env_steps: float,
) -> Learner:
    """Put a learner together from an environment, a method and settings already checked."""
    budget = make_budget(rollout, window, update, total_env_steps)
    actor = Actor(network, environment.spec.actions.size)
    critic = Critic(network, method.critic_inputs)
    schedule = learning_rate_schedule(update, budget.gradient_steps, budget.updates)
    return Learner(
        collection=CollectionPlan(environment, actor, rollout.steps),
        estimation=EstimationPlan(actor, critic, method, discount),
        gradient=UpdatePlan(
            actor,
            critic,
            make_optimiser(update, schedule),
            update,
            update.chunk or rollout.steps,
        ),
        network=network,
        window_length=window.length,
        budget=budget,
    )
