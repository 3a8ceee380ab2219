"""An exported team is evaluated and begun from like its run, and cannot be continued."""

import json

import numpy as np
import pytest

import gpae as library
from gpae.config.compose import from_dict
from gpae.runs import Checkpoints, RunFolder
from gpae.runs.learnt_params import learnt_params
from gpae.runs.system import System
from gpae.runs.trees import named_arrays

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(straight):
    return straight("gpae")[0]


@pytest.fixture(scope="module")
def team(gpae, run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("team") / "beacon"
    result = gpae("export", run, "--out", folder, "--card", "12")
    assert (result.code, result.err) == (0, "")
    return folder


def params_of(folder, **choice):
    run = RunFolder.open(folder)
    shapes = System(from_dict(run.config)).population.state_shapes.params
    params, update = learnt_params(run, shapes, **choice)
    return named_arrays(params), update


def test_it_holds_the_parameters_of_all_networks(run, team, final_arrays):
    (arrays, update), of_run = params_of(team), final_arrays(run)
    assert update == 10
    assert {name.partition("/")[0] for name in arrays} == {"actor", "critic"}
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, of_run[f"state/params/{name}"])


def test_parameters_of_a_checkpoint_and_the_best_ones(run, final_arrays):
    arrays, update = params_of(run, checkpoint=8)
    earlier = final_arrays(run, 8)
    assert update == 8
    assert all((earlier[f"state/params/{name}"] == array).all() for name, array in arrays.items())
    best, update = params_of(run, best=True)
    newest = final_arrays(run)
    assert update == newest["best/update"]
    assert all((newest[f"best/params/{name}"] == array).all() for name, array in best.items())


def test_it_plays_the_episodes_that_the_run_plays(gpae, run, team):
    words = ("--episodes", "12", "--seed", "1000000")
    of_run, of_team = (gpae("evaluate", each, *words).out.splitlines() for each in (run, team))
    assert of_run[1:] == of_team[1:]
    card = json.loads((team / "card.json").read_text())
    (line,) = [line for line in of_team if line.split()[0] == card["metric"]]
    assert float(line.split()[2]) == pytest.approx(card["mean"], abs=1e-4)
    assert (card["task"], card["method"], card["episodes"]) == ("toy/beacon", "gpae", 12)
    assert card["env_steps"] == 320
    assert card["low"] <= card["mean"] <= card["high"]
    assert card["command"].startswith("gpae train task=toy/beacon method=gpae preset=jaxmarl")
    assert card["command"].endswith("total_env_steps=320")


def test_its_policy_acts_like_the_runs(run, team):
    observations = np.eye(4, dtype="f4")[None, :2]
    actions = [library.load_policy(each).act(observations)[0] for each in (run, team)]
    np.testing.assert_array_equal(*actions)


def test_a_run_begins_with_it(run, team, final_arrays):
    config = from_dict({**RunFolder.open(run).config, "initial_params": str(team)})
    arrays = named_arrays(System(config)._initial_params)
    newest = final_arrays(run)
    assert all((newest[f"state/params/{name}"] == array).all() for name, array in arrays.items())


def test_it_is_not_continued(gpae, team, contents):
    before = contents(team)
    result = gpae("resume", team)
    assert result.code == 2
    assert result.err.endswith("is an exported team: it can be used, not continued\n")
    assert contents(team) == before


@pytest.mark.parametrize("choice", [{"best": True}, {"checkpoint": 8}])
def test_it_has_one_set_of_parameters(team, choice):
    with pytest.raises(library.UserError, match="it has one set of parameters alone"):
        params_of(team, **choice)


def test_damaged_critics_are_one_line(gpae, team):
    path = team / "critics.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    result = gpae("evaluate", team, "--episodes", "2")
    path.write_bytes(whole)
    assert result.code == 2
    assert result.err.endswith("critics.safetensors is damaged: it is no safetensors file\n")


def test_a_policy_without_critics_is_no_run(gpae, run, tmp_path):
    assert gpae("export", run, "--out", tmp_path / "policy").code == 0
    result = gpae("evaluate", tmp_path / "policy")
    assert result.code == 2
    assert "is not a run: it has no config.yaml and no versions.json" in result.err


def test_checkpoints_stay_where_they_are(run):
    assert Checkpoints(run / "checkpoints").steps() == [8, 10]
