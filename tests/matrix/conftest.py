"""Every method on every kind of task: real updates at tiny size, and what must hold after them.

What compiles longest is the environment. So the policy-gradient methods, which all act alike, share
what was collected on a task, and only their estimates and gradient steps are compiled for each.
"""

import dataclasses
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh

from gpae.config.compose import compose
from gpae.environments import make
from gpae.methods import METHODS
from gpae.networks import NetworkSettings
from gpae.runs.system import System
from gpae.training.collection import collect
from gpae.training.families import make_learner
from gpae.training.keys import Clock
from gpae.training.reduce import DEVICES
from gpae.training.sharding import EVERYWHERE
from gpae.training.state import TrainingState
from gpae.training.update import initial_optimiser_states
from gpae.training.window import append, empty_window

SETTINGS = ("rollout.environments=4", "network.hidden_size=8", "run.devices=1")
OF_POLICY_GRADIENT = (
    "network.critic_embedding_size=0",
    "window.length=2",
    "window.mode=growing_batch",
    "update.epochs=2",
    "update.minibatches=2",
)
OF_Q_LEARNING = (
    "method.batch_size=4",
    "method.learning_starts=1",
    "method.buffer_size=8",
    "update.epochs=2",
    "run.updates_per_call=2",
)


@dataclasses.dataclass(frozen=True)
class Trained:
    """Parameters before and after an update, what it reported, and what it was made from.

    Attributes:
        before: The parameters that collected.
        after: The parameters after one update.
        metrics: What the update reported.
        steps: The steps learned from.
        log_ratios: log pi - log mu of these, before the update and after it.
        again: The parameters after the same update made once more.
        otherwise: The parameters after the update of another seed.
    """

    before: object
    after: object
    metrics: dict
    steps: object
    log_ratios: tuple
    again: object
    otherwise: object

    def assert_sound(self):
        """Finite losses, every network moved, and the seed decides all."""
        assert any(name.startswith("loss/") for name in self.metrics)
        for name, values in self.metrics.items():
            assert np.isfinite(values).all(), name
        assert self.before.keys() == self.after.keys()
        for name in self.before:
            distance = largest_distance(self.before[name], self.after[name])
            assert distance is None or distance > 0, name
        assert largest_distance(self.after, self.again) == 0
        assert largest_distance(self.after, self.otherwise) > 0


def largest_distance(one, other):
    """The largest distance between two trees' elements, None where they have none."""
    distances = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), one, other)
    return max(jax.tree.leaves(distances), default=None)


def methods_of(family):
    """The registered methods of a family by name, in the order of registration."""
    return [name for name in METHODS if METHODS[name].family == family]


def pytest_generate_tests(metafunc):
    """Give a test every method of the family that it asks for as an argument."""
    for family in ("policy_gradient", "q_learning"):
        if f"{family}_method" in metafunc.fixturenames:
            metafunc.parametrize(f"{family}_method", methods_of(family))


@cache
def environment_of(task, overrides):
    """The environment itself, which some take seconds to make."""
    config = compose([f"task={task}", *overrides])
    return make(config.task_name, **config.task_settings)


def learner_of(task, method, overrides, *of_method):
    """A small policy-gradient learner on a task."""
    settings = [*SETTINGS, *OF_POLICY_GRADIENT, *overrides, *of_method]
    config = compose([f"task={task}", f"method={method}", *settings])
    return make_learner(
        environment_of(task, overrides),
        config.method,
        NetworkSettings(**vars(config.network)),
        config.rollout,
        config.window,
        config.update,
        discount=config.discount,
        total_env_steps=config.total_env_steps,
    )


@cache
def played(task, overrides):
    """Two rollouts of a task, one after the other, by the actor that every method begins with."""
    learner = learner_of(task, methods_of("policy_gradient")[0], overrides)
    state = jax.jit(learner.initial_state)(jnp.uint32(0))
    actor = state.params["actor"]
    of_actor = {"actor": state.collector.hidden_states["actor"]}
    collector = dataclasses.replace(state.collector, hidden_states=of_actor)
    run = jax.jit(partial(collect, learner.collection))
    environments, rollouts = jnp.arange(learner.budget.environments), []
    for update in range(2):
        clock = Clock(seed=jnp.uint32(0), update=jnp.int32(update))
        collector, rollout, *_ = run(actor, collector, clock, environments)
        rollouts.append(rollout)
    return actor, collector, rollouts


