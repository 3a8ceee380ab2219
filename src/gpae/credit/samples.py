"""Fresh samples of estimators' advantages at given states and joint actions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from gpae.credit.given_actions import give, with_given_actions
from gpae.credit.pairs import Progress, pairs_by_call, pairs_in_order
from gpae.credit.states import CreditStates, stream_seed
from gpae.environments import EnvironmentSpec
from gpae.methods import METHODS, PolicyGradientMethod, UpdateSettings
from gpae.networks import NetworkSettings
from gpae.training.collection import CollectionPlan, collect
from gpae.training.estimation import estimate
from gpae.training.keys import Clock
from gpae.training.policy_gradient import PolicyGradientLearner
from gpae.training.state import CollectorState, Params, Window


@dataclass(frozen=True)
class EstimatorSamples:
    """Advantages that estimators give R times to the same S states and joint actions.

    Attributes:
        advantages: Each estimator's, not normalised, [S, R, N], by the estimator's name.
        values: The critic's values of the states and joint actions, [S, C].
    """

    advantages: dict[str, Float[np.ndarray, "S R N"]]
    values: Float[np.ndarray, "S C"]


def allowed_estimators(
    method: PolicyGradientMethod,
    spec: EnvironmentSpec,
    network: NetworkSettings,
    update: UpdateSettings,
) -> dict[str, PolicyGradientMethod]:
    """The method's own estimator, with lambda of 0 and 1 too, and others of the same networks.

    One-step estimators have no lambda to vary. Another method's estimator can be computed where
    each network it learns is one of the method's own, with the same inputs and outputs. It is given
    the method's lambda.

    Args:
        method: The method that was trained.
        spec: The environment's sizes.
        network: The shape of the networks.
        update: The settings of the gradient steps.
    """

    def learned(each: PolicyGradientMethod) -> set[Any]:
        networks = each.networks(spec, network, update)
        return {(name, type(net), net.spec) for name, net in networks.items()}

    allowed = {method.name: method}
    if 0 < method.lambda_ < 1 and method.table1.credit != "1-step":
        for limit in (0.0, 1.0):
            allowed[f"{method.name}, lambda {limit:g}"] = replace(method, lambda_=limit)
    for name in METHODS:
        other = METHODS[name]
        if issubclass(other, PolicyGradientMethod) and name not in allowed:
            candidate = other(lambda_=method.lambda_)
            if learned(candidate) <= learned(method):
                allowed[name] = candidate
    return allowed


def sample_estimators(
    learner: PolicyGradientLearner,
    estimators: Mapping[str, PolicyGradientMethod],
    params: Params,
    states: CreditStates,
    *,
    repetitions: int = 32,
    steps: int = 128,
    rows: int = 512,
    seed: int = 0,
    progress: Progress | None = None,
) -> EstimatorSamples:
    """Carry out each state's joint action, go on with the policies, and estimate, R times.

    The estimators share the episodes. They are on-policy and see ``steps`` steps from the state on,
    as the first step of a rollout does; further episodes in it do not matter.

    Args:
        learner: The constants of the run.
        estimators: Methods by name, all of whose networks the learner has.
        params: The parameters of all networks.
        states: The states, with the hidden states of all networks.
        repetitions: Repetitions R.
        steps: Steps of an estimator's data.
        rows: Environments simulated at once.
        seed: From which the keys follow; they are those of no simulation of the truth.
        progress: Called with the calls done and those in all, after each.
    """
    sampling = _Sampling(learner, tuple(estimators.items()), steps)
    stream = jnp.uint32(stream_seed(seed, "estimators"))
    parts = [
        jax.device_get(sampling.advantages(params, states, stream, *pairs))
        for pairs in pairs_by_call(len(states), repetitions, rows, progress)
    ]
    shape = (len(states), repetitions)
    advantages, values = jax.tree.map(lambda *leaves: pairs_in_order(leaves, shape), *parts)
    return EstimatorSamples(advantages, values[:, 0])


@dataclass(frozen=True, eq=False)
class _Sampling:
    """The constants of :func:`sample_estimators`; its compiled program is its own."""

    learner: PolicyGradientLearner
    estimators: tuple[tuple[str, PolicyGradientMethod], ...]
    steps: int

    @partial(jax.jit, static_argnums=0)
    def advantages(
        self,
        params: Params,
        states: CreditStates,
        seed: Array,
        numbers: Int[Array, " P"],
        repetitions: Int[Array, " P"],
    ) -> tuple[dict[str, Float[Array, "P N"]], Float[Array, "P C"]]:
        """Every estimator's advantages, and the critic's values, of P pairs."""
        plan = CollectionPlan(
            with_given_actions(self.learner.collection.environment), self.learner.actor, self.steps
        )
        start = self._start(params, states[numbers])
        environments = _stream_numbers(numbers, repetitions)
        clock = Clock(seed=seed, update=jnp.int32(0))
        end, rollout, acted, _ = collect(plan, params["actor"], start, clock, environments)
        window = Window(jax.tree.map(lambda leaf: leaf[None], rollout), jnp.ones(1, bool))
        batches = {
            name: estimate(
                replace(self.learner.estimation, method=method),
                params,
                window,
                end.observation,
                clock,
                environments,
                acted,
            ).batch
            for name, method in self.estimators
        }
        values = next(iter(batches.values())).values["critic"][0]
        return {name: batch.advantages[0] for name, batch in batches.items()}, values

    def _start(self, params: Params, states: CreditStates) -> CollectorState:
        """Environments at the states, about to carry out the given actions."""
        policy = states.policy(self.learner.actor, params["actor"])
        size = len(states)
        return CollectorState(
            environment_state=give(
                states.environment_state, policy, states.actions, jnp.ones(size, bool)
            ),
            observation=states.observation,
            first=states.first,
            hidden_states=states.hidden_states,
            episode_return=jnp.zeros(size),
            episode_length=jnp.zeros(size, jnp.int32),
        )


def _stream_numbers(numbers: Int[Array, " P"], repetitions: Int[Array, " P"]) -> Int[Array, " P"]:
    """A number for each state and repetition, whatever number of either there is."""
    return numbers * 2**16 + repetitions
