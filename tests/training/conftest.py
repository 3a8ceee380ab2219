"""Toy environments with known dynamics, and small learners on them."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh

from gpae.environments import (
    ContinuousActions,
    DiscreteActions,
    EnvironmentSpec,
    Observation,
    Step,
)
from gpae.methods import Coma, Dae, Estimate, Gpae, UpdateSettings
from gpae.networks import CriticInputs, CriticSpec, NetworkSettings
from gpae.training.collection import begin, collect
from gpae.training.estimation import estimate
from gpae.training.families import make_learner
from gpae.training.keys import Clock
from gpae.training.reduce import DEVICES
from gpae.training.settings import RolloutSettings, WindowSettings
from gpae.training.sharding import EVERYWHERE
from gpae.training.state import Rollout, Truncations
from gpae.training.update.minibatch import prepare_batch
from gpae.training.window import append, empty_window

AGENTS, ACTIONS = 3, 3


@dataclasses.dataclass(frozen=True)
class Clockwork:
    """Deterministic once reset: actions push the agents' positions, the clock does the rest.

    An episode terminates after a length of 2 to 8 drawn at its reset (never, where ``endless``) or
    is truncated after ``limit`` steps. Agent i may not take action 2 when time + i is a multiple of
    3, and agent 2 is dead from time 4 on, with action 0 only. Where the time is a multiple of
    ``gate``, agent i can take only action i, so that there is nothing to sample. The spec states
    the limit, or with ``stated_limit`` another one and that episodes may be truncated before it.
    """

    limit: int = 6
    endless: bool = False
    gate: int = 1000
    stated_limit: int | None = 0

    @property
    def spec(self):
        return EnvironmentSpec(
            "test/clockwork",
            AGENTS,
            3,
            AGENTS + 1,
            DiscreteActions(ACTIONS),
            self.limit if self.stated_limit == 0 else self.stated_limit,
            ("late",),
            early_truncation=self.stated_limit != 0,
        )

    def reset(self, key):
        length_key, position_key = jax.random.split(key)
        length = jax.random.randint(length_key, (), 2, 9)
        state = {
            "time": jnp.int32(0),
            "length": jnp.int32(1000) if self.endless else length,
            "position": jax.random.uniform(position_key, (AGENTS,)),
        }
        return state, self.observation(state)

    def step(self, key, state, actions):
        del key
        time = state["time"] + 1
        position = 0.6 * state["position"] + 0.5 * (actions - 1.0) * (1 + jnp.arange(AGENTS))
        state = {**state, "time": time, "position": position}
        terminated = time >= state["length"]
        return state, Step(
            observation=self.observation(state),
            actions=actions,
            reward=position.sum() + 0.1 * actions[0] * actions[1],
            terminated=terminated,
            truncated=~terminated & (time >= self.limit),
            outcomes={"late": (time >= 4).astype(jnp.float32)},
            forced=jnp.zeros(AGENTS, bool),
        )

    def observation(self, state):
        time, position, agent = state["time"], state["position"], jnp.arange(AGENTS)
        action = jnp.arange(ACTIONS)
        dead = (agent == 2) & (time >= 4)
        available = ~(((time + agent) % 3 == 0)[:, None] & (action == 2))
        available = jnp.where(dead[:, None], action == 0, available)
        gated = (time > 0) & (time % self.gate == 0)
        return Observation(
            observations=jnp.stack(
                [position, jnp.full(AGENTS, position.sum()), jnp.full(AGENTS, 0.1 * time)], axis=1
            ),
            state=jnp.append(position, 0.1 * time),
            available_actions=jnp.where(gated, agent[:, None] == action, available),
            alive=~dead,
        )


@dataclasses.dataclass(frozen=True)
class TwoSteps:
    """A game of two steps, where what is right at the first pays only at the second.

    The right action of agent i at step t is (i + t) mod 3. Each right action of the first step
    costs 0.1 at once and brings 0.5 at the second, each right one of the second step brings 0.5:
    the best return of the two agents is 1.8, that of a myopic team 1, and that of a random one 0.6.
    """

    spec = EnvironmentSpec("test/two-steps", 2, 4, 2, DiscreteActions(3), 2)
    best = 1.8
    myopic = 1.0

    def reset(self, key):
        del key
        state = {"time": jnp.int32(0), "right": jnp.float32(0)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        del key
        first = state["time"] == 0
        right = (actions == (jnp.arange(2) + state["time"]) % 3).sum().astype(jnp.float32)
        successor = {"time": state["time"] + 1, "right": jnp.where(first, right, state["right"])}
        return successor, Step(
            observation=self.observation(successor),
            actions=actions,
            reward=jnp.where(first, -0.1 * right, 0.5 * (right + state["right"])),
            terminated=~first,
            truncated=jnp.array(False),
            outcomes={},
            forced=jnp.zeros(2, bool),
        )

    def observation(self, state):
        seen = jnp.stack([state["time"].astype(jnp.float32), state["right"]])
        return Observation(
            observations=jnp.concatenate([jnp.eye(2), jnp.tile(seen, (2, 1))], axis=1),
            state=seen,
            available_actions=jnp.ones((2, 3), bool),
            alive=jnp.ones(2, bool),
        )


@dataclasses.dataclass(frozen=True)
class Dials:
    """Three agents that turn dials by continuous actions, and are shown those that arrived.

    Agents 0 and 2 have two numbers, agent 1 its first alone. An episode terminates after a length
    of 2 to 8 drawn at its reset or is truncated after ``limit`` steps.
    """

    limit: int = 6
    low = -0.5
    high = 1.0
    numbers = ((True, True), (True, False), (True, True))

    @property
    def spec(self):
        actions = ContinuousActions(2, self.low, self.high)
        return EnvironmentSpec("test/dials", AGENTS, 4, 3 * AGENTS + 1, actions, self.limit)

    def reset(self, key):
        length_key, dial_key = jax.random.split(key)
        state = {
            "time": jnp.int32(0),
            "length": jax.random.randint(length_key, (), 2, 9),
            "dials": jax.random.uniform(dial_key, (AGENTS,)),
            "arrived": jnp.zeros((AGENTS, 2)),
        }
        return state, self.observation(state)

    def step(self, key, state, actions):
        del key
        time = state["time"] + 1
        dials = 0.6 * state["dials"] + actions.sum(-1)
        state = {**state, "time": time, "dials": dials, "arrived": actions}
        terminated = time >= state["length"]
        return state, Step(
            observation=self.observation(state),
            actions=actions,
            reward=dials.sum() + actions[0, 0] * actions[1, 0],
            terminated=terminated,
            truncated=~terminated & (time >= self.limit),
            outcomes={},
            forced=jnp.zeros(AGENTS, bool),
        )

    def observation(self, state):
        time, dials, arrived = state["time"], state["dials"], state["arrived"]
        clock = jnp.full((AGENTS, 1), 0.1 * time)
        return Observation(
            observations=jnp.concatenate([dials[:, None], arrived, clock], axis=1),
            state=jnp.concatenate([dials, arrived.ravel(), clock[0]]),
            available_actions=jnp.array(self.numbers),
            alive=jnp.ones(AGENTS, bool),
        )


@dataclasses.dataclass(frozen=True)
class Levers:
    """A game of one step: two agents pull a lever each, and are right at 1 and -0.6, together.

    The reward is ``-(a + b - 0.4)^2 - (a - b - 1.6)^2 / 2``, at most 0.
    """

    spec = EnvironmentSpec("test/levers", 2, 2, 1, ContinuousActions(1, -2.0, 2.0), 1)
    best = (1.0, -0.6)

    def reset(self, key):
        del key
        return jnp.int32(0), self.observation()

    def step(self, key, state, actions):
        del key
        a, b = actions[:, 0]
        return state + 1, Step(
            observation=self.observation(),
            actions=actions,
            reward=-((a + b - 0.4) ** 2) - 0.5 * (a - b - 1.6) ** 2,
            terminated=jnp.array(True),
            truncated=jnp.array(False),
            outcomes={},
            forced=jnp.zeros(2, bool),
        )

    def observation(self):
        return Observation(
            observations=jnp.eye(2),
            state=jnp.ones(1),
            available_actions=jnp.ones((2, 1), bool),
            alive=jnp.ones(2, bool),
        )


SEED = 0


def clock(update):
    """The clock of every learner here, after some updates."""
    return Clock(seed=jnp.uint32(SEED), update=jnp.int32(update))


def small_learner(
    environment=None,
    method=None,
    *,
    core="gru",
    environments=4,
    steps=8,
    window=1,
    mode="growing_batch",
    updates=3,
    discount=0.9,
    network=None,
    **update,
):
    """A learner small enough to compile and run in seconds."""
    settings = {"epochs": 2, "minibatches": 1, **update}
    collected = environments // (window if mode == "constant_batch" else 1)
    return make_learner(
        environment or Clockwork(),
        method or Gpae(),
        NetworkSettings(core=core, **{"hidden_size": 8, **(network or {})}),
        RolloutSettings(environments=environments, steps=steps),
        WindowSettings(length=window, mode=mode),
        UpdateSettings(**settings),
        discount=discount,
        total_env_steps=updates * collected * steps,
    )


@dataclasses.dataclass
class Probe(Gpae):
    """GPAE that hands out the evidence instead of an estimate."""

    def estimate(self, evidence):
        return Estimate(
            advantages=evidence.next_values,
            targets={"critic": evidence.discounts[..., None]},
            coefficients=evidence.resampled[..., None],
        )


@dataclasses.dataclass
class JointProbe(Coma):
    """COMA that hands out the values and the successors' values instead of an estimate."""

    def estimate(self, evidence):
        return Estimate(
            advantages=evidence.next_values,
            targets={"critic": evidence.values},
            coefficients=evidence.resampled[..., None],
        )