def first_state(learner, task, overrides):
    """A state after collection, with random critics; the environment is not even traced."""
    actor, collector, rollouts = played(task, overrides)
    at_start = learner.initial_hidden_states()

    def with_critics(holder):
        hidden_states = {**at_start, "actor": holder.hidden_states["actor"]}
        return dataclasses.replace(holder, hidden_states=hidden_states)

    collector = with_critics(collector)
    shapes = jax.eval_shape(learner.initial_params, jnp.uint32(0), collector)
    random = np.random.default_rng(0)
    drawn = jax.tree.map(lambda leaf: np.float32(0.3 * random.normal(size=leaf.shape)), shapes)
    params = {**drawn, "actor": actor}
    window = empty_window(with_critics(rollouts[0]), 2)
    for rollout in rollouts:
        window = append(window, with_critics(rollout))
    return TrainingState(
        clock=Clock(seed=jnp.uint32(0), update=jnp.int32(1)),
        params=params,
        optimiser_states=initial_optimiser_states(learner.gradient.optimiser, params),
        collector=collector,
        window=window,
    )


def few_samples(method):
    """Settings for little work in methods that sample actions."""
    sampling = {each.name for each in dataclasses.fields(METHODS[method])} & {"own_action_samples"}
    return [f"method.{name}=3" for name in sampling]


def train_policy_gradient(task, method, *overrides):
    """One update of a policy-gradient method on what was collected on a task."""
    learner = learner_of(task, method, overrides, *few_samples(method))
    environments = jnp.arange(learner.budget.environments)

    def update(state):
        state, estimated, diagnostics = learner.estimate_phase(state, None, environments)
        state, _, metrics = learner.update_phase(state, estimated, environments)
        return state, estimated[0].log_ratios, {**diagnostics, **metrics}

    mesh = Mesh(np.array(jax.devices()[:1]), (DEVICES,))
    run = jax.jit(
        jax.shard_map(update, mesh=mesh, in_specs=EVERYWHERE, out_specs=EVERYWHERE, check_vma=False)
    )
    state = first_state(learner, task, overrides)
    after, log_ratios, metrics = run(state)
    again, _, _ = run(state)
    _, moved_log_ratios, _ = run(dataclasses.replace(after, clock=state.clock))
    elsewhere = dataclasses.replace(state.clock, seed=jnp.uint32(1))
    otherwise, _, _ = run(dataclasses.replace(state, clock=elsewhere))
    steps = jax.tree.map(
        lambda leaf: np.asarray(jax.lax.collapse(leaf, 0, 2)), state.window.rollouts.steps
    )
    return Trained(
        before=state.params,
        after=after.params,
        metrics=metrics,
        steps=steps,
        log_ratios=(np.asarray(log_ratios), np.asarray(moved_log_ratios)),
        again=again.params,
        otherwise=otherwise.params,
    )


def train_q_learning(task, method, *overrides):
    """Two updates of a Q-learning method from the beginning."""
    settings = [*SETTINGS, *OF_Q_LEARNING, *overrides]
    population = System(compose([f"task={task}", f"method={method}", *settings])).population

    def run(seed):
        state, metrics = population.run(population.initial_state(seed), 2)
        (state,) = population.split(state)
        return state, metrics

    before = population.first_state(0).params
    after, metrics = run(0)
    return Trained(
        before=before,
        after=after.params,
        metrics=metrics,
        steps=after.buffer.experience,
        log_ratios=(),
        again=run(0)[0].params,
        otherwise=run(1)[0].params,
    )


@pytest.fixture(scope="session")
def policy_gradient():
    return train_policy_gradient


@pytest.fixture(scope="session")
def q_learning():
    return train_q_learning


@pytest.fixture(scope="module", autouse=True)
def _compile_quickly(compile_quickly):
    """Every pair compiles for longer than it runs."""
