"""The same keys and actions lead to the same battle here and in JaxMARL, step by step."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import auto_reset_step
from gpae.environments.smax import Smax

pytestmark = pytest.mark.slow

ENVIRONMENTS = 3
STEPS = 70


def raw_smax(map_name):
    from jaxmarl.environments.smax import HeuristicEnemySMAX, Scenario, map_name_to_scenario

    if map_name == "1s1z":
        scenario = Scenario(jnp.array([2, 3, 2, 3], dtype=jnp.uint8), 2, 2, False, False)
    else:
        scenario = map_name_to_scenario(map_name)
    return HeuristicEnemySMAX(
        scenario=scenario, see_enemy_actions=True, walls_cause_death=True, attack_mode="closest"
    )


def keys(purpose):
    return jax.random.split(jax.random.fold_in(jax.random.key(7), purpose), (STEPS, ENVIRONMENTS))


def random_actions(key, available_actions):
    return jax.random.categorical(key, jnp.where(available_actions, 0.0, -jnp.inf))


def our_battle(compiled, environment, step):
    """Play random available actions; ``step`` gives state, next observation and the rest."""

    def play(reset_key, action_keys, step_keys):
        state, observation = environment.reset(reset_key)

        def advance(carry, keys):
            state, observation = carry
            actions = random_actions(keys[0], observation.available_actions)
            state, observation, result = step(keys[1], state, actions)
            return (state, observation), (actions, observation, result)

        _, history = jax.lax.scan(advance, (state, observation), (action_keys, step_keys))
        return observation, history

    reset_keys = jax.random.split(jax.random.key(3), ENVIRONMENTS)
    return compiled(jax.vmap(play, (0, 1, 1)))(reset_keys, keys(0), keys(1))


def raw_battle(compiled, raw, step, actions):
    """Play the given actions through JaxMARL's own reset and step."""

    def seen(observations, state):
        available = raw.get_avail_actions(state)
        return {
            "observations": jnp.stack([observations[agent] for agent in raw.agents]),
            "state": observations["world_state"],
            "available_actions": jnp.stack([available[agent] for agent in raw.agents]),
            "alive": jnp.stack([state.state.unit_alive[i] for i in range(raw.num_allies)]),
        }

    def play(reset_key, step_keys, actions):
        observations, state = raw.reset(reset_key)

        def advance(state, inputs):
            key, joint = inputs
            by_agent = {agent: joint[i] for i, agent in enumerate(raw.agents)}
            observations, state, rewards, dones, _ = step(key, state, by_agent)
            return state, (seen(observations, state), rewards, dones)

        first = seen(observations, state)
        return first, jax.lax.scan(advance, state, (step_keys, actions))[1]

    reset_keys = jax.random.split(jax.random.key(3), ENVIRONMENTS)
    return compiled(jax.vmap(play, (0, 1, 0)))(reset_keys, keys(1), actions)


def assert_same_view(observation, raw_view):
    """Equal but for rounding: a compiler may order the same sums differently in two programs."""
    for name, expected in raw_view.items():
        np.testing.assert_allclose(
            getattr(observation, name), expected, rtol=1e-5, atol=1e-5, err_msg=name
        )


@pytest.mark.parametrize(
    "map_name",
    [
        "3m",
        "1s1z",
        "5m_vs_6m",
        "10m_vs_11m",
        "3s5z",
        "3s5z_vs_3s6z",
        "6h_vs_8z",
        "smacv2_5_units",
        "smacv2_10_units",
    ],
)
def test_every_step_agrees_with_the_raw_environment(map_name, quickly_compiled):
    environment, raw = Smax(map_name), raw_smax(map_name)

    def step(key, state, actions):
        successor, result = environment.step(key, state, actions)
        return successor, result.observation, result

    first, (actions, all_observations, steps) = our_battle(quickly_compiled, environment, step)
    raw_first, (raw_views, rewards, dones) = raw_battle(
        quickly_compiled, raw, raw.step_env, actions
    )

    assert_same_view(first, raw_first)
    assert_same_view(all_observations, raw_views)
    assert_same_view(steps.observation, raw_views)
    np.testing.assert_array_equal(steps.actions, actions)
    np.testing.assert_array_equal(steps.boundary, dones["__all__"])
    for i, agent in enumerate(raw.agents):
        np.testing.assert_allclose(steps.reward, rewards[agent], atol=1e-6)
        np.testing.assert_array_equal(~steps.observation.alive[..., i], dones[agent])
    assert not steps.observation.alive.all(), "nobody died: the comparison saw too little"
    assert steps.terminated.any(), "no battle ended: the comparison saw too little"


def test_auto_reset_continues_as_the_raw_environments_own(quickly_compiled):
    environment, raw = Smax("3m"), raw_smax("3m")

    def step(key, state, actions):
        return auto_reset_step(environment, key, state, actions)

    _, (actions, all_observations, steps) = our_battle(quickly_compiled, environment, step)
    _, (raw_views, rewards, dones) = raw_battle(quickly_compiled, raw, raw.step, actions)

    assert steps.boundary.sum() >= ENVIRONMENTS
    np.testing.assert_array_equal(steps.boundary, dones["__all__"])
    np.testing.assert_allclose(steps.reward, rewards["ally_0"], atol=1e-6)
    assert_same_view(all_observations, raw_views)
