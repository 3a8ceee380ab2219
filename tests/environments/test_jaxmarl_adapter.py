"""JaxMARL's environments through the adapter: the same transitions, stacked; truncation apart."""

from functools import cache, partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import ContinuousActions, DiscreteActions, auto_reset_step, find_task, make
from gpae.environments.jaxmarl_adapter import JaxmarlEnvironment
from gpae.environments.jaxmarl_games import GAMES, REFUSED, AdapterOptions
from gpae.environments.jaxmarl_settings import OVERCOOKED_LAYOUTS, OVERCOOKED_V2_LAYOUTS
from gpae.errors import UserError

SPREAD = "jaxmarl/MPE_simple_spread_v3"
REFERENCE = "jaxmarl/MPE_simple_reference_v3"
SPEAKER = "jaxmarl/MPE_simple_speaker_listener_v4"
OVERCOOKED = "jaxmarl/overcooked"
RIDDLE = "jaxmarl/switch_riddle"

SHORT = {
    # task: its settings for short episodes, and the transitions these allow
    SPREAD: ({"max_steps": 5}, 6),
    REFERENCE: ({"max_steps": 5}, 6),
    SPEAKER: ({"max_steps": 5}, 6),
    OVERCOOKED: ({"max_steps": 6}, 6),
    RIDDLE: ({}, 6),
}
SIZES = {
    # task: agents, observation, state, actions
    SPREAD: (3, 18, 3 * 18, 5),
    REFERENCE: (2, 21, 2 * 21, 50),
    SPEAKER: (2, 11, 3 + 11, 5),
    OVERCOOKED: (2, 4 * 5 * 26, 2 * 4 * 5 * 26, 6),
    RIDDLE: (3, 2, 3 * 2, 3),
}
ENVIRONMENTS = 16
TELL = 2


