"""True credit of agents, by simulation from given states under the current policies.

From each state, the joint action and each alternative of each agent are carried out, and the
policies act from there on. In one repetition every alternative has the same keys for actions and
environment, so that what they share cancels in an advantage; its standard error is that of the
paired differences. Discrete alternatives are all there, weighted by pi^i; of a continuous action,
every repetition draws new samples. V(s) is of the environment as it is: a wrapper that replaces
actions does so from the first step on, but leaves carried-out alternatives alone.

An estimator bootstraps where a time limit truncates an episode: its values are of a future that
goes on. So they are here by default: episodes are played on, past the limit, until they terminate
or ``discount**horizon`` is negligible. With ``at_time_limit="stop"`` values are those within the
episode, which for states late in it differ from what any estimator is after.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from gpae.credit.given_actions import give, with_given_actions
from gpae.credit.pairs import Progress, pairs_by_call, pairs_in_order
from gpae.credit.states import CreditStates, stream_seed
from gpae.environments import Actions, Environment, EnvironmentState, Observation
from gpae.networks import CategoricalPolicy, Policy, PolicyNetwork, apply_actor, sample
from gpae.training.keys import Purpose

AtTimeLimit = Literal["continue", "stop"]
"""The value of a truncated episode's future: as if it went on, or none."""

NEGLIGIBLE = 1e-3
"""The discount gamma^H at which a horizon of H steps ends by default."""


@dataclass(frozen=True)
class Measured:
    """Means over independent repetitions.

    Attributes:
        mean: The means, [S, ...].
        standard_error: Their standard errors, [S, ...].
    """

    mean: Float[np.ndarray, "S *x"]
    standard_error: Float[np.ndarray, "S *x"]

    @classmethod
    def of_repetitions(cls, values: Float[np.ndarray, "S R *x"]) -> "Measured":
        """The means over axis 1, with R - 1 in the variance."""
        deviation = values.std(axis=1, ddof=1)
        return cls(values.mean(axis=1), deviation / math.sqrt(values.shape[1]))


@dataclass(frozen=True)
class TrueCredit:
    """Values and advantages at S states, in units of the discounted return.

    Attributes:
        state_values: V(s), [S].
        joint_action_values: Q(s, a) of the states' joint actions, [S].
        expected_values: EQ^i(s, a^-i), [S, N].
        advantages: A^i = Q - EQ^i, [S, N].
        own_action_values: Q(s, b, a^-i) of each action b of agent i, [S, N, A], NaN where it is
            not available; None where actions are continuous.
        acting: True for agents with a choice, [S, N]; the others' advantage is 0.
        cut_off: Share of the simulated episodes that the horizon cut off.
    """

    state_values: Measured
    joint_action_values: Measured
    expected_values: Measured
    advantages: Measured
    own_action_values: Measured | None
    acting: Bool[np.ndarray, "S N"]
    cut_off: float


def true_credit(
    environment: Environment,
    actor: PolicyNetwork,
    params: Any,
    states: CreditStates,
    *,
    discount: float,
    repetitions: int = 64,
    horizon: int | None = None,
    at_time_limit: AtTimeLimit = "continue",
    own_action_samples: int = 16,
    rows: int = 4096,
    seed: int = 0,
    progress: Progress | None = None,
) -> TrueCredit:
    """Q, EQ^i, V and A^i = Q - EQ^i of the current policies at given states (section 4.1).

    The cost is S R (N A + 1) episodes (continuous: S R (N (K + 1) + 1)), S states, R repetitions,
    N agents, A actions, K samples, in calls of about ``rows`` environments at once, which bounds
    the device's memory; every return is kept on the host, 4 bytes each.

    Args:
        environment: The environment, unbatched.
        actor: The policy network.
        params: The actor's parameters.
        states: The states and their joint actions.
        discount: gamma in [0, 1].
        repetitions: Repetitions R, at least 2; standard errors shrink with their square root.
        horizon: Steps after which an episode is cut off; by default so many that
            ``discount**horizon`` is at most 0.001.
        at_time_limit: ``continue`` past a truncation, or ``stop`` there.
        own_action_samples: Samples K of an agent's continuous action in each repetition.
        rows: Environments simulated at once, at least those of one state and repetition.
        seed: From which the keys follow, with the state's place in ``states`` and the repetition:
            not with ``rows``, nor with the number of repetitions.
        progress: Called with the calls done and those in all, after each.

    Raises:
        ValueError: Fewer than two repetitions, no states, an environment that pays each agent its
            own reward, an ``at_time_limit`` of another name, or a discount of 1 without a horizon.
    """
    _check(environment, states, repetitions, at_time_limit)
    simulation = _Simulation(
        environment=with_given_actions(environment),
        actor=actor,
        discount=discount,
        horizon=horizon or default_horizon(discount),
        stops=at_time_limit == "stop",
        samples=own_action_samples,
    )
    stream = jnp.uint32(stream_seed(seed, "truth"))
    size = _pairs_a_call(simulation, states, rows)
    parts = [
        jax.device_get(simulation.play(params, states, stream, *pairs))
        for pairs in pairs_by_call(len(states), repetitions, size, progress)
    ]
    shape = (len(states), repetitions)
    returns = jax.tree.map(lambda *leaves: pairs_in_order(leaves, shape), *parts)
    return _measured(returns, states)


