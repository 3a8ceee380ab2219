"""The policy-gradient learner, once for every method: Algorithm 1 in three phases."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from gpae.environments.environment import Environment, Observation
from gpae.methods import Method
from gpae.networks import (
    Actor,
    Critic,
    NetworkSettings,
    initial_hidden_state,
    make_reward_models,
)
from gpae.training.collection import CollectionPlan, EpisodeTotals, begin, collect, empty_rollout
from gpae.training.diagnostics import batch_diagnostics
from gpae.training.estimation import Batch, estimate
from gpae.training.keys import Clock, Purpose, Seed, derive
from gpae.training.objectives import Objective
from gpae.training.passes import EstimationPlan
from gpae.training.protocol import Budget, Metrics, Phase
from gpae.training.reduce import DEVICES
from gpae.training.settings import RolloutSettings, UpdateSettings, WindowSettings
from gpae.training.sharding import (
    BY_ENVIRONMENT,
    BY_ROLLOUT_TIME_AND_ENVIRONMENT,
    BY_TIME_AND_ENVIRONMENT,
    EVERYWHERE,
)
from gpae.training.state import (
    Behaviour,
    Collector,
    HiddenStates,
    Params,
    Rollout,
    TrainingState,
    Window,
)
from gpae.training.update import (
    UpdatePlan,
    initial_optimisers,
    learning_rate_schedule,
    make_optimiser,
    update_on_batch,
)
from gpae.training.valuation import critic_inputs
from gpae.training.window import append, empty_window

STATE_SPECS = TrainingState(
    clock=EVERYWHERE,
    params=EVERYWHERE,
    optimiser_states=EVERYWHERE,
    collector=BY_ENVIRONMENT,
    window=Window(
        rollouts=Rollout(
            steps=BY_ROLLOUT_TIME_AND_ENVIRONMENT,
            truncations=BY_ROLLOUT_TIME_AND_ENVIRONMENT,
            hidden_states=BY_TIME_AND_ENVIRONMENT,
        ),
        valid=EVERYWHERE,
    ),
)


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
class PolicyGradientLearner:
    """The :class:`~gpae.training.protocol.Learner` of every policy-gradient method."""

    collection: CollectionPlan
    estimation: EstimationPlan
    gradient: UpdatePlan
    network: NetworkSettings
    window_length: int
    budget: Budget

    @property
    def actor(self) -> Actor:
        """The policy network."""
        return self.estimation.actor

    @property
    def shares(self) -> int:
        """Into how many shares of whole minibatches the environments split.

        Raises:
            ValueError: The environments do not even split into the minibatches.
        """
        environments, minibatches = self.budget.environments, self.gradient.settings.minibatches
        if environments % minibatches:
            raise ValueError(
                f"{environments} environments do not split into {minibatches} minibatches"
            )
        return environments // minibatches

    @property
    def state_specs(self) -> TrainingState:
        """Environments are split over devices, the rest is everywhere."""
        return STATE_SPECS

    @property
    def collect_hands_on(self) -> Any:
        """How what acted is laid out; it is handed on at M = 1, where nothing else is estimated."""
        return BY_TIME_AND_ENVIRONMENT if self.window_length == 1 else None

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Estimation and update."""
        return (
            Phase("estimate", self.estimate_phase, hands_on=BY_TIME_AND_ENVIRONMENT),
            Phase("update", self.update_phase),
        )

    def initial_state(self, seed: Seed) -> TrainingState:
        """The state before the first update of the run with a seed, for all its environments."""
        environments = jnp.arange(self.budget.environments)
        collector = begin(self.collection, seed, environments, self.empty_hidden_states())
        params = self.initial_params(seed, collector)
        return TrainingState(
            clock=Clock(seed=jnp.asarray(seed, jnp.uint32), update=jnp.int32(0)),
            params=params,
            optimiser_states=initial_optimisers(self.gradient.optimiser, params),
            collector=collector,
            window=empty_window(empty_rollout(self.collection, collector), self.window_length),
        )

    def collect_phase(
        self, state: TrainingState, environments: Int[Array, " E"]
    ) -> tuple[TrainingState, Behaviour | None, EpisodeTotals]:
        """Collect a rollout and append it to the window."""
        collector, rollout, behaviour, totals = collect(
            self.collection, state.params, state.collector, state.clock, environments
        )
        state = replace(state, collector=collector, window=append(state.window, rollout))
        totals = jax.tree.map(lambda total: jax.lax.psum(total, DEVICES), totals)
        return state, behaviour if self.window_length == 1 else None, totals

    def estimate_phase(
        self, state: TrainingState, behaviour: Behaviour | None, environments: Int[Array, " E"]
    ) -> tuple[TrainingState, Batch, Metrics]:
        """Estimate advantages and targets over the window.

        Without what acted in its only rollout, the policies are computed again.
        """
        batch, critic_hidden_state = estimate(
            self.estimation,
            state.params,
            state.window,
            state.collector.observation,
            state.clock,
            environments,
            behaviour,
        )
        hidden_states = replace(state.collector.hidden_states, critic=critic_hidden_state)
        state = replace(state, collector=replace(state.collector, hidden_states=hidden_states))
        return state, batch, batch_diagnostics(batch)

    def update_phase(
        self, state: TrainingState, batch: Batch, environments: Int[Array, " E"]
    ) -> tuple[TrainingState, None, Metrics]:
        """Make the gradient steps."""
        params, optimiser_states, metrics = update_on_batch(
            self.gradient, state.params, state.optimiser_states, batch, state.clock
        )
        clock = replace(state.clock, update=state.clock.update + 1)
        state = replace(state, clock=clock, params=params, optimiser_states=optimiser_states)
        return state, None, metrics

    def empty_hidden_states(self) -> HiddenStates:
        """What the networks remember before the first step of every environment."""
        agents = self.collection.environment.spec.num_agents
        values = self.estimation.critic.spec.values_per_state(agents)
        environments = self.budget.environments
        return HiddenStates(
            actor=initial_hidden_state(self.network, environments, agents),
            critic=initial_hidden_state(self.network, environments, values),
        )

    def initial_params(self, seed: Seed, collector: Collector) -> Params:
        """The networks' parameters of the run with a seed, shaped after what is seen."""
        actor_key, critic_key = jax.random.split(derive(seed, Purpose.PARAMETERS, 0))
        plan = self.estimation
        observation: Observation = jax.tree.map(lambda leaf: leaf[None, :1], collector.observation)
        hidden_states = jax.tree.map(lambda leaf: leaf[:1], collector.hidden_states)
        resets = jnp.ones((1, 1), bool)
        actions = jnp.zeros(observation.available_actions.shape)
        inputs = critic_inputs(plan.critic.spec, observation, actions, actions)
        models = plan.reward_models
        return Params(
            actor=plan.actor.init(
                actor_key,
                hidden_states.actor,
                observation.observations,
                observation.available_actions,
                resets,
            ),
            critic=plan.critic.init(critic_key, hidden_states.critic, inputs, resets),
            reward_model=models and models.init(derive(seed, Purpose.REWARD_MODELS, 0), inputs),
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
) -> PolicyGradientLearner:
    """Put a learner together from an environment, a method and settings already checked."""
    budget = make_budget(rollout, window, update, total_env_steps)
    actions = environment.spec.actions
    actor = Actor(network, actions)
    critic = Critic(network, method.critic(actions))
    models = method.reward_models
    reward_models = make_reward_models(network, actions, models) if models else None
    schedule = learning_rate_schedule(update, budget.gradient_steps, budget.updates)
    return PolicyGradientLearner(
        collection=CollectionPlan(environment, actor, rollout.steps),
        estimation=EstimationPlan(actor, critic, reward_models, method, discount),
        gradient=UpdatePlan(
            Objective(actor, critic, reward_models, update),
            make_optimiser(update, schedule),
            update.chunk or rollout.steps,
        ),
        network=network,
        window_length=window.length,
        budget=budget,
    )
