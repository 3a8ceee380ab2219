"""Every team of the zoo opens, is small, and plays as its card says."""

import numpy as np
import pytest

import gpae
from gpae.cli import main
from gpae.config.compose import compose, from_dict, to_dict
from gpae.errors import UserError
from gpae.runs import RunFolder
from gpae.runs.session import evaluate
from gpae.zoo import cards, located, names

MEGABYTE = 1_000_000


def test_there_are_teams():
    assert {"zoo/smax-3m-gpae", "zoo/smax-1s1z-gpae"} <= set(names())


@pytest.mark.parametrize("name", names())
def test_a_team_is_small_and_complete(name):
    sizes = {path.name: path.stat().st_size for path in located(name).iterdir()}
    assert {"policy.safetensors", "policy.json", "critics.safetensors", "card.json"} <= set(sizes)
    assert sum(sizes.values()) < 2 * MEGABYTE


def test_all_of_them_leave_the_wheel_below_five_megabytes():
    package = located(names()[0]).parents[1]
    files = [path for path in package.rglob("*") if "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files if path.is_file()) < 4 * MEGABYTE


@pytest.mark.parametrize("name", names())
def test_a_card_agrees_with_its_run(name):
    card, config = cards()[name], from_dict(RunFolder.open(name).config)
    assert (card.task, card.method) == (config.task_name, config.method.name)
    assert card.low < card.mean < card.high
    assert card.episodes >= 1000
    words = [word for word in card.command.split()[2:] if not word.startswith("--")]
    made = to_dict(compose(words))
    assert {**made, "run": None} == {**to_dict(config), "run": None}


@pytest.mark.parametrize("name", names())
def test_its_policy_acts_without_the_environment(name):
    policy = gpae.load_policy(name)
    observations = np.zeros((policy.spec.num_agents, policy.spec.observation_size), "f4")
    actions, _ = policy.act(observations)
    assert actions.shape[0] == policy.spec.num_agents


def test_the_list_says_where_each_comes_from(capsys):
    assert main(["zoo"]) == 0
    printed = capsys.readouterr().out
    for name, card in cards().items():
        assert f"{name} ({card.date}, gpae {card.versions['gpae']}): {card.command}" in printed
        assert f"{card.metric} {card.mean:.3f}" in printed


def test_an_unknown_team_is_refused_with_the_closest(capsys):
    with pytest.raises(UserError, match=r"no team 'zoo/smax-3m-gpea' \(did you mean zoo/smax-3m-g"):
        gpae.load_policy("zoo/smax-3m-gpea")
    assert main(["evaluate", "zoo/nobody"]) == 2
    assert capsys.readouterr().err == "gpae: no team 'zoo/nobody'; `gpae zoo` lists them all\n"


def test_a_folder_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "zoo/smax-3m-gpae"
    folder.mkdir(parents=True)
    assert located("zoo/smax-3m-gpae").resolve() == folder
    assert located("runs/x").as_posix() == "runs/x"


@pytest.mark.slow
@pytest.mark.usefixtures("compile_quickly")
@pytest.mark.parametrize(
    "name",
    ["zoo/smax-3m-gpae", pytest.param("zoo/smax-1s1z-gpae", marks=pytest.mark.exhaustive)],
)
def test_it_plays_as_its_card_says(name):
    card, folder, episodes = cards()[name], RunFolder.open(name), 64
    played, _ = evaluate(
        from_dict(folder.config),
        folder,
        episodes=episodes,
        greedy=True,
        best=False,
        checkpoint=None,
        seed=7,
    )
    deviation = np.sqrt(card.mean * (1 - card.mean) / episodes)
    assert abs(np.mean(played[card.metric]) - card.mean) < 4 * deviation + 1 / episodes