def default_horizon(discount: float) -> int:
    """The number of steps after which the discount is at most :data:`NEGLIGIBLE`.

    Raises:
        ValueError: The discount is not in [0, 1), so that there is none.
    """
    if not 0 <= discount < 1:
        raise ValueError(f"discount: expected a number in [0, 1) or a horizon, found {discount}")
    return math.ceil(math.log(NEGLIGIBLE) / math.log(discount)) if discount > NEGLIGIBLE else 1


class _Returns(NamedTuple):
    """Returns of P pairs of a state and a repetition."""

    own: Float[Array, "P N K"]
    weights: Float[Array, "P N K"]
    joint_action: Float[Array, " P"]
    state: Float[Array, " P"]
    cut_off: Float[Array, " P"]


class _Alternatives(NamedTuple):
    """K own actions of each agent: joint actions, weights in EQ^i, and whether to play them."""

    joint: Actions
    weights: Float[Array, "P N K"]
    exists: Bool[Array, "P N K"]
    taken: Int[Array, "P N"]


class _Episode(NamedTuple):
    """Episodes under way, one a row."""

    time: Int[Array, ""]
    environment_state: EnvironmentState
    observation: Observation
    first: Bool[Array, " rows"]
    hidden_state: PyTree
    running: Bool[Array, " rows"]
    total: Float[Array, " rows"]


@dataclass(frozen=True, eq=False)
class _Simulation:
    """The constants of :func:`true_credit`; its compiled program is its own."""

    environment: Environment
    actor: PolicyNetwork
    discount: float
    horizon: int
    stops: bool
    samples: int

    @partial(jax.jit, static_argnums=0)
    def play(
        self,
        params: Any,
        states: CreditStates,
        seed: Array,
        numbers: Int[Array, " P"],
        repetitions: Int[Array, " P"],
    ) -> _Returns:
        """Play every alternative of P pairs of a state and a repetition to its end."""
        states, keys = states[numbers], _pair_keys(seed, numbers, repetitions)
        policy = states.policy(self.actor, params)
        alternatives = self._alternatives(policy, states, keys)
        pairs, agents, count = alternatives.weights.shape
        played = agents * count + 1
        start = _begin(states, policy, alternatives)
        end = self._to_the_end(params, jnp.repeat(keys, played), start)
        totals, running = (leaf.reshape(pairs, played) for leaf in (end.total, end.running))
        own = totals[:, :-1].reshape(pairs, agents, count)
        return _Returns(
            own=own,
            weights=alternatives.weights,
            joint_action=jnp.take_along_axis(own[:, 0], alternatives.taken[:, :1], 1)[:, 0],
            state=totals[:, -1],
            cut_off=running.mean(-1),
        )

    def _alternatives(
        self, policy: Policy, states: CreditStates, keys: PRNGKeyArray
    ) -> _Alternatives:
        if isinstance(policy, CategoricalPolicy):
            return _all_actions(policy, states)
        return _sampled_actions(policy, states, keys, self.samples)

    def _to_the_end(self, params: Any, keys: PRNGKeyArray, start: _Episode) -> _Episode:
        def goes_on(episode: _Episode) -> Bool[Array, ""]:
            return episode.running.any() & (episode.time < self.horizon)

        return jax.lax.while_loop(goes_on, partial(self._step, params, keys), start)

    def _step(self, params: Any, keys: PRNGKeyArray, episode: _Episode) -> _Episode:
        observation = episode.observation
        hidden_states, policy = apply_actor(
            self.actor,
            params,
            episode.hidden_state,
            observation.observations[None],
            observation.available_actions[None],
            episode.first[None],
        )
        policy = policy[0]
        actions = sample(_keys_of(keys, Purpose.ACTION, episode.time), policy)
        environment_state, step = jax.vmap(self.environment.step)(
            _keys_of(keys, Purpose.STEP, episode.time),
            episode.environment_state,
            policy.executed(actions),
        )
        gain = self.discount**episode.time * step.team_reward
        ended = step.boundary if self.stops else step.terminated
        return _Episode(
            time=episode.time + 1,
            environment_state=environment_state,
            observation=step.observation,
            first=jnp.zeros_like(episode.first),
            hidden_state=jax.tree.map(lambda leaf: leaf[0], hidden_states),
            running=episode.running & ~ended,
            total=episode.total + jnp.where(episode.running, gain, 0.0),
        )


def _all_actions(policy: CategoricalPolicy, states: CreditStates) -> _Alternatives:
    available, taken = states.observation.available_actions, states.actions.astype(jnp.int32)
    own = jnp.broadcast_to(jnp.arange(available.shape[-1]), available.shape)
    exists = available | (own == taken[..., None])
    return _Alternatives(_joint(taken, own), policy.probabilities, exists, taken)