def types(tree):
    return [(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(tree)]


def assert_same(found, expected):
    """Equal but for rounding: a compiler may order the same sums differently in two programs."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def random_actions(key, available_actions):
    return jax.random.categorical(key, jnp.where(available_actions, 0.0, -jnp.inf))


@pytest.fixture(scope="module")
def played(quickly_compiled):
    """A task's episodes by random actions, and JaxMARL's own steps from the same states, keys."""

    @cache
    def play(task):
        settings, limit = SHORT[task]
        environment = make(task, **settings)
        game, agents = environment._game, environment._game.agents

        def advance(carry, key):
            state, observation = carry
            actions = random_actions(jax.random.fold_in(key, 0), observation.available_actions)
            successor, step = environment.step(key, state, actions)
            orders = {agent: actions[i] for i, agent in enumerate(agents)}
            raw = game.step_env(key, state, orders)[:4]
            return (successor, step.observation), (successor, step, raw)

        def episode(key):
            first = environment.reset(key)
            keys = jax.random.split(key, limit)
            return first, jax.lax.scan(advance, first, keys)[1]

        keys = jax.random.split(jax.random.key(2), ENVIRONMENTS)
        first, history = quickly_compiled(jax.vmap(episode, out_axes=(0, 1)))(keys)
        return environment, first, history

    return play


@pytest.mark.slow
@pytest.mark.parametrize("task", SHORT)
def test_sizes_are_those_of_the_spec(task, played):
    environment, (_, observation), (_, step, _) = played(task)
    spec, (N, size, S, A) = environment.spec, SIZES[task]
    assert (spec.name, spec.num_agents, spec.actions) == (task, N, DiscreteActions(A))
    assert (spec.observation_size, spec.state_size) == (size, S)
    assert spec.max_episode_steps == SHORT[task][1]
    assert find_task(task).num_agents == N
    for seen, leading in (
        (observation, (ENVIRONMENTS,)),
        (step.observation, (SHORT[task][1], ENVIRONMENTS)),
    ):
        assert seen.observations.shape == (*leading, N, size)
        assert seen.state.shape == (*leading, S)
        assert seen.available_actions.shape == (*leading, N, A)
        assert seen.alive.shape == (*leading, N)
        assert seen.alive.all()


@pytest.mark.slow
@pytest.mark.parametrize("task", [OVERCOOKED, "jaxmarl/overcooked_v2"])
@pytest.mark.parametrize("reward", ["shared", "sum", "mean"])
def test_a_cooks_shaped_reward_is_the_teams_in_the_form_of_the_reward(
    task, reward, quickly_compiled
):
    environment = make(task, random_reset=True, reward=reward)
    game, agents = environment._game, environment._game.agents

    def transition(carry, key):
        state, observation = carry
        actions = random_actions(key, observation.available_actions)
        orders = {agent: actions[i] for i, agent in enumerate(agents)}
        information = game.step_env(key, state, orders)[4]
        successor, step = environment.step(key, state, actions)
        return (successor, step.observation), (step.shaped_reward, information["shaped_reward"])

    def episode(key):
        return jax.lax.scan(transition, environment.reset(key), jax.random.split(key, 100))[1]

    keys = jax.random.split(jax.random.key(3), 64)
    found, by_agent = quickly_compiled(jax.vmap(episode))(keys)
    assert environment.spec.shaped_rewards
    own = np.stack([by_agent[agent] for agent in agents])
    assert all((row > 0).any() for row in own)
    np.testing.assert_array_equal(found, own.mean(0) if reward == "mean" else own.sum(0))


@pytest.mark.slow
@pytest.mark.parametrize("task", SHORT)
def test_a_step_is_jaxmarls_own(task, played):
    environment, _, (successor, step, (observations, state, _, dones)) = played(task)
    flat = {
        agent: np.asarray(seen, np.float32).reshape(*step.reward.shape, -1)
        for agent, seen in observations.items()
    }
    for row, agent in enumerate(environment._game.agents):
        size = flat[agent].shape[-1]
        assert_same(step.observation.observations[..., row, :size], flat[agent])
        assert not step.observation.observations[..., row, size:].any()
    joined = np.concatenate([flat[agent] for agent in environment._game.agents], axis=-1)
    assert_same(step.observation.state, joined)
    np.testing.assert_array_equal(step.boundary, dones["__all__"])
    jax.tree.map(assert_same, successor, state)


@pytest.mark.slow
@pytest.mark.parametrize("task", [SPEAKER, OVERCOOKED, RIDDLE])
def test_a_shared_reward_is_every_agents_own(task, played):
    _, _, (_, step, (_, _, rewards, _)) = played(task)
    for own in rewards.values():
        np.testing.assert_array_equal(step.reward, own)
    assert np.isfinite(step.reward).all()


@pytest.mark.slow
@pytest.mark.parametrize("task", [SPREAD, REFERENCE])
def test_separate_rewards_are_added_up_by_default(task, played):
    _, _, (_, step, (_, _, rewards, _)) = played(task)
    own = np.stack([np.asarray(reward) for reward in rewards.values()])
    assert (own[0] != own[1]).any()
    np.testing.assert_allclose(step.reward, own.sum(axis=0), rtol=1e-6)


def test_the_sum_is_exactly_that_of_what_jaxmarl_gives(played):
    environment, (states, _), _ = played(REFERENCE)
    key, state = jax.random.key(5), jax.tree.map(lambda leaf: leaf[0], states)
    _, step = environment.step(key, state, jnp.array([7, 23]))
    orders = {"agent_0": jnp.int32(7), "agent_1": jnp.int32(23)}
    rewards = environment._game.step_env(key, state, orders)[2]
    assert step.reward == rewards["agent_0"] + rewards["agent_1"]


@pytest.mark.parametrize("task", [SPREAD, REFERENCE, SPEAKER, OVERCOOKED])
def test_where_time_alone_ends_an_episode_it_is_truncated(task, played):
    _, _, (_, step, _) = played(task)
    assert not step.terminated.any()
    assert not step.truncated[:-1].any()
    assert step.truncated[-1].all()


def test_the_riddle_terminates_when_the_prisoner_in_the_room_tells(played):
    environment, (state, _), (successor, step, _) = played(RIDDLE)
    in_room = np.concatenate([state.agent_in_room[None], successor.agent_in_room[:-1]])
    action = np.take_along_axis(np.asarray(step.actions), in_room[..., None], axis=-1)[..., 0]
    last_day = np.arange(6)[:, None] == 5
    np.testing.assert_array_equal(step.terminated, action == TELL)
    np.testing.assert_array_equal(step.truncated, last_day & (action != TELL))
    assert (step.terminated & last_day).any()
    assert step.truncated.any()
    everyone = successor.has_been.all(axis=-1)
    np.testing.assert_array_equal(step.outcomes["solved"], step.terminated & everyone)
    assert step.outcomes["solved"].any()
    assert environment.spec.metrics == ("solved",)


@pytest.mark.parametrize("task", SHORT)
def test_nothing_is_reset(task, played):
    _, (state, _), (successor, _, _) = played(task)
    assert not state.step.any()
    np.testing.assert_array_equal(successor.step, np.arange(1, 7)[:, None] + np.zeros(16))


@pytest.mark.slow
def test_after_a_reset_the_true_successor_is_kept(quickly_compiled):
    environment = make(SPREAD, max_steps=2)

    def advance(carry, key):
        state, observation = carry
        state, following, step = auto_reset_step(environment, key, state, jnp.array([1, 2, 3]))
        return (state, following), (observation, following, step)

    def play(key):
        return jax.lax.scan(advance, environment.reset(key), jax.random.split(key, 7))[1]

    before, after, step = quickly_compiled(play)(jax.random.key(0))
    assert np.flatnonzero(step.truncated).tolist() == [2, 5]
    velocity, position = slice(0, 2), slice(2, 4)
    moved = before.observations[..., position] + 0.1 * before.observations[..., velocity]
    np.testing.assert_allclose(step.observation.observations[..., position], moved, atol=1e-6)
    ends = np.asarray(step.boundary)
    assert (after.observations[ends][..., velocity] == 0).all()
    assert (step.observation.observations[ends][..., velocity] != 0).any(axis=-1).all()
    np.testing.assert_array_equal(after.observations[~ends], step.observation.observations[~ends])


def test_the_same_keys_play_the_same_and_others_do_not(quickly_compiled):
    environment = make(RIDDLE)

    def play(key):
        state, _ = environment.reset(key)
        return environment.step(key, state, jnp.array([1, 1, 1]))

    keys = jax.random.split(jax.random.key(0), 32)
    first, again = (quickly_compiled(jax.vmap(play))(keys) for _ in range(2))
    jax.tree.map(np.testing.assert_array_equal, first, again)
    assert set(np.asarray(first[0].agent_in_room)) == {0, 1, 2}


def test_the_speaker_has_three_actions_and_the_listener_five(played):
    _, (_, observation), (_, step, _) = played(SPEAKER)
    np.testing.assert_array_equal(
        observation.available_actions[0], [[True] * 3 + [False] * 2, [True] * 5]
    )
    assert (step.observation.available_actions == observation.available_actions).all()
    assert np.unique(step.actions[..., 0]).tolist() == [0, 1, 2]
    assert np.unique(step.actions[..., 1]).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.slow
def test_hanabis_legal_moves_are_its_masks(quickly_compiled):
    environment = make("jaxmarl/hanabi")
    state, observation = quickly_compiled(environment.reset)(jax.random.key(0))
    legal = environment._game.get_legal_moves(state)
    expected = np.stack([legal[agent] for agent in environment._game.agents]) > 0
    np.testing.assert_array_equal(observation.available_actions, expected)
    assert observation.available_actions.sum(axis=1).min() == 1
    assert environment.spec.max_episode_steps is None


def test_continuous_actions_are_mapped_to_the_environments_bounds(quickly_compiled):
    environment = make(SPEAKER, action_type="continuous")
    assert environment.spec.actions == ContinuousActions(5, low=-1.0, high=1.0)

    @partial(quickly_compiled)
    def ours_and_theirs(key, actions, speaker, listener):
        state, observation = environment.reset(key)
        successor, _ = environment.step(key, state, actions)
        orders = {"speaker_0": speaker, "listener_0": listener}
        return successor, environment._game.step_env(key, state, orders)[1], observation

    actions = jnp.array([[-1.0, 0.5, 1.0, 9.0, 9.0], [0.0, 3.0, -3.0, 0.2, -0.6]])
    speaker, listener = jnp.array([0.0, 0.75, 1.0]), jnp.array([0.5, 1.0, 0.0, 0.6, 0.2])
    ours, theirs, observation = ours_and_theirs(jax.random.key(0), actions, speaker, listener)
    np.testing.assert_allclose(ours.p_vel, theirs.p_vel, atol=1e-6)
    np.testing.assert_allclose(ours.c, theirs.c, atol=1e-6)
    np.testing.assert_allclose(ours.c[0], speaker, atol=1e-6)
    assert ours.p_vel[1].all()
    np.testing.assert_array_equal(observation.available_actions.sum(axis=1), [3, 5])


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["MPE_simple_v3", "MPE_simple_facmac_v1", "hanabi", "overcooked_v2", "jaxnav"]
)
def test_every_other_game_fits_its_spec(name):
    task = find_task(f"jaxmarl/{name}")
    environment = task.make()
    spec, key = environment.spec, jax.random.key(0)
    N, A, continuous = (
        spec.num_agents,
        spec.actions.size,
        isinstance(spec.actions, ContinuousActions),
    )
    actions = jnp.zeros((N, A)) if continuous else jnp.zeros(N, jnp.int32)
    fresh = jax.eval_shape(environment.reset, key)
    state, step = jax.eval_shape(environment.step, key, fresh[0], actions)
    assert types(fresh) == types((state, step.observation))
    assert (N, continuous) == (task.num_agents, task.continuous)
    assert step.observation.observations.shape == (N, spec.observation_size)
    assert step.observation.state.shape == (spec.state_size,)
    assert step.observation.available_actions.shape == (N, A)
    assert (step.reward.shape, step.terminated.dtype) == ((), bool)
    assert tuple(step.outcomes) == spec.metrics


@pytest.mark.parametrize("task", SHORT)
def test_a_state_has_the_same_types_after_a_reset_as_after_a_step(task):
    environment = make(task)
    actions = jnp.zeros(environment.spec.num_agents, jnp.int32)
    fresh = jax.eval_shape(environment.reset, jax.random.key(0))
    state, step = jax.eval_shape(environment.step, jax.random.key(0), fresh[0], actions)
    assert types(fresh) == types((state, step.observation))


def test_what_jaxmarl_registers_is_a_task_or_refused():
    from jaxmarl import registered_envs
    from jaxmarl.environments import overcooked_layouts, overcooked_v2_layouts

    assert set(GAMES) | set(REFUSED) == set(registered_envs)
    assert not set(GAMES) & set(REFUSED)
    assert set(OVERCOOKED_LAYOUTS) == set(overcooked_layouts)
    assert set(OVERCOOKED_V2_LAYOUTS) == set(overcooked_v2_layouts)


def test_the_layout_is_a_setting():
    assert make(OVERCOOKED, layout="asymm_advantages").spec.observation_size == 5 * 9 * 26


@pytest.mark.parametrize(
    ("task", "settings", "message"),
    [
        ("jaxmarl/MPE_simple_tag_v3", {}, "no task 'jaxmarl/MPE_simple_tag_v3': it is competitive"),
        ("jaxmarl/storm", {}, "no task 'jaxmarl/storm': it is a social dilemma"),
        ("jaxmarl/SMAX", {}, "no task 'jaxmarl/SMAX': SMAX's maps are tasks of their own"),
        ("jaxmarl/switch_ridle", {}, "no task 'jaxmarl/switch_ridle' (did you mean jaxmarl/swi"),
        (SPREAD, {"reward": "shared"}, "reward must be sum or mean, not 'shared': each agent"),
        (RIDDLE, {"reward": "max"}, "reward must be one of shared, sum, mean, not 'max'"),
        (RIDDLE, {"state": "all"}, "state must be one of auto, environment, observations, not"),
        (
            RIDDLE,
            {"state": "environment"},
            "jaxmarl/switch_riddle has no global state of its own: use",
        ),
        (RIDDLE, {"num_agents": 2}, "num_agents must be a whole number from 3 up, not 2"),
        (RIDDLE, {"max_steps": 2}, "jaxmarl/switch_riddle has no setting 'max_steps'"),
        (OVERCOOKED, {"layout": "kitchen"}, "layout must be one of cramped_room, asymm_advantages"),
        (SPREAD, {"local_ratio": 2}, "local_ratio must be a number from 0 to 1, not 2"),
        (SPREAD, {"action_type": "Discrete"}, "action_type must be one of discrete, continuous"),
        ("jaxmarl/hanabi", {"num_agents": 6}, "num_agents must be a whole number from 2 to 5"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(task, settings, message):
    with pytest.raises(UserError) as error:
        make(task, **settings)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_without_a_reward_of_their_own_agents_may_share():
    assert make(SPREAD, local_ratio=0, reward="shared").spec.num_agents == 3


@pytest.fixture(scope="module")
def heuristic_enemy():
    """SMAX with a limit of 2 steps, held by the environment inside; the enemies do not shoot."""
    import jaxmarl.environments.smax as smax

    scenario = smax.map_name_to_scenario("3m")
    return smax.HeuristicEnemySMAX(scenario=scenario, max_steps=2, enemy_shoots=False)


@pytest.mark.slow
@pytest.mark.parametrize("stated", [3, None])
def test_a_limit_of_the_environment_inside_truncates(stated, heuristic_enemy, quickly_compiled):
    environment = JaxmarlEnvironment(heuristic_enemy, "mine/battle", max_episode_steps=stated)

    def play(key):
        state, _ = environment.reset(key)
        actions = jnp.full(3, 4)
        return jax.lax.scan(
            lambda state, key: environment.step(key, state, actions),
            state,
            jax.random.split(key, 3),
        )[1]

    step = quickly_compiled(play)(jax.random.key(0))
    assert step.truncated.tolist() == [False, False, True]
    assert not step.terminated.any()
    assert environment.spec.max_episode_steps == stated
    assert heuristic_enemy.max_steps == 2, "the user's own environment keeps its limit"


class Discrete:
    """A space of numbered actions."""

    shape = ()

    def __init__(self, n):
        self.n = n


class Clock:
    """One agent; an episode ends for good by action 1, and after its time limit by that."""

    agents = ("ant",)

    def __init__(self, max_steps=3):
        self.max_steps = max_steps

    def action_space(self, agent):
        return Discrete(2)

    def reset(self, key):
        return {"ant": jnp.zeros(1)}, jnp.int32(0)

    def step_env(self, key, state, actions):
        state = state + 1
        done = self.ends(state) | (actions["ant"] == 1)
        return {"ant": jnp.ones(1)}, state, {"ant": 1.0}, {"__all__": done, "ant": done}, {}

    def ends(self, state):
        return state >= self.max_steps


class Delegating:
    """A wrapper as JaxMARL's own are: what it has not, the environment inside has."""

    def __init__(self, inner):
        self.inner = inner

    def __getattr__(self, name):
        return getattr(self.inner, name)


class Shorter(Delegating):
    """A wrapper with a step and an earlier limit of its own."""

    max_steps = 2

    def reset(self, key):
        return self.inner.reset(key)

    def step_env(self, key, state, actions):
        seen, state, rewards, dones, info = self.inner.step_env(key, state, actions)
        done = dones["__all__"] | (state >= self.max_steps)
        return seen, state, rewards, {**dones, "__all__": done}, info


class Configured(Clock):
    """A limit in an object of settings, by another name."""

    def __init__(self):
        self.settings = SimpleNamespace(horizon=3)

    def ends(self, state):
        return state >= self.settings.horizon


class Frozen(Clock):
    """A limit that a function of the constructor keeps; the attribute only shows it."""

    def __init__(self):
        super().__init__()
        limit = self.max_steps
        self.ends = lambda state: state >= limit


class Shown(Clock):
    """A limit that is shown by a property of what is kept elsewhere."""

    def __init__(self):
        self.kept = 3

    @property
    def max_steps(self):
        return self.kept


class Logging(Delegating):
    """A wrapper with a state of its own around the raw step of the environment inside."""

    def reset(self, key):
        seen, state = self.inner.reset(key)
        return seen, {"inner": state, "returns": jnp.zeros(1)}


def by_class(kind):
    """An environment whose limit is an attribute of its class."""
    return type("ByClass", (kind,), {"max_steps": 3, "__init__": lambda self: None})()


@pytest.mark.parametrize(
    ("game", "limit"),
    [
        (Clock(), 3),
        (Delegating(Clock()), 3),
        (Delegating(Delegating(Clock())), 3),
        (Shorter(Clock()), 2),
        (Delegating(Shorter(Clock())), 2),
        (Configured(), 3),
        (Delegating(Configured()), 3),
        (by_class(Clock), 3),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, int) else str(value),
)
@pytest.mark.parametrize("is_stated", [True, False])
def test_the_limit_truncates_whichever_object_holds_it(game, limit, is_stated):
    environment = JaxmarlEnvironment(
        game, "mine/clock", max_episode_steps=limit if is_stated else None
    )
    for time in range(limit):
        for action in (0, 1):
            _, step = environment.step(jax.random.key(0), jnp.int32(time), jnp.array([action]))
            assert bool(step.terminated) == (action == 1)
            assert bool(step.truncated) == (action == 0 and time == limit - 1)


@pytest.mark.parametrize(
    ("game", "settings", "message"),
    [
        (Clock(), {"max_episode_steps": 20}, "max_episode_steps=20 is not its max_steps=3, nor 1"),
        (Frozen(), {}, "its time limit cannot be told from its other ends, as its step_env does"),
        (Frozen(), {"max_episode_steps": 3}, "its time limit cannot be told from its other ends"),
        (Shown(), {}, "its time limit cannot be told from its other ends, as the attribute"),
        (Delegating(Shown()), {}, "its time limit cannot be told from its other ends, as the at"),
        (Logging(Clock()), {}, "Logging has a reset of its own and no step_env: adapt the envir"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict | str) else "",
)
def test_a_limit_that_cannot_be_told_is_refused_in_one_line(game, settings, message):
    with pytest.raises(UserError) as error:
        JaxmarlEnvironment(game, "mine/clock", **settings)
    assert str(error.value).startswith(f"mine/clock: {message}")
    assert "\n" not in str(error.value)


class Box:
    """An action space with bounds."""

    def __init__(self, low, high, shape=(2,)):
        self.low, self.high, self.shape = low, high, shape


class Hovering(Clock):
    """Continuous actions within bounds that are given; the reward is the first of them."""

    def __init__(self, space):
        super().__init__()
        self.space = space

    def action_space(self, agent):
        return self.space

    def step_env(self, key, state, actions):
        done, reward = self.ends(state + 1), actions["ant"].sum()
        return {"ant": jnp.ones(1)}, state + 1, {"ant": reward}, {"__all__": done, "ant": done}, {}


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (-np.inf, np.inf, "dimension 0 of its Box is from -inf to inf"),
        (0.0, np.inf, "dimension 0 of its Box is from 0 to inf"),
        (np.array([-1.0, -np.inf]), 1.0, "dimension 1 of its Box is from -inf to 1"),
        (np.nan, 1.0, "dimension 0 of its Box is from nan to 1"),
        (1.0, -1.0, "dimension 0 of its Box is from 1 to -1"),
        (-3e38, 3e38, "dimension 0 of its Box is from -3e+38 to 3e+38"),
    ],
)
def test_bounds_that_nothing_can_be_mapped_to_are_refused(low, high, found):
    with pytest.raises(UserError) as error:
        JaxmarlEnvironment(Hovering(Box(low, high)), "mine/drone")
    assert str(error.value).startswith(f"mine/drone: action of ant: {found}, and finite bounds")
    assert "\n" not in str(error.value)


