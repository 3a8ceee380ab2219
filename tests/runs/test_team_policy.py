"""A loaded policy acts as its network does, in one environment or many, and says what it cannot."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gpae
from gpae.errors import UserError
from gpae.networks import apply_actor, initial_hidden_state, sample
from gpae.runs.policy_spec import PolicySpec

pytestmark = pytest.mark.usefixtures("compile_quickly")


def played(policy, observations, available, firsts=None, keys=None):
    """The actions of every step, one call after the other."""
    state, actions = policy.initial_state(*observations.shape[1:-2]), []
    for time in range(len(observations)):
        first = False if firsts is None else firsts[time]
        key = None if keys is None else keys[time]
        taken, state = policy.act(observations[time], available[time], state, first=first, key=key)
        actions.append(taken)
    return np.stack(actions)


def network_policies(policy, observations, available, firsts):
    """The same in one call of the network over time."""
    begun = initial_hidden_state(policy.spec.network, *observations.shape[1:-1])
    inputs = (begun, observations, jnp.asarray(available), jnp.asarray(firsts))
    return apply_actor(policy.network, policy.params, *inputs)[1]


@pytest.mark.parametrize("space", ["discrete", "continuous"])
@pytest.mark.parametrize("core", ["gru", "lstm", "feedforward"])
def test_step_by_step_it_acts_as_its_network_does_over_time(make_policy, random_steps, core, space):
    policy = make_policy(space, core=core)
    observations, available = random_steps(4)
    firsts = np.zeros((6, 4), bool)
    firsts[3, 1] = firsts[5, 2] = True
    expected = network_policies(policy, observations, available, firsts)
    expected = expected.executed(expected.mode())
    found = played(policy, observations, available, firsts)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert len(np.unique(found)) > 2


def test_sampled_actions_are_those_of_a_key_for_each_environment(make_policy, random_steps):
    policy = make_policy("continuous", core="lstm")
    observations, available = random_steps(4)
    keys = jax.random.split(jax.random.key(5), (6, 4))
    policies = network_policies(policy, observations, available, np.zeros((6, 4), bool))
    expected = policies.executed(jax.vmap(sample)(keys, policies))
    found = played(policy, observations, available, keys=keys)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_one_key_is_split_over_the_environments(make_policy, random_steps):
    policy = make_policy()
    observations, available = (each[0] for each in random_steps(4))
    key = jax.random.key(2)
    one = policy.act(observations, available, key=key)[0]
    np.testing.assert_array_equal(
        one, policy.act(observations, available, key=jax.random.split(key, 4))[0]
    )


def test_samples_follow_the_probabilities_and_never_what_is_not_available(make_policy):
    policy = make_policy(core="feedforward")
    many = 4000
    observations = np.broadcast_to(np.float32([0.3, -1.0, 0.2, 0.9, 0.1]), (many, 3, 5))
    available = np.broadcast_to([True, False, True, True], (many, 3, 4))
    actions, _ = policy.act(observations, available, key=jax.random.key(0))
    policies = network_policies(
        policy, observations[None, :1], available[None, :1], np.zeros((1, 1), bool)
    )
    expected = np.asarray(policies.probabilities)[0, 0]
    found = (np.asarray(actions)[..., None] == np.arange(4)).mean(0)
    assert (found[:, 1] == 0.0).all()
    np.testing.assert_allclose(found, expected, rtol=0, atol=4 * 0.5 / np.sqrt(many))


@pytest.mark.parametrize("core", ["gru", "lstm"])
def test_many_environments_are_each_one_of_their_own(make_policy, random_steps, core):
    policy = make_policy("continuous", core=core)
    observations, available = random_steps(3)
    together = played(policy, observations, available)
    for place in range(3):
        alone = played(policy, observations[:, place], available[:, place])
        np.testing.assert_allclose(together[:, place], alone, rtol=0, atol=1e-6)


def test_an_episode_s_first_step_forgets_the_one_before(make_policy, random_steps):
    policy = make_policy("continuous")
    observations, available = random_steps(2)
    _, before = policy.act(observations[0], available[0])
    fresh, _ = policy.act(observations[1], available[1])
    after, _ = policy.act(observations[1], available[1], before)
    again, _ = policy.act(observations[1], available[1], before, first=[True, False])
    np.testing.assert_array_equal(again[0], fresh[0])
    np.testing.assert_array_equal(again[1], after[1])
    assert np.abs(after - fresh).max() > 1e-3


def test_without_availability_everything_is_available(make_policy, random_steps):
    policy = make_policy()
    observations = random_steps()[0][0]
    everything = np.ones((3, 4), bool)
    np.testing.assert_array_equal(
        policy.act(observations)[0], policy.act(observations, everything)[0]
    )


def test_a_q_network_takes_the_available_action_of_most_value_and_samples_none(
    make_policy, random_steps
):
    policy = make_policy("discrete", "q_network")
    observations, available = random_steps()
    actions = played(policy, observations, available)
    assert np.take_along_axis(available, actions[..., None], -1).all()
    with pytest.raises(UserError, match="vdn acts greedily: there is nothing to sample"):
        policy.act(observations[0], available[0], key=jax.random.key(0))


def test_wrong_arguments_are_named(make_policy):
    policy = make_policy()
    seen, keys = np.zeros((2, 3, 5)), jax.random.split(jax.random.key(0), 3)
    wrong = [
        (ValueError, r"observations must have shape \[N, O\] = \(3, 5\)", (np.zeros((3, 4)),), {}),
        (ValueError, r"available_actions must .* \(2, 3, 4\)", (seen, np.ones((3, 4))), {}),
        (ValueError, r"state must be that of initial_state\(2\)", (seen, None, np.zeros(3)), {}),
        (ValueError, r"first must have shape \(2,\) or \(\)", (seen,), {"first": [True] * 3}),
        (ValueError, r"key must .* \(2,\) or \(\)", (seen,), {"key": keys}),
        (TypeError, "key must be a key of jax.random.key; found int", (seen,), {"key": 3}),
    ]
    for kind, message, positional, named in wrong:
        with pytest.raises(kind, match=message):
            policy.act(*positional, **named)


@pytest.mark.parametrize("space", ["discrete", "continuous", "unbounded"])
def test_a_description_reads_back_as_written(make_spec, tmp_path, space):
    spec = make_spec(space, core="lstm", layer_norm=True)
    spec.write(tmp_path / "policy.json")
    assert PolicySpec.read(tmp_path / "policy.json") == spec


@pytest.mark.parametrize("contents", ["", "{}", '{"format": 2}', "[]"])
def test_a_damaged_description_is_one_line(tmp_path, contents):
    (tmp_path / "policy.json").write_text(contents)
    with pytest.raises(UserError, match="is damaged: it describes no policy"):
        PolicySpec.read(tmp_path / "policy.json")


def test_newest_best_and_a_checkpoint_by_its_update(make_policy, make_run):
    newest, best = make_policy(seed=0), make_policy(seed=1)
    run = make_run(newest, best)

    def same(params, others):
        return jax.tree.all(jax.tree.map(np.array_equal, params, others))

    loaded = gpae.load_policy(run)
    assert loaded.update == 8
    assert same(loaded.params, newest.params)
    loaded = gpae.load_policy(str(run), best=True)
    assert loaded.update == 3
    assert same(loaded.params, best.params)
    earlier = gpae.load_policy(run, checkpoint=4)
    assert earlier.update == 4
    assert same(earlier.params, jax.tree.map(lambda leaf: leaf / 2, newest.params))


def test_what_cannot_be_loaded_is_one_line(make_policy, make_run, tmp_path):
    with pytest.raises(UserError, match="is not a run: there is no such folder"):
        gpae.load_policy(tmp_path / "nowhere")
    run = make_run(make_policy(), score=-np.inf)
    with pytest.raises(UserError, match="has no checkpoint 5, only 4, 8"):
        gpae.load_policy(run, checkpoint=5)
    with pytest.raises(UserError, match="has no best parameters"):
        gpae.load_policy(run, best=True)
    make_policy(hidden_size=16).spec.write(run / "policy.json")
    with pytest.raises(UserError, match=r"state/params/actor of checkpoint 8 of .* does not fit"):
        gpae.load_policy(run)


SCRIPT = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("jaxmarl", "gymnax", "brax", "mujoco"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocker())
import gpae, numpy as np
policy = gpae.load_policy(sys.argv[1])
actions, state = policy.act(np.zeros((2, 3, 5)))
print(actions.shape, state.shape)
"""


@pytest.mark.slow
def test_the_environment_s_package_is_not_needed(make_policy, make_run):
    command = [sys.executable, "-c", SCRIPT, str(make_run(make_policy()))]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.stderr, result.stdout) == ("", "(2, 3) (2, 3, 8)\n")