@dataclasses.dataclass
class OwnActionsProbe(Dae):
    """DAE with COMA's critic, that hands out both networks' values of own actions.

    The advantages are the critic's values, the targets their weights, and the coefficients the
    expected rewards.
    """

    own_action_samples: int = 3

    def critic(self, actions):
        return CriticSpec.of_joint_action(actions, own_observation=True)

    def estimate(self, evidence):
        own, rewards = (
            evidence.networks[name].own_actions(self.own_action_samples)
            for name in ("critic", "reward_model")
        )
        return Estimate(
            advantages=own.values,
            targets={"critic": own.probabilities},
            coefficients=rewards.expectation(),
        )


def inputs_of(spec, observation, action_features, summary):
    """The inputs of a critic from actions as features, and policies as it reads them."""
    return CriticInputs(
        state=observation.state,
        observations=observation.observations,
        action_features=action_features,
        own_features=spec.own_features(summary, action_features),
    )


def whole_minibatch(estimation, chunk, environments=None):
    """All environments of an estimation's batch, or some of them, as one minibatch of chunks."""
    prepared = prepare_batch(estimation.batch, estimation.hidden_states, chunk)
    return prepared.minibatch(prepared.totals(environments), environments)


def one_rollout(rollouts):
    """Consecutive rollouts written as one."""
    total = sum(rollout.steps.rewards.shape[0] for rollout in rollouts)
    steps = rollouts[0].steps.rewards.shape[0]
    index = [
        np.where(
            rollout.truncations.index < steps, rollout.truncations.index + number * steps, total
        )
        for number, rollout in enumerate(rollouts)
    ]
    together = partial(jax.tree.map, lambda *leaves: jnp.concatenate(leaves))
    return Rollout(
        steps=together(*(rollout.steps for rollout in rollouts)),
        truncations=Truncations(
            observation=together(*(rollout.truncations.observation for rollout in rollouts)),
            index=jnp.concatenate(index),
        ),
        hidden_states=rollouts[0].hidden_states,
    )


