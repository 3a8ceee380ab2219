"""GPAE in a plain PPO loop of one's own, in JAX on JaxMARL's simple spread: ``python ppo_jax.py``.

It needs ``pip install 'gpae[smax]'`` for JaxMARL, Flax and Optax; of this library it uses the
estimators alone, in :func:`estimate`.
"""

from functools import partial
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import jaxmarl
import optax

from gpae import estimators

GAMMA, LAMBDA, CLIP, ENTROPY = 0.95, 0.95, 0.2, 0.01
GAME = jaxmarl.make("MPE_simple_spread_v3")
N, A = GAME.num_agents, 5


class Rollout(NamedTuple):
    """Steps that were played; every array is [T, E, ...]."""

    observations: jax.Array
    actions: jax.Array
    log_probs: jax.Array
    rewards: jax.Array
    successors: jax.Array
    truncated: jax.Array


class Mlp(nn.Module):
    outputs: int

    @nn.compact
    def __call__(self, inputs):
        hidden = nn.tanh(nn.Dense(64)(nn.tanh(nn.Dense(64)(inputs))))
        return nn.Dense(self.outputs)(hidden)


def ids(observations):
    return jnp.broadcast_to(jnp.eye(N), (*observations.shape[:-1], N))


def policy(params, observations):
    """Log-probabilities of each agent's actions, of its own observation and its id, [..., N, A]."""
    inputs = jnp.concatenate([observations, ids(observations)], -1)
    return jax.nn.log_softmax(Mlp(A).apply(params["actor"], inputs))


def values(params, observations, actions, log_probs):
    """EQ^i of all observations and the others' actions; the own slot has the policy, [..., N].

    Agent i's own action is nowhere in its input: that is what makes EQ^i its baseline.
    """
    return Mlp(1).apply(params["critic"], critic_inputs(observations, actions, log_probs))[..., 0]


def critic_inputs(observations, actions, log_probs):
    probabilities = jax.lax.stop_gradient(jnp.exp(log_probs))[..., None, :, :]
    own, taken = jnp.eye(N, dtype=bool)[..., None], jax.nn.one_hot(actions, A)[..., None, :, :]
    joint_action = jnp.where(own, probabilities, taken)
    joint_action = joint_action.reshape(*joint_action.shape[:-2], N * A)
    state = observations.reshape(*observations.shape[:-2], 1, -1)
    state = jnp.broadcast_to(state, (*joint_action.shape[:-1], state.shape[-1]))
    return jnp.concatenate([state, joint_action, ids(observations)], -1)


def stacked(by_agent):
    return jnp.stack([by_agent[agent] for agent in GAME.agents])


def chosen(log_probs, actions):
    """Log-probabilities of the actions taken."""
    return jnp.take_along_axis(log_probs, actions[..., None], -1)[..., 0]


def step(key, state, actions):
    """One game's next state and observations, its team's reward, true successor and time limit."""
    step_key, reset_key = jax.random.split(key)
    given = dict(zip(GAME.agents, actions, strict=True))
    by_agent, successor, rewards, dones, _ = GAME.step_env(step_key, state, given)
    begun, fresh = GAME.reset(reset_key)
    ended = dones["__all__"]
    state, observations = jax.tree.map(
        partial(jnp.where, ended), (fresh, stacked(begun)), (successor, stacked(by_agent))
    )
    return state, observations, stacked(rewards).mean(), stacked(by_agent), ended


def collect(params, games, key, steps):
    """Play some steps in all games, from their states and observations on."""

    def act(games, key):
        state, observations = games
        action_key, step_key = jax.random.split(key)
        log_probs = policy(params, observations)
        actions = jax.random.categorical(action_key, log_probs)
        keys = jax.random.split(step_key, len(observations))
        state, following, *results = jax.vmap(step)(keys, state, actions)
        played = Rollout(observations, actions, chosen(log_probs, actions), *results)
        return (state, following), played

    return jax.lax.scan(act, games, jax.random.split(key, steps))


def estimate(params, rollout, key):
    """Per-agent advantages and value targets: the place where GPAE comes into the loop.

    At the successor the others act as they did on the next step; where no next step follows, at
    the end of an episode and of the rollout, their actions are drawn from the policy.
    """
    log_probs = policy(params, rollout.observations)
    current = values(params, rollout.observations, rollout.actions, log_probs)
    next_log_probs = policy(params, rollout.successors)
    drawn = jax.random.categorical(key, next_log_probs)
    following = jnp.concatenate([rollout.actions[1:], drawn[-1:]])
    next_actions = jnp.where(rollout.truncated[..., None], drawn, following)
    log_ratios = chosen(log_probs, rollout.actions) - rollout.log_probs  # 0: on-policy
    advantages = estimators.gpae(
        rollout.rewards,
        current,
        values(params, rollout.successors, next_actions, next_log_probs),
        discounts=jnp.full_like(rollout.rewards, GAMMA),  # this game never terminates
        boundaries=rollout.truncated,
        traces=estimators.traces("double", log_ratios, LAMBDA),
    )
    return advantages, estimators.value_targets(current, advantages, log_ratios)


def loss(params, rollout, advantages, targets):
    """Clipped policy gradients and regression; advantages are normalised over all agents."""
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    log_probs = policy(params, rollout.observations)
    ratio = jnp.exp(chosen(log_probs, rollout.actions) - rollout.log_probs)
    clipped = jnp.clip(ratio, 1 - CLIP, 1 + CLIP)
    actor_loss = -jnp.minimum(ratio * advantages, clipped * advantages).mean()
    errors = values(params, rollout.observations, rollout.actions, log_probs) - targets
    entropy = -(jnp.exp(log_probs) * log_probs).sum(-1).mean()
    return actor_loss + 0.5 * (errors**2).mean() - ENTROPY * entropy


def train(updates=100, environments=16, steps=50, epochs=8, seed=0):
    """Train a team; its parameters and the mean reward of each update's steps."""
    keys = jax.random.split(jax.random.key(seed), 4)
    by_agent, state = jax.vmap(GAME.reset)(jax.random.split(keys[0], environments))
    games = state, jax.vmap(stacked)(by_agent)
    size = games[1].shape[-1]
    params = {
        "actor": Mlp(A).init(keys[1], jnp.zeros(size + N)),
        "critic": Mlp(1).init(keys[2], jnp.zeros(N * (size + A + 1))),
    }
    optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-3))

    def gradient_step(learner, _, *batch):
        params, state = learner
        changes, state = optimiser.update(jax.grad(loss)(params, *batch), state)
        return (optax.apply_updates(params, changes), state), None

    @jax.jit
    def update(carry, key):
        learner, games = carry
        collect_key, estimate_key = jax.random.split(key)
        games, rollout = collect(learner[0], games, collect_key, steps)
        estimates = estimate(learner[0], rollout, estimate_key)
        learner, _ = jax.lax.scan(
            lambda learner, _: gradient_step(learner, _, rollout, *estimates),
            learner,
            length=epochs,
        )
        return (learner, games), rollout.rewards.mean()

    carry, rewards = ((params, optimiser.init(params)), games), []
    for number, key in enumerate(jax.random.split(keys[3], updates)):
        carry, reward = update(carry, key)
        rewards.append(float(reward))
        if number % 10 == 9:
            print(f"update {number + 1}: mean reward of a step {sum(rewards[-10:]) / 10:.3f}")
    return carry[0][0], rewards


if __name__ == "__main__":
    train()
