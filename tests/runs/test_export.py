"""Exported policies act alike wherever they are read, with NumPy alone as well."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gpae
from gpae.cli import main
from gpae.errors import UserError
from gpae.runs.export import export_policy

pytestmark = pytest.mark.usefixtures("compile_quickly")

EXAMPLE = Path(__file__).parents[2] / "examples/numpy_policy.py"


def load_example():
    spec = importlib.util.spec_from_file_location("numpy_policy", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exported(policy, folder):
    export_policy(policy.spec, policy.params, policy.update, folder)
    return folder


VARIANTS = [
    {},
    {"layer_norm": True, "actor_agent_id": True},
    {"share_parameters": False, "head_hidden": False},
    {"share_parameters": False, "layer_norm": True, "squash_actions": True},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: "+".join(variant) or "plain")
@pytest.mark.parametrize("core", ["gru", "lstm", "feedforward"])
def test_numpy_alone_acts_alike(make_policy, random_steps, tmp_path, core, variant):
    policy = make_policy("continuous", core=core, **variant)
    numpy_policy = load_example().NumpyPolicy(exported(policy, tmp_path / "policy"))
    observations, available = random_steps(5)
    state, numpy_state = policy.initial_state(5), numpy_policy.initial_state(5)
    for time in range(len(observations)):
        step = observations[time], available[time]
        actions, state = policy.act(*step, state)
        numpy_actions, numpy_state = numpy_policy.act(*step, numpy_state)
        np.testing.assert_allclose(numpy_actions, actions, rtol=0, atol=3e-6)
    assert len(np.unique(actions)) > 5


@pytest.mark.parametrize("core", ["gru", "lstm", "feedforward"])
def test_numpy_alone_chooses_alike(make_policy, random_steps, tmp_path, core):
    policy = make_policy(core=core)
    numpy_policy = load_example().NumpyPolicy(exported(policy, tmp_path / "policy"))
    observations, available = (each[0] for each in random_steps(200))
    actions, _ = policy.act(observations, available)
    found, _ = numpy_policy.act(observations, available, numpy_policy.initial_state(200))
    np.testing.assert_array_equal(found, actions)
    assert (np.bincount(found.ravel(), minlength=4) > 0).all()


def test_numpy_acts_alike_for_a_q_network_and_without_bounds(make_policy, random_steps, tmp_path):
    for number, words in enumerate((("discrete", "q_network"), ("unbounded",))):
        policy = make_policy(*words)
        numpy_policy = load_example().NumpyPolicy(exported(policy, tmp_path / str(number)))
        observations, available = (each[0] for each in random_steps())
        actions, _ = policy.act(observations, available)
        found, _ = numpy_policy.act(observations, available, numpy_policy.initial_state())
        np.testing.assert_allclose(found, actions, rtol=0, atol=3e-6)


def test_an_export_is_loaded_like_a_run(make_policy, random_steps, tmp_path):
    policy = make_policy("continuous", core="lstm")
    loaded = gpae.load_policy(exported(policy, tmp_path / "policy"))
    assert (loaded.spec, loaded.update) == (policy.spec, 8)
    observations, available = (each[0] for each in random_steps(2))
    np.testing.assert_array_equal(
        loaded.act(observations, available)[0], policy.act(observations, available)[0]
    )
    with pytest.raises(UserError, match="it has one set of parameters alone"):
        gpae.load_policy(tmp_path / "policy", best=True)


def test_nothing_is_overwritten(make_policy, tmp_path):
    folder = exported(make_policy(), tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(UserError, match="exists already: choose another folder"):
        exported(make_policy(seed=1), folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("damage", [lambda raw: raw[:-4], lambda raw: b"", lambda raw: b"x" * 99])
def test_damaged_parameters_are_one_line(make_policy, tmp_path, damage):
    path = exported(make_policy(), tmp_path) / "policy.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match="is damaged: it is no safetensors file"):
        gpae.load_policy(tmp_path)


def test_parameters_of_another_size_do_not_fit(make_policy, tmp_path):
    exported(make_policy(), tmp_path / "one")
    exported(make_policy(hidden_size=16), tmp_path / "other")
    (tmp_path / "other/policy.json").replace(tmp_path / "one/policy.json")
    with pytest.raises(UserError, match="does not fit this configuration"):
        gpae.load_policy(tmp_path / "one")


def test_the_command_exports_a_run(make_policy, make_run, tmp_path, capsys):
    run = make_run(make_policy(), make_policy(seed=1))
    assert main(["export", str(run), "--out", str(tmp_path / "to/policy"), "--best"]) == 0
    assert gpae.load_policy(tmp_path / "to/policy").update == 3
    assert "written" in capsys.readouterr().out
    assert main(["export", str(run), "--out", str(run)]) == 2
    assert "policy.json exists already" in capsys.readouterr().err


@pytest.mark.slow
def test_the_example_needs_numpy_alone(make_policy, tmp_path):
    blocked = "import sys; sys.modules.update(dict.fromkeys(('jax', 'gpae', 'safetensors')));"
    script = f"{blocked} sys.argv[0] = {str(EXAMPLE)!r}; exec(open(sys.argv[0]).read())"
    command = [sys.executable, "-c", script, str(exported(make_policy(), tmp_path))]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout.startswith("actions where all observations are 0: [")