@dataclasses.dataclass(frozen=True)
class Experience:
    """Rollouts in a row, the actor's pass over the last, and where collection stopped."""

    learner: object
    params: object
    rollouts: tuple
    acted: object
    collector: object
    compiled: dict = dataclasses.field(default_factory=dict, repr=False)

    def window(self, length=None, count=None):
        """The last ``count`` rollouts in a window of ``length``."""
        chosen = self.rollouts[-(count or len(self.rollouts)) :]
        window = empty_window(self.rollouts[0], length or len(chosen))
        for rollout in chosen:
            window = append(window, rollout)
        return window

    def estimation(self, window, method=None, acted=None):
        """The estimation over a window that ends where collection stopped."""
        plan = self.learner.estimation
        if method is not None:
            plan = dataclasses.replace(plan, method=method)
        run = self.compiled.setdefault(repr(plan), jax.jit(partial(estimate, plan)))
        environments = jnp.arange(self.collector.first.shape[0])
        last = self.collector.observation
        return run(self.params, window, last, clock(0), environments, acted)

    def batch(self, window, method=None, acted=None):
        """The batch alone."""
        return self.estimation(window, method, acted).batch


def gather(learner, count=1, drift=0.0, seed=0):
    """Collect ``count`` rollouts with parameters, by a seed, that move from one to the next.

    The parameters are wilder than fresh ones, which are too close to a uniform policy to test with,
    and the critics' hidden states differ from rollout to rollout as they do in a run.
    """
    random = np.random.default_rng(seed)

    def noisy(tree, scale):
        return jax.tree.map(
            lambda leaf: np.float32(leaf + scale * random.normal(size=leaf.shape)), tree
        )

    shapes = jax.eval_shape(learner.initial_state, jnp.uint32(SEED))
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape), shapes.params)
    start = learner.initial_hidden_states()
    environments = jnp.arange(learner.budget.environments)
    collector = jax.jit(partial(begin, learner.collection))(jnp.uint32(SEED), environments, start)
    params, rollouts = noisy(zeros, 0.5), []
    run = jax.jit(partial(collect, learner.collection))
    for update in range(count):
        if update:
            params = noisy(params, drift)
            acting = {"actor": collector.hidden_states["actor"]}
            critics = {name: noisy(start[name], 1.0) for name in learner.networks}
            hidden_states = jax.tree.map(jnp.asarray, acting | critics)
            collector = collector.replace(hidden_states=hidden_states)
        collector, rollout, acted, _ = run(params["actor"], collector, clock(update), environments)
        rollouts.append(rollout)
    return Experience(learner, params, tuple(rollouts), acted, collector)


