"""Fresh samples of estimators' advantages at given states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from gpae.credit.given_actions import give, with_given_actions
from gpae.credit.pairs import Progress, pairs_by_call, pairs_in_order
from gpae.credit.states import CreditStates, stream_seed
from gpae.environments import EnvironmentSpec, Observation
from gpae.methods import (
    METHODS,
    HiddenStates,
    PolicyGradientMethod,
    UpdateSettings,
)
from gpae.networks import NetworkSettings
from gpae.training.collection import CollectionPlan, collect
from gpae.training.estimation import gather_evidence
from gpae.training.keys import Clock
from gpae.training.policy_gradient import PolicyGradientLearner
from gpae.training.state import CollectorState, Forward, Params, Rollout, Window


@dataclass(frozen=True)
class EstimatorSamples:
    """Advantages that estimators give R times to the same S states.

    Attributes:
        advantages: Each estimator's, not normalised, [S, R, N], by the estimator's name.
        baselines: Each learner's own EQ^i of the first states and actions, or V, [S, R, N].
        actions: The joint actions, [S, R, N, *A]: the given ones, or fresh ones of the policy.
    """

    advantages: dict[str, Float[np.ndarray, "S R N"]]
    baselines: Float[np.ndarray, "S R N"]
    actions: Float[np.ndarray, "S R N *A"] | None = None


@dataclass(frozen=True)
class Judged:
    """A learner's networks, and the estimators that read them.

    Attributes:
        learner: The constants of a run.
        params: The parameters of all its networks.
        states: The states, with the hidden states of all its networks.
        estimators: Methods by name, all of whose networks the learner has.
    """

    learner: PolicyGradientLearner
    params: Params
    states: CreditStates
    estimators: Mapping[str, PolicyGradientMethod]

    @cached_property
    def reading(self) -> "_Reading":
        """Its estimators, compiled once."""
        return _Reading(self.learner, tuple(self.estimators.items()))

    @cached_property
    def sampling(self) -> "_Sampling":
        """The episodes of its policy, compiled once."""
        return _Sampling(self.learner)


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

    allowed = with_limits_of_lambda(method, method.name)
    for name in METHODS:
        other = METHODS[name]
        if issubclass(other, PolicyGradientMethod) and name not in allowed:
            candidate = other(lambda_=method.lambda_)
            if learned(candidate) <= learned(method):
                allowed[name] = candidate
    return allowed


def with_limits_of_lambda(
    method: PolicyGradientMethod, name: str
) -> dict[str, PolicyGradientMethod]:
    """The method's estimator under a name, and where it has a lambda the same with 0 and 1."""
    if not 0 < method.lambda_ < 1 or method.table1.credit == "1-step":
        return {name: method}
    limits = {f"{name}, lambda {limit:g}": replace(method, lambda_=limit) for limit in (0.0, 1.0)}
    return {name: method, **limits}


def sample_estimators(
    learner: PolicyGradientLearner,
    estimators: Mapping[str, PolicyGradientMethod],
    params: Params,
    states: CreditStates,
    **settings: Any,
) -> EstimatorSamples:
    """:func:`sample_judged` of one learner's estimators.

    Args:
        learner: The constants of the run.
        estimators: Methods by name, all of whose networks the learner has.
        params: The parameters of all networks.
        states: The states, with the hidden states of all networks.
        settings: Further arguments by name.
    """
    (samples,) = sample_judged([Judged(learner, params, states, estimators)], **settings)
    return samples


