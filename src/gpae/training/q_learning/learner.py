"""The Q-learner, once for every mixer: collect, replay, and now and then copy the target."""

import math
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from gpae.environments.environment import DiscreteActions, Environment
from gpae.errors import UserError
from gpae.methods import Metrics, QLearningMethod, UpdateSettings
from gpae.networks import GreedyActor, NetworkSettings, QNetwork, initial_hidden_state
from gpae.training.collection import CollectionPlan, EpisodeTotals
from gpae.training.hyperparameters import NumericSettings, Tunable, remaking
from gpae.training.keys import Clock, Seed, derive_of_network
from gpae.training.protocol import Budget, Phase
from gpae.training.q_learning.buffer import BUFFER_SPECS, add, empty_buffer, trajectories_held
from gpae.training.q_learning.collection import collect_trajectories
from gpae.training.q_learning.exploration import EpsilonGreedyActor, Explorer, epsilon_at
from gpae.training.q_learning.state import QState, Trajectories
from gpae.training.q_learning.targets import ValuePlan
from gpae.training.q_learning.update import QUpdatePlan, make_q_optimiser, update_from_buffer
from gpae.training.settings import RolloutSettings, WindowSettings
from gpae.training.shaping import make_shaping
from gpae.training.sharding import EVERYWHERE
from gpae.training.state import Params
from gpae.training.update import learning_rate_schedule

STATE_SHARDING = QState(
    clock=EVERYWHERE,
    params=EVERYWHERE,
    target_params=EVERYWHERE,
    optimiser_states=EVERYWHERE,
    buffer=BUFFER_SPECS,
)


def make_q_budget(
    method: QLearningMethod,
    rollout: RolloutSettings,
    update: UpdateSettings,
    total_env_steps: float,
) -> Budget:
    """The numbers that the settings ask for; the last update is the one that reaches the total.

    The first gradient step comes once more than ``learning_starts`` env steps were made and the
    buffer holds a batch.
    """
    env_steps = rollout.environments * rollout.steps
    return Budget(
        environments=rollout.environments,
        env_steps=env_steps,
        gradient_steps=update.epochs,
        updates=math.ceil(int(total_env_steps) / env_steps),
        warmup=max(
            method.learning_starts // env_steps,
            math.ceil(method.batch_size / rollout.environments) - 1,
        ),
    )