@pytest.fixture(scope="module", autouse=True)
def _compile_quickly(compile_quickly):
    """Every learner here compiles for longer than it runs."""


@pytest.fixture(scope="session")
def cpu_devices():
    devices = tuple(jax.devices("cpu"))
    assert len(devices) == 2
    return devices


@pytest.fixture(scope="session")
def over_devices(cpu_devices):
    """Compile a function for one or two devices, with in_specs and out_specs as in shard_map."""

    def mapped(function, count=1, in_specs=EVERYWHERE, out_specs=EVERYWHERE):
        mesh = Mesh(np.array(cpu_devices[:count]), (DEVICES,))
        return jax.jit(
            jax.shard_map(
                function, mesh=mesh, in_specs=in_specs, out_specs=out_specs, check_vma=False
            )
        )

    return mapped


@pytest.fixture
def compilations():
    """The programs compiled, or loaded from the cache, in the course of a test."""
    names = []

    def listen(event, _, **told):
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(told["fun_name"])

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    jax.monitoring.unregister_event_duration_listener(listen)


@pytest.fixture(scope="session")
def clockwork():
    return Clockwork


@pytest.fixture(scope="session")
def two_steps():
    return TwoSteps()


@pytest.fixture(scope="session")
def dials():
    return Dials()


@pytest.fixture(scope="session")
def levers():
    return Levers()


@pytest.fixture(scope="session")
def probe():
    return Probe()


@pytest.fixture(scope="session")
def joint_probe():
    return JointProbe()


@pytest.fixture(scope="session")
def own_actions_probe():
    return OwnActionsProbe()


@pytest.fixture(scope="session")
def critic_inputs():
    return inputs_of


@pytest.fixture(scope="session")
def joined():
    return one_rollout


@pytest.fixture(scope="session")
def minibatch_of():
    return whole_minibatch


@pytest.fixture(scope="session")
def learner():
    return small_learner


@pytest.fixture(scope="session")
def experience():
    return gather
