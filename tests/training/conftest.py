"""Toy environments with known dynamics, and small learners on them."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import pytest

from gpae.environments import DiscreteActions, EnvironmentSpec, Step, View
from gpae.methods import Gpae
from gpae.networks import NetworkSettings
from gpae.training.collection import collect
from gpae.training.estimation import estimate
from gpae.training.learner import make_learner
from gpae.training.settings import RolloutSettings, UpdateSettings, WindowSettings
from gpae.training.state import Memories
from gpae.training.window import append

AGENTS, ACTIONS = 3, 3


@dataclasses.dataclass(frozen=True)
class Clockwork:
    """Deterministic once reset: actions push the agents' positions, the clock does the rest.

    An episode terminates after a length of 2 to 8 drawn at its reset (never, where ``endless``) or is
    truncated after ``limit`` steps. Agent i may not take action 2 when time + i is a multiple of 3, and
    agent 2 is dead from time 4 on, with action 0 only. Where the time is a multiple of ``gate``, agent i can
    take only action i, so that there is nothing to sample.
    """

    limit: int = 6
    endless: bool = False
    gate: int = 1000

    @property
    def spec(self):
        return EnvironmentSpec(
            "test/clockwork", AGENTS, 3, AGENTS + 1, DiscreteActions(ACTIONS), self.limit, ("late",)
        )

    def reset(self, key):
        length_key, position_key = jax.random.split(key)
        length = jax.random.randint(length_key, (), 2, 9)
        state = {
            "time": jnp.int32(0),
            "length": jnp.int32(1000) if self.endless else length,
            "position": jax.random.uniform(position_key, (AGENTS,)),
        }
        return state, self.view(state)

    def step(self, key, state, actions):
        del key
        time = state["time"] + 1
        position = 0.6 * state["position"] + 0.5 * (actions - 1.0) * (1 + jnp.arange(AGENTS))
        state = {**state, "time": time, "position": position}
        terminated = time >= state["length"]
        return state, Step(
            view=self.view(state),
            actions=actions,
            reward=position.sum() + 0.1 * actions[0] * actions[1],
            terminated=terminated,
            truncated=~terminated & (time >= self.limit),
            outcomes={"late": (time >= 4).astype(jnp.float32)},
            forced=jnp.zeros(AGENTS, bool),
        )

    def view(self, state):
        time, position, agent = state["time"], state["position"], jnp.arange(AGENTS)
        action = jnp.arange(ACTIONS)
        dead = (agent == 2) & (time >= 4)
        available = ~(((time + agent) % 3 == 0)[:, None] & (action == 2))
        available = jnp.where(dead[:, None], action == 0, available)
        gated = (time > 0) & (time % self.gate == 0)
        return View(
            observations=jnp.stack(
                [position, jnp.full(AGENTS, position.sum()), jnp.full(AGENTS, 0.1 * time)], axis=1
            ),
            state=jnp.append(position, 0.1 * time),
            available_actions=jnp.where(gated, agent[:, None] == action, available),
            alive=~dead,
        )


@dataclasses.dataclass(frozen=True)
class TwoSteps:
    """A game of two steps whose first rewards the wrong actions a little and the second the right ones.

    The right action of agent i at step t is (i + t) mod 3. Each right action of the first step costs 0.1 at once
    and brings 0.5 at the second, each right one of the second step brings 0.5: the best return of the two agents
    is 1.8, that of a myopic team 1, and that of a random one 0.6.
    """

    spec = EnvironmentSpec("test/two-steps", 2, 4, 2, DiscreteActions(3), 2)
    best = 1.8
    myopic = 1.0

    def reset(self, key):
        del key
        state = {"time": jnp.int32(0), "right": jnp.float32(0)}
        return state, self.view(state)

    def step(self, key, state, actions):
        del key
        first = state["time"] == 0
        right = (actions == (jnp.arange(2) + state["time"]) % 3).sum().astype(jnp.float32)
        successor = {"time": state["time"] + 1, "right": jnp.where(first, right, state["right"])}
        return successor, Step(
            view=self.view(successor),
            actions=actions,
            reward=jnp.where(first, -0.1 * right, 0.5 * (right + state["right"])),
            terminated=~first,
            truncated=jnp.array(False),
            outcomes={},
            forced=jnp.zeros(2, bool),
        )

    def view(self, state):
        seen = jnp.stack([state["time"].astype(jnp.float32), state["right"]])
        return View(
            observations=jnp.concatenate([jnp.eye(2), jnp.tile(seen, (2, 1))], axis=1),
            state=seen,
            available_actions=jnp.ones((2, 3), bool),
            alive=jnp.ones(2, bool),
        )


def small_learner(
    environment=None,
    method=None,
    *,
    kind="recurrent",
    environments=4,
    steps=8,
    window=1,
    mode="growing_batch",
    updates=3,
    discount=0.9,
    seed=0,
    network=None,
    **update,
):
    """A learner small enough to compile and run in seconds."""
    settings = {"epochs": 2, "minibatches": 1, **update}
    collected = environments // (window if mode == "constant_batch" else 1)
    return make_learner(
        environment or Clockwork(),
        method or Gpae(),
        NetworkSettings(kind=kind, hidden_size=8, **(network or {})),
        RolloutSettings(environments=environments, steps=steps),
        WindowSettings(length=window, mode=mode),
        UpdateSettings(**settings),
        discount=discount,
        total_env_steps=updates * collected * steps,
        seed=seed,
    )


@dataclasses.dataclass(frozen=True)
class Experience:
    """Some rollouts of a learner, collected with drifting parameters, and what follows the last."""

    learner: object
    parameters: object
    rollouts: tuple
    collector: object

    def window(self, length=None, count=None):
        """The last ``count`` rollouts in a window of ``length``."""
        chosen = self.rollouts[-count:] if count else self.rollouts
        empty = self.learner.initial_state().window
        blank = jax.tree.map(lambda leaf: leaf[:1].repeat(length or len(chosen), axis=0), empty)
        for rollout in chosen:
            blank = append(blank, rollout)
        return blank

    def estimate(self, window, parameters=None):
        """The batch of a window that ends where collection stopped."""
        return estimate_window(
            self.learner.estimation, parameters or self.parameters, window, self.collector.view
        )


def estimate_window(plan, parameters, window, successor):
    environments = jnp.arange(successor.state.shape[0])
    run = jax.jit(partial(estimate, plan))
    return run(parameters, window, successor, jnp.int32(0), environments)[0]


def gather(learner, count=1, drift=0.0, seed=7):
    """Collect ``count`` rollouts, the parameters moving randomly after each by ``drift``."""
    state = learner.initial_state()
    parameters = perturb(state.parameters, 0.3, jax.random.key(seed + 1000))
    run = jax.jit(partial(collect, learner.collection))
    environments = jnp.arange(learner.budget.environments)
    collector, rollouts = state.collector, []
    for update in range(count):
        if update:
            parameters = perturb(parameters, drift, jax.random.key(seed + update))
        collector = collector.replace(memories=seeded_critic(collector.memories, update))
        collector, rollout, _ = run(parameters, collector, jnp.int32(update), environments)
        rollouts.append(rollout)
    return Experience(learner, parameters, tuple(rollouts), collector)


def seeded_critic(memories, update):
    """Give the critic a memory that differs from rollout to rollout; a run stores its own there."""
    noise = jax.random.normal(jax.random.key(update), memories.critic.shape)
    return Memories(actor=memories.actor, critic=noise if update else memories.critic)


def perturb(parameters, scale, key):
    leaves, structure = jax.tree.flatten(parameters)
    keys = jax.random.split(key, len(leaves))
    moved = [
        leaf + scale * jax.random.normal(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=True)
    ]
    return jax.tree.unflatten(structure, moved)


@pytest.fixture(scope="session")
def cpu_devices():
    devices = tuple(jax.devices("cpu"))
    assert len(devices) == 2
    return devices


@pytest.fixture(scope="session")
def clockwork():
    return Clockwork


@pytest.fixture(scope="session")
def two_steps():
    return TwoSteps()


@pytest.fixture(scope="session")
def learner():
    return small_learner


@pytest.fixture(scope="session")
def experience():
    return gather