def _sampled_actions(
    policy: Policy, states: CreditStates, keys: PRNGKeyArray, count: int
) -> _Alternatives:
    """The action taken first, with weight 0, before equally likely samples."""
    own_keys = jax.vmap(lambda key: jax.random.split(_fold(key, Purpose.OWN_ACTIONS, 0), count))(
        keys
    )
    samples = jax.vmap(lambda each: sample(each, policy), in_axes=1, out_axes=2)(own_keys)
    own = jnp.concatenate([states.actions[:, :, None], samples], axis=2)
    weights = jnp.full(own.shape[:3], 1.0 / count).at[..., 0].set(0.0)
    taken = jnp.zeros(own.shape[:2], jnp.int32)
    return _Alternatives(_joint(states.actions, own), weights, jnp.ones_like(weights, bool), taken)


def _joint(taken: Actions, own: Float[Array, "P N K *A"] | Int[Array, "P N K *A"]) -> Actions:
    """The joint actions with agent i's own replaced by each of its K, [P, N K, N, *A]."""
    pairs, agents, count, *rest = own.shape
    its_own = jnp.eye(agents, dtype=bool).reshape(1, agents, 1, agents, *(1 for _ in rest))
    joint = jnp.where(its_own, own[:, :, :, None], taken[:, None, None])
    return joint.reshape(pairs, agents * count, agents, *rest)


def _begin(states: CreditStates, policy: Policy, alternatives: _Alternatives) -> _Episode:
    """The rows of each pair in turn: every alternative, then the policy's own play for V(s)."""
    pairs, played = len(states), alternatives.joint.shape[1] + 1
    exists = alternatives.exists.reshape(pairs, -1)
    actions = jnp.concatenate([alternatives.joint, states.actions[:, None]], axis=1)
    pending = jnp.broadcast_to(jnp.arange(played) < played - 1, (pairs, played))
    rows, policies = _repeated((states, policy), played)
    return _Episode(
        time=jnp.int32(0),
        environment_state=give(
            rows.environment_state,
            policies,
            actions.reshape(-1, *actions.shape[2:]),
            pending.reshape(-1),
        ),
        observation=rows.observation,
        first=rows.first,
        hidden_state=rows.hidden_states["actor"],
        running=jnp.concatenate([exists, jnp.ones((pairs, 1), bool)], axis=1).reshape(-1),
        total=jnp.zeros(pairs * played),
    )


def _repeated(tree: Any, times: int) -> Any:
    return jax.tree.map(lambda leaf: jnp.repeat(leaf, times, axis=0), tree)


def _pair_keys(
    seed: Array, numbers: Int[Array, " P"], repetitions: Int[Array, " P"]
) -> PRNGKeyArray:
    return jax.vmap(partial(_fold, jax.random.key(seed)))(numbers, repetitions)


def _keys_of(keys: PRNGKeyArray, purpose: Purpose, time: Int[Array, ""]) -> PRNGKeyArray:
    return jax.vmap(lambda key: _fold(key, purpose, time))(keys)


def _fold(key: PRNGKeyArray, *numbers: Int[Array, ""] | int) -> PRNGKeyArray:
    for number in numbers:
        key = jax.random.fold_in(key, number)
    return key


def _pairs_a_call(simulation: _Simulation, states: CreditStates, rows: int) -> int:
    """Pairs of a state and a repetition that fit into the rows, at least one."""
    agents = states.observation.alive.shape[-1]
    discrete = states.actions.ndim == states.observation.alive.ndim
    count = states.observation.available_actions.shape[-1] if discrete else simulation.samples + 1
    return max(1, rows // (agents * count + 1))


def _measured(returns: _Returns, states: CreditStates) -> TrueCredit:
    """The measurement from returns [S, R, ...]."""
    own, weights, joint_action, state = (
        np.asarray(each, np.float64) for each in returns[: _Returns._fields.index("cut_off")]
    )
    expected = (weights * own).sum(-1)
    alive = np.asarray(states.observation.alive)
    available = np.asarray(states.observation.available_actions)
    discrete = states.actions.ndim == alive.ndim
    offered = Measured.of_repetitions(
        np.where(available[:, None], own, np.nan) if discrete else own
    )
    return TrueCredit(
        state_values=Measured.of_repetitions(state),
        joint_action_values=Measured.of_repetitions(joint_action),
        expected_values=Measured.of_repetitions(expected),
        advantages=Measured.of_repetitions(joint_action[..., None] - expected),
        own_action_values=offered if discrete else None,
        acting=alive & (available.sum(-1) > 1) if discrete else alive,
        cut_off=float(np.mean(returns.cut_off)),
    )


def _check(
    environment: Environment, states: CreditStates, repetitions: int, at_time_limit: str
) -> None:
    if repetitions < 2:
        raise ValueError(f"repetitions: expected at least 2, found {repetitions}")
    if len(states) < 1:
        raise ValueError("states: expected at least one, found none")
    if at_time_limit not in ("continue", "stop"):
        raise ValueError(f"at_time_limit: expected 'continue' or 'stop', found {at_time_limit!r}")
    if environment.spec.agent_rewards:
        raise ValueError("environment: expected a team reward, found one for each agent")
