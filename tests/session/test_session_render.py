"""``gpae render`` and ``gpae.render`` draw the very episodes that ``gpae evaluate`` plays."""

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import gpae as library
from gpae.config.compose import from_dict
from gpae.episodes import record_run
from gpae.runs import RunFolder
from gpae.runs.session import evaluate

pytestmark = pytest.mark.slow

WORDS = ("--import", "toy_task", "--size", "120", "--episodes", "4")


@pytest.fixture(scope="module")
def run(straight):
    return straight("gpae")[0]


@pytest.fixture(scope="module")
def config(run):
    return from_dict(RunFolder.open(run).config)


@pytest.mark.parametrize("mode", ["greedy", "sampled"])
def test_recorded_episodes_have_the_returns_of_an_evaluation(mode, run, config, alike):
    folder, choice = RunFolder.open(run), {"best": False, "checkpoint": None, "seed": 3}
    greedy = mode == "greedy"
    recorded = record_run(config, folder, episodes=4, greedy=greedy, **choice)
    expected, update = evaluate(config, folder, episodes=4, greedy=greedy, **choice)
    found = [episode.episode_return for episode in recorded.episodes]
    np.testing.assert_allclose(found, expected["episode_return"], rtol=1e-5)
    np.testing.assert_array_equal(
        [len(episode) for episode in recorded.episodes], expected["episode_length"]
    )
    hits = [episode.metrics["hit"] for episode in recorded.episodes]
    np.testing.assert_array_equal(hits, expected["hit"])
    assert recorded.update == update == 10


def test_the_command_writes_a_gif_of_the_chosen_episode_and_nothing_else(
    gpae, run, config, contents, tmp_path
):
    before, out = contents(run), tmp_path / "battle.gif"
    result = gpae("render", run, "--out", out, "--episode", "worst", "--seed", 3, *WORDS)
    assert (result.code, result.err) == (0, "")
    recorded = record_run(config, RunFolder.open(run), episodes=4, seed=3)
    worst = recorded.choose("worst")
    assert f"episode {worst.number}: {len(worst)} steps" in result.out
    assert f"{len(worst) + 1} pictures of update 10" in result.out
    with Image.open(out) as gif:
        assert gif.n_frames == len(worst) + 1
        for moment, place in enumerate(worst.states["place"]):
            gif.seek(moment)
            row = np.asarray(gif.convert("L"))[gif.height // 2]
            assert row[20::40].argmax() == place
    assert contents(run) == before
    assert list(tmp_path.iterdir()) == [out]


def test_a_file_is_only_replaced_when_that_is_asked_for(gpae, run, tmp_path):
    out = tmp_path / "sheet.png"
    out.write_text("mine")
    refused = gpae("render", run, "--out", out, *WORDS)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.strip().endswith("exists already: --force replaces it")
    assert out.read_text() == "mine"
    assert gpae("render", run, "--out", out, "--force", *WORDS).code == 0
    with Image.open(out) as sheet:
        assert sheet.format == "PNG"


def test_python_draws_the_same_picture_and_returns_the_episode(gpae, run, tmp_path, alike, capsys):
    by_command, by_python = tmp_path / "command.gif", tmp_path / "python.gif"
    assert gpae("render", run, "--out", by_command, "--episode", 2, *WORDS).code == 0
    episode = library.render(run, by_python, episode=2, episodes=4, size=120, progress=False)
    assert by_python.read_bytes() == by_command.read_bytes()
    assert episode.number == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "film.avi"], "must end with .gif, .mp4 or .png"),
        (["--out", "film.gif", "--episode", "4"], "best, worst or a number from 0 to 3, not '4'"),
        (["--out", "film.gif", "--size", "8"], "from 64 to 4096"),
        (["--out", "film.gif", "--checkpoint", "5"], "no checkpoint"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(
    words, message, gpae, run, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    result = gpae("render", run, "--import", "toy_task", "--episodes", 4, *words)
    assert result.code == 2
    assert message in result.err
    assert len(result.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_task_without_a_picture_is_refused_before_it_is_played(gpae, run, tmp_path, monkeypatch):
    blind = SimpleNamespace(spec=SimpleNamespace(name="toy/beacon"))
    monkeypatch.setattr("gpae.episodes.render.make", lambda *_, **__: blind)
    result = gpae("render", run, "--out", tmp_path / "film.gif", *WORDS)
    assert (result.code, result.out) == (2, "")
    assert "toy/beacon has no picture: give its environment a method render(state)" in result.err