def test_a_dimension_with_equal_bounds_is_constant():
    low, high = np.array([2.0, -1.0]), np.array([2.0, 3.0])
    environment = JaxmarlEnvironment(Hovering(Box(low, high)), "mine/drone")
    _, step = environment.step(jax.random.key(0), jnp.int32(0), jnp.array([[0.5, 0.0]]))
    assert step.reward == 2.0 + 1.0


class Own:
    """A JaxMARL environment of one's own: two of three agents learn, and see unlike things."""

    agents = ("ant", "bee", "cow")
    insects = ("ant", "bee")

    def __init__(self, kind="Discrete", mask_size=4):
        self.kind, self.mask_size = kind, mask_size

    def action_space(self, agent):
        space = type(self.kind, (), {})()
        space.n, space.shape = {"ant": 2, "bee": 4, "cow": 3}[agent], ()
        return space

    def get_avail_actions(self, state):
        masks = {"ant": jnp.array([0, 1]), "bee": jnp.arange(self.mask_size) % 2}
        return {**masks, "cow": jnp.ones(3)}

    def reset(self, key):
        state = {"time": jnp.int32(0)}
        return self.see(state), state

    def see(self, state):
        picture = jnp.arange(6, dtype=jnp.uint8).reshape(1, 2, 3)
        nested = {"near": jnp.array([7]), "far": jnp.array([[8.5], [9.5]])}
        return {"ant": picture, "bee": nested, "cow": state["time"], "world_state": jnp.arange(2)}

    def step_env(self, key, state, actions):
        state = {"time": state["time"] + 1}
        rewards = {"ant": 1.0 * actions["ant"], "bee": 1.0 * actions["bee"], "cow": 100.0}
        done = state["time"] == 3
        dones = {"__all__": done, **dict.fromkeys(self.agents, done)}
        return self.see(state), state, rewards, dones, {}


