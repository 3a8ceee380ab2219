"""Operations that each phase of an update asks of the networks."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from benchmarks.harness.flops import Work, count_products, gradient_work, trace
from gpae.environments.environment import EnvironmentSpec
from gpae.networks import initial_hidden_state
from gpae.training.policy_gradient import PolicyGradientLearner
from gpae.training.protocol import Learner, Phase
from gpae.training.q_learning import QLearner
from gpae.training.q_learning.buffer import sample
from gpae.training.q_learning.update import batch_loss
from gpae.training.reduce import DEVICES
from gpae.training.update import minibatch_loss
from gpae.training.update.minibatch import prepare_batch


def phase_work(learner: Learner, spec: EnvironmentSpec) -> dict[str, Work]:
    """Count the networks' matrix products of one update, over all devices; nothing is computed.

    Args:
        learner: The learner.
        spec: Its environment's sizes.

    Returns:
        The work of each phase by name. The environment's own products are left out.
    """
    state = _state_shapes(learner)
    environments = jax.ShapeDtypeStruct((learner.budget.environments,), jnp.int32)
    work, inputs = {}, None
    for phase in learner.phases:
        traced, (_, outputs, _) = trace(phase.run, state, inputs, environments, axis=DEVICES)
        work[phase.name] = _of_program(traced, _learning_work(learner, phase, state, inputs))
        inputs = outputs
    work["collect"] = acting_work(learner, spec) * learner.budget.env_steps
    return work


def acting_work(learner: Learner, spec: EnvironmentSpec) -> Work:
    """Operations of the policy network for one environment step of all agents."""
    agents, actions = spec.num_agents, spec.actions.size
    traced, _ = trace(
        learner.actor.apply,
        _state_shapes(learner).params["actor"],
        initial_hidden_state(learner.network, 1, agents),
        jnp.zeros((1, 1, agents, spec.observation_size)),
        jnp.ones((1, 1, agents, actions), bool),
        jnp.zeros((1, 1), bool),
    )
    return Work(forward=count_products(traced))


def _of_program(traced: core.ClosedJaxpr, needed: Work | None) -> Work:
    """Operations that a phase needs; as recomputed, those its program makes beyond them."""
    made = count_products(traced)
    return Work(forward=made) if needed is None else needed + Work(recomputed=made - needed.useful)


def _learning_work(learner: Learner, phase: Phase, state: Any, inputs: Any) -> Work | None:
    """The gradients that a phase needs, or None where it makes none."""
    if phase.name != "update":
        return None
    if isinstance(learner, PolicyGradientLearner):
        return _gradients_of_batch(learner, state, inputs)
    assert isinstance(learner, QLearner)
    return _gradients_of_replay(learner, state)


def _gradients_of_batch(learner: PolicyGradientLearner, state: Any, inputs: Any) -> Work:
    """As many gradients of the loss on the whole batch as there are epochs."""
    plan = learner.gradient

    def loss(params: Any, inputs: Any) -> Any:
        batch, hidden_states = inputs
        prepared = prepare_batch(batch, hidden_states, plan.chunk)
        return minibatch_loss(plan.objective, params, prepared.minibatch(prepared.totals()))

    traced, _ = trace(loss, state.params, inputs, axis=DEVICES)
    return gradient_work(traced, state.params) * plan.settings.epochs


def _gradients_of_replay(learner: QLearner, state: Any) -> Work:
    """The gradient of the loss on one batch, as often as there are gradient steps."""
    draw = partial(sample, count=learner.method.batch_size)
    trajectories = jax.eval_shape(draw, state.buffer, jax.random.key(0))
    loss = partial(batch_loss, learner.gradient.values)
    traced, _ = trace(loss, state.params, state.target_params, trajectories, axis=DEVICES)
    return gradient_work(traced, state.params) * learner.budget.gradient_steps


def _state_shapes(learner: Learner) -> Any:
    return jax.eval_shape(learner.initial_state, jnp.uint32(0))
