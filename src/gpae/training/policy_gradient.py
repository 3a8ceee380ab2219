"""The policy-gradient learner, once for every method: Algorithm 1 in three phases."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from gpae.environments.environment import ContinuousActions, Environment, Observation
from gpae.errors import UserError
from gpae.methods import (
    Batch,
    HiddenStates,
    LearnedNetwork,
    Metrics,
    PolicyGradientMethod,
    UpdateSettings,
)
from gpae.networks import Actor, NetworkSettings, initial_hidden_state
from gpae.training.collection import CollectionPlan, begin, collect, empty_rollout
from gpae.training.estimation import EstimationPlan, batch_diagnostics, estimate
from gpae.training.hyperparameters import NumericSettings, Tunable, remaking
from gpae.training.keys import Clock, Seed, derive_of_network
from gpae.training.protocol import Budget, Phase
from gpae.training.settings import RolloutSettings, WindowSettings
from gpae.training.shaping import make_shaping
from gpae.training.sharding import (
    BY_ENVIRONMENT,
    BY_ROLLOUT_TIME_AND_ENVIRONMENT,
    BY_TIME_AND_ENVIRONMENT,
    EVERYWHERE,
)
from gpae.training.state import CollectorState, Forward, Params, Rollout, TrainingState, Window
from gpae.training.update import (
    Objective,
    UpdatePlan,
    initial_optimiser_states,
    learning_rate_schedule,
    make_optimiser,
    update_on_batch,
)
from gpae.training.window import append, cut_off, empty_window

STATE_SHARDING = TrainingState(
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
    """The numbers that the settings ask for; the last update is the one that reaches the total."""
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
class PolicyGradientLearner(Tunable["PolicyGradientLearner"]):
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
    def networks(self) -> dict[str, LearnedNetwork]:
        """The method's networks by name."""
        return self.estimation.networks

    @property
    def shares(self) -> int:
        """Number of shares of whole minibatches that the environments split into.

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
    def state_sharding(self) -> TrainingState:
        """Environments are split over devices, the rest is everywhere."""
        return STATE_SHARDING

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Collection, estimation and update.

        With M = 1 collection's outputs are the actor's forward pass, which estimation then need not
        make again.
        """
        acted = BY_TIME_AND_ENVIRONMENT if self.window_length == 1 else None
        return (
            Phase("collect", self.collect_phase, acted),
            Phase("estimate", self.estimate_phase, BY_TIME_AND_ENVIRONMENT),
            Phase("update", self.update_phase),
        )

    def initial_state(self, seed: Seed) -> TrainingState:
        """The state before the first update of the run with a seed, for all its environments."""
        environments = jnp.arange(self.budget.environments)
        collector = begin(self.collection, seed, environments, self.initial_hidden_states())
        params = self.initial_params(seed, collector)
        return TrainingState(
            clock=Clock(seed=jnp.asarray(seed, jnp.uint32), update=jnp.int32(0)),
            params=params,
            optimiser_states=initial_optimiser_states(self.gradient.optimiser, params),
            collector=collector,
            window=empty_window(empty_rollout(self.collection, collector), self.window_length),
        )

    def with_new_episodes(self, state: TrainingState) -> TrainingState:
        """A state whose episodes under way are cut off, and new ones begun in their place."""
        counter, environments = state.clock.update, jnp.arange(self.budget.environments)
        hidden_states = self.initial_hidden_states()
        return replace(
            state,
            collector=begin(
                self.collection, state.clock.seed, environments, hidden_states, counter
            ),
            window=cut_off(state.window, state.collector),
        )

    def with_params(self, state: TrainingState, params: Params) -> TrainingState:
        """A first state with other parameters."""
        return replace(state, params=params)

    def collect_phase(
        self, state: TrainingState, inputs: None, environments: Int[Array, " E"]
    ) -> tuple[TrainingState, Forward | None, Metrics]:
        """Collect a rollout and append it to the window."""
        collector, rollout, acted, totals = collect(
            self.collection, state.params["actor"], state.collector, state.clock, environments
        )
        state = replace(state, collector=collector, window=append(state.window, rollout))
        metrics = self.collection.metrics(totals, state.clock)
        return state, acted if self.window_length == 1 else None, metrics

    def estimate_phase(
        self, state: TrainingState, acted: Forward | None, environments: Int[Array, " E"]
    ) -> tuple[TrainingState, tuple[Batch, HiddenStates], Metrics]:
        """Estimate advantages and targets over the window.

        Without the actor's forward pass over its only rollout, that is made again.
        """
        estimation = estimate(
            self.estimation,
            state.params,
            state.window,
            state.collector.observation,
            state.clock,
            environments,
            acted,
        )
        batch, collector = estimation.batch, state.collector
        after = {**estimation.after, "actor": collector.hidden_states["actor"]}
        state = replace(state, collector=replace(collector, hidden_states=after))
        diagnostics = batch_diagnostics(batch, estimation.coefficients)
        return state, (batch, estimation.hidden_states), diagnostics

    def update_phase(
        self,
        state: TrainingState,
        inputs: tuple[Batch, HiddenStates],
        environments: Int[Array, " E"],
    ) -> tuple[TrainingState, None, Metrics]:
        """Make the gradient steps."""
        params, optimiser_states, metrics = update_on_batch(
            self.gradient, state.params, state.optimiser_states, *inputs, state.clock
        )
        clock = replace(state.clock, update=state.clock.update + 1)
        state = replace(state, clock=clock, params=params, optimiser_states=optimiser_states)
        return state, None, metrics

    def initial_hidden_states(self, environments: int | None = None) -> HiddenStates:
        """The networks' hidden states before the first step of every environment.

        Args:
            environments: Number of environments; those of the run when None.
        """
        environments = environments or self.budget.environments
        agents = self.collection.environment.spec.num_agents
        return {
            "actor": initial_hidden_state(self.network, environments, agents),
            **{
                name: network.initial_hidden_state(environments, agents)
                for name, network in self.networks.items()
            },
        }

    def initial_params(self, seed: Seed, collector: CollectorState) -> Params:
        """The networks' first parameters in the run with a seed, for such observations."""
        observation: Observation = jax.tree.map(lambda leaf: leaf[None, :1], collector.observation)
        (_, policy), actor = self.actor.init_with_output(
            derive_of_network(seed, "actor"),
            jax.tree.map(lambda leaf: leaf[:1], collector.hidden_states["actor"]),
            observation.observations,
            observation.available_actions,
            jnp.ones((1, 1), bool),
        )
        return {
            "actor": actor,
            **{
                name: network.init(
                    derive_of_network(seed, name),
                    network.inputs(observation, policy, policy.summary(), policy.mode()),
                )
                for name, network in self.networks.items()
            },
        }