@dataclass(frozen=True)
class QLearner(Tunable["QLearner"]):
    """The :class:`~gpae.training.protocol.Learner` of every Q-learning method."""

    collection: CollectionPlan
    gradient: QUpdatePlan
    network: NetworkSettings
    budget: Budget

    @property
    def actor(self) -> GreedyActor:
        """The Q-network as a greedy policy."""
        return GreedyActor(self.gradient.values.network)

    @property
    def shares(self) -> int:
        """Number of equal shares of both the environments and a batch."""
        return math.gcd(self.budget.environments, self.method.batch_size)

    @property
    def state_sharding(self) -> QState:
        """The buffer is split by environments, the rest is everywhere."""
        return STATE_SHARDING

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Collection into the buffer, and the gradient steps with the target's copy."""
        return (Phase("collect", self.collect_phase), Phase("update", self.update_phase))

    @property
    def method(self) -> QLearningMethod:
        """The method's settings."""
        return self.gradient.values.method

    def initial_state(self, seed: Seed) -> QState:
        """The state before the first update of the run with a seed."""
        clock = Clock(seed=jnp.asarray(seed, jnp.uint32), update=jnp.int32(0))
        params = self._initial_params(seed)
        environments = jnp.arange(self.budget.environments)
        shapes, _ = jax.eval_shape(self._collect, params, clock, environments)
        return QState(
            clock=clock,
            params=params,
            target_params=params,
            optimiser_states=self.gradient.optimiser.init(params),
            buffer=empty_buffer(shapes, self.method.buffer_size),
        )

    def with_new_episodes(self, state: QState) -> QState:
        """The state itself: no episode is under way between two updates."""
        return state

    def with_params(self, state: QState, params: Params) -> QState:
        """A first state with other parameters, also of the target networks."""
        return replace(state, params=params, target_params=params)

    def collect_phase(
        self, state: QState, inputs: None, environments: Int[Array, " E"]
    ) -> tuple[QState, None, Metrics]:
        """Collect a trajectory of each environment and put it into the buffer."""
        trajectories, totals = self._collect(state.params, state.clock, environments)
        state = replace(state, buffer=add(state.buffer, trajectories))
        return state, None, self.collection.metrics(totals, state.clock)

    def update_phase(
        self, state: QState, inputs: None, environments: Int[Array, " E"]
    ) -> tuple[QState, None, Metrics]:
        """Make the gradient steps, once learning has begun, and move the target networks if due."""
        update = state.clock.update
        params, optimiser_states, metrics = self._learn(state)
        due = update % self.method.target_interval == 0
        moved = optax.incremental_update(params, state.target_params, self.method.target_rate)
        metrics["q/epsilon"] = self._epsilon(update)
        metrics["buffer/trajectories"] = trajectories_held(state.buffer)
        state = replace(
            state,
            clock=replace(state.clock, update=update + 1),
            params=params,
            target_params=jax.tree.map(partial(jnp.where, due), moved, state.target_params),
            optimiser_states=optimiser_states,
        )
        return state, None, metrics

    def _learn(self, state: QState) -> tuple[Params, optax.OptState, Metrics]:
        """The gradient steps, or none and zeros for their metrics before learning begins."""
        learn = partial(update_from_buffer, self.gradient)
        shapes = jax.eval_shape(learn, state)[2]

        def wait(state: QState) -> tuple[Params, optax.OptState, Metrics]:
            zeros = {name: jnp.zeros(leaf.shape, leaf.dtype) for name, leaf in shapes.items()}
            return state.params, state.optimiser_states, zeros

        result: tuple[Params, optax.OptState, Metrics] = jax.lax.cond(
            state.clock.update >= self.budget.warmup, learn, wait, state
        )
        return result

    def _collect(
        self, params: Params, clock: Clock, environments: Int[Array, " E"]
    ) -> tuple[Trajectories, EpisodeTotals]:
        explorer = Explorer(params["actor"], self._epsilon(clock.update))
        return collect_trajectories(self.collection, self.network, explorer, clock, environments)

    def _epsilon(self, update: Int[Array, ""]) -> Float[Array, ""]:
        return epsilon_at(self.method, update, self.budget.updates)

    def _initial_params(self, seed: Seed) -> Params:
        spec, values = self.collection.environment.spec, self.gradient.values
        return {
            "actor": values.network.init(
                derive_of_network(seed, "actor"),
                initial_hidden_state(self.network, 1, spec.num_agents),
                jnp.zeros((1, 1, spec.num_agents, spec.observation_size)),
                jnp.ones((1, 1), bool),
            ),
            "mixer": values.mixer.init(
                derive_of_network(seed, "mixer"),
                jnp.zeros((1, spec.num_agents)),
                jnp.zeros((1, spec.state_size)),
            ),
        }


def make_q_learner(
    environment: Environment,
    method: QLearningMethod,
    network: NetworkSettings,
    rollout: RolloutSettings,
    window: WindowSettings,
    update: UpdateSettings,
    *,
    discount: float,
    total_env_steps: float,
) -> QLearner:
    """A Q-learner of an environment, a method and settings already checked.

    Raises:
        UserError: The environment's actions are continuous, it pays each agent its own reward, or
            shaped rewards are asked for and there are none.
    """
    space = environment.spec.actions
    if not isinstance(space, DiscreteActions):
        raise UserError(
            f"{environment.spec.name} has continuous actions, and Q-learning needs discrete ones: "
            "use another method, such as method=gpae"
        )
    if environment.spec.agent_rewards:
        raise UserError(
            f"{environment.spec.name} pays each agent a reward of its own, and {method.name} needs "
            "one team reward: use another method, such as method=gpae"
        )
    budget = make_q_budget(method, rollout, update, total_env_steps)
    shaping = make_shaping(environment.spec, rollout.shaping_steps, budget.env_steps)
    q_network = QNetwork(network, space.size)
    learning = max(1, budget.updates - budget.warmup)
    schedule = learning_rate_schedule(update, budget.gradient_steps, learning)

    return QLearner(
        numbers=NumericSettings(method, update, discount),
        remake=remaking(make_q_learner, environment, network, rollout, window, total_env_steps),
        collection=CollectionPlan(
            environment, EpsilonGreedyActor(q_network), rollout.steps, shaping
        ),
        gradient=QUpdatePlan(
            ValuePlan(q_network, method.mixer, method, discount),
            make_q_optimiser(update, schedule),
            update.epochs,
        ),
        network=network,
        budget=budget,
    )