def sample_judged(
    judged: Sequence[Judged],
    *,
    repetitions: int = 32,
    steps: int = 128,
    rows: int = 512,
    seed: int = 0,
    fresh_actions: bool = False,
    progress: Progress | None = None,
) -> list[EstimatorSamples]:
    """Go on from each state with the policies, and estimate, R times.

    All estimators share the episodes. They are on-policy and see ``steps`` steps from the state on,
    as the first step of a rollout does; further episodes in it do not matter.

    Args:
        judged: Networks and estimators of one policy at the same states.
        repetitions: Repetitions R.
        steps: Steps of an estimator's data.
        rows: Environments simulated at once.
        seed: From which the keys follow; they are those of no simulation of the truth.
        fresh_actions: Draw the first joint action too from the policies, instead of the given one.
        progress: Called with the calls done and those in all, after each.
    """
    first = judged[0]
    stream = jnp.uint32(stream_seed(seed, "gradients" if fresh_actions else "estimators"))
    parts: list[list[Any]] = [[] for _ in judged]
    for numbers, repeated in pairs_by_call(len(first.states), repetitions, rows, progress):
        episodes = first.sampling.episodes(
            steps,
            first.params["actor"],
            first.states,
            stream,
            numbers,
            repeated,
            jnp.array(not fresh_actions),
        )
        for each, found in zip(judged, parts, strict=True):
            starts = jax.tree.map(lambda leaf, at=numbers: leaf[at], each.states.hidden_states)
            found.append(jax.device_get(each.reading.advantages(each.params, starts, episodes)))
    shape = (len(first.states), repetitions)
    samples = []
    for found in parts:
        in_order = jax.tree.map(lambda *leaves: pairs_in_order(leaves, shape), *found)
        samples.append(EstimatorSamples(*in_order))
    return samples


class _Episodes(NamedTuple):
    """Rollouts that begin in P pairs of a state and a repetition."""

    rollout: Rollout
    acted: Forward
    last: Observation
    clock: Clock
    environments: Int[Array, " P"]


@dataclass(frozen=True, eq=False)
class _Reading:
    """One learner's estimators; its compiled program is its own."""

    learner: PolicyGradientLearner
    estimators: tuple[tuple[str, PolicyGradientMethod], ...]

    @partial(jax.jit, static_argnums=0)
    def advantages(
        self, params: Params, starts: HiddenStates, episodes: _Episodes
    ) -> tuple[dict[str, Float[Array, "P N"]], Float[Array, "P N"], Float[Array, "P N *A"]]:
        """Every estimator's advantages, the baselines and the joint actions, of P pairs."""
        rollout = replace(episodes.rollout, hidden_states=starts)
        window = Window(jax.tree.map(lambda leaf: leaf[None], rollout), jnp.ones(1, bool))
        evidence = gather_evidence(
            self.learner.estimation,
            params,
            window,
            episodes.last,
            episodes.clock,
            episodes.environments,
            episodes.acted,
        ).evidence
        advantages = {
            name: method.estimate(evidence).advantages[0] for name, method in self.estimators
        }
        baselines = self.learner.estimation.method.baselines(evidence)[0]
        return advantages, baselines, rollout.steps.actions[0]


@dataclass(frozen=True, eq=False)
class _Sampling:
    """The constants of the episodes of :func:`sample_judged`; its compiled program is its own."""

    learner: PolicyGradientLearner

    @partial(jax.jit, static_argnums=(0, 1))
    def episodes(
        self,
        steps: int,
        actor: Any,
        states: CreditStates,
        seed: Array,
        numbers: Int[Array, " P"],
        repetitions: Int[Array, " P"],
        given: Bool[Array, ""],
    ) -> _Episodes:
        """Rollouts of P pairs, with the actor's hidden state alone."""
        plan = CollectionPlan(
            with_given_actions(self.learner.collection.environment), self.learner.actor, steps
        )
        start = self._start(actor, states[numbers], given)
        environments = _stream_numbers(numbers, repetitions)
        clock = Clock(seed=seed, update=jnp.int32(0))
        end, rollout, acted, _ = collect(plan, actor, start, clock, environments)
        return _Episodes(rollout, acted, end.observation, clock, environments)

    def _start(self, actor: Any, states: CreditStates, given: Bool[Array, ""]) -> CollectorState:
        """Environments at the states, about to carry out the given actions where asked to."""
        policy = states.policy(self.learner.actor, actor)
        size = len(states)
        return CollectorState(
            environment_state=give(
                states.environment_state, policy, states.actions, jnp.broadcast_to(given, (size,))
            ),
            observation=states.observation,
            first=states.first,
            hidden_states={"actor": states.hidden_states["actor"]},
            episode_return=jnp.zeros(size),
            episode_length=jnp.zeros(size, jnp.int32),
        )


def _stream_numbers(numbers: Int[Array, " P"], repetitions: Int[Array, " P"]) -> Int[Array, " P"]:
    """A number for each state and repetition, whatever number of either there is."""
    return numbers * 2**16 + repetitions