def make_policy_gradient_learner(
    environment: Environment,
    method: PolicyGradientMethod,
    network: NetworkSettings,
    rollout: RolloutSettings,
    window: WindowSettings,
    update: UpdateSettings,
    *,
    discount: float,
    total_env_steps: float,
) -> PolicyGradientLearner:
    """A learner of an environment, a method and settings already checked.

    Raises:
        UserError: Actions are to be squashed into bounds that are not finite, or shaped rewards
            are asked for and there are none.
    """
    space = environment.spec.actions
    if network.squash_actions and isinstance(space, ContinuousActions) and not space.is_bounded:
        raise UserError(
            f"{environment.spec.name} has actions from {space.low:g} to {space.high:g}, and "
            "network.squash_actions=true needs finite bounds: leave it out"
        )
    budget = make_budget(rollout, window, update, total_env_steps)
    actor = Actor(network, space)
    networks = method.networks(environment.spec, network, update)
    shaping = make_shaping(environment.spec, rollout.shaping_steps, budget.env_steps)
    schedule = learning_rate_schedule(update, budget.gradient_steps, budget.updates)

    return PolicyGradientLearner(
        numbers=NumericSettings(method, update, discount),
        remake=remaking(
            make_policy_gradient_learner, environment, network, rollout, window, total_env_steps
        ),
        collection=CollectionPlan(environment, actor, rollout.steps, shaping),
        estimation=EstimationPlan(actor, networks, method, discount),
        gradient=UpdatePlan(
            Objective(actor, networks, update),
            make_optimiser(update, schedule),
            update.chunk or rollout.steps,
        ),
        network=network,
        window_length=window.length,
        budget=budget,
    )