INSECTS = AdapterOptions(team_attribute="insects")


def own(game=None, **settings):
    return JaxmarlEnvironment(game or Own(), "mine/insects", options=INSECTS, **settings)


def own_step(actions, time=0, **settings):
    environment = own(**settings)
    return environment.step(jax.random.key(0), {"time": jnp.int32(time)}, jnp.array(actions))[1]


def test_pictures_and_nested_observations_are_flattened_and_padded():
    _, observation = own().reset(jax.random.key(0))
    np.testing.assert_array_equal(
        observation.observations, [[0, 1, 2, 3, 4, 5], [8.5, 9.5, 7, 0, 0, 0]]
    )


def test_the_state_is_the_environments_own_or_the_teams_observations():
    key = jax.random.key(0)
    np.testing.assert_array_equal(own().reset(key)[1].state, [0, 1])
    np.testing.assert_array_equal(own(state="environment").reset(key)[1].state, [0, 1])
    _, observation = own(state="observations").reset(key)
    np.testing.assert_array_equal(observation.state, [0, 1, 2, 3, 4, 5, 8.5, 9.5, 7])


def test_the_environments_masks_are_within_each_agents_own_actions():
    _, observation = own().reset(jax.random.key(0))
    np.testing.assert_array_equal(observation.available_actions, [[0, 1, 0, 0], [0, 1, 0, 1]])


def test_a_reward_that_is_not_shared_is_never_taken_for_one():
    assert own_step([1, 1]).reward == 1.0
    assert np.isnan(own_step([1, 3]).reward)
    assert own_step([1, 3], reward="sum").reward == 4.0
    assert own_step([1, 3], reward="mean").reward == 2.0


def test_without_a_time_limit_every_end_is_final():
    step = own_step([1, 1], time=2)
    assert step.terminated
    assert not step.truncated


@pytest.mark.parametrize(
    ("game", "settings", "message"),
    [
        (
            Own(),
            {"max_episode_steps": 3},
            "mine/insects: its time limit cannot be told from its other ends",
        ),
        (
            Own("Tuple"),
            {},
            "mine/insects: the actions must be all Discrete or all Box of one axis, not Tuple",
        ),
        (
            Own("Box"),
            {},
            "mine/insects: the actions must be all Discrete or all Box of one axis, not Box",
        ),
        (
            Own(mask_size=5),
            {},
            "get_avail_actions gives action masks of other sizes than the action",
        ),
    ],
)
def test_what_cannot_be_adapted_is_refused_in_one_line(game, settings, message):
    with pytest.raises(UserError) as error:
        own(game, **settings)
    assert str(error.value).startswith(message)
