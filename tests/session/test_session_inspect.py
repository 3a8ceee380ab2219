"""`gpae inspect`: episodes of a run judged, their truth simulated, and both shown on one page."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from gpae import inspect, inspect_run
from gpae.config.compose import compose
from gpae.credit import allowed_estimators
from gpae.errors import UserError
from gpae.inspect.arrays import unpacked
from gpae.inspect.judgement import judge_episodes
from gpae.inspect.page import document_of
from gpae.runs.credit import require_advantages, simulate_truth

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compile_quickly")]

ROOT = Path(__file__).resolve().parents[2]
WORDS = ("--episodes", "5", "--seed", "2")
TRUTH = ("--repetitions", "3", "--truth-every", "2", "--behaviour", "8")


@pytest.fixture(scope="module")
def inspected(gpae, straight, tmp_path_factory):
    """What the command did: episodes acted by update 8, judged with what update 10 left."""
    page, made = tmp_path_factory.mktemp("page") / "new" / "page.html", []
    with pytest.MonkeyPatch.context() as patch:
        inspect_run = inspect.inspect_run
        patch.setattr(
            inspect, "inspect_run", lambda *a, **k: made.append(inspect_run(*a, **k)) or made[0]
        )
        result = gpae("inspect", straight("gpae")[0], *WORDS, *TRUTH, "--out", page)
    assert (result.code, result.err) == (0, "")
    return result, page, made[0]


@pytest.fixture(scope="module")
def inspection(inspected):
    return inspected[2]


@pytest.fixture(scope="module")
def document(inspected):
    return document_of(inspected[1].read_text())


@pytest.fixture(scope="module")
def judge(inspection):
    learner = inspection.policy.system.learner
    params = jax.device_put(inspection.policy.params)
    spec = inspection.policy.system.environment.spec
    method = learner.estimation.method
    estimators = allowed_estimators(method, spec, learner.network, inspection.config.update)

    def by(name, episodes):
        return judge_episodes(learner, params, episodes, {name: estimators[name]})

    return by


def test_episodes_end_in_both_ways_and_at_different_times(inspection):
    episodes = [each.episode for each in inspection.episodes]
    assert {bool(each.terminated[-1]) for each in episodes} == {True, False}
    assert len({len(each) for each in episodes}) > 1


def test_an_episode_is_judged_alike_alone_and_beside_others(inspection, judge):
    terminated = [each for each in inspection.episodes if each.episode.terminated[-1]]
    shortest = min(terminated, key=lambda each: len(each.episode))
    (alone,) = judge("gpae", [shortest.episode])
    beside = shortest.judgement
    np.testing.assert_allclose(alone.advantages["gpae"], beside.advantages["gpae"], atol=1e-5)
    np.testing.assert_allclose(alone.log_ratios, beside.log_ratios, atol=1e-5)


def test_only_a_cut_episode_has_a_future_after_its_last_step(inspection, judge):
    episodes = [each.episode for each in inspection.episodes]
    elsewhere = [
        replace(
            each,
            observation=jax.tree.map(
                lambda leaf: np.concatenate([leaf[:-1], 1 - leaf[-1:]]), each.observation
            ),
        )
        for each in episodes
    ]
    for episode, changed, inspected in zip(
        episodes, judge("gpae, lambda 0", elsewhere), inspection.episodes, strict=True
    ):
        before = inspected.judgement.advantages["gpae, lambda 0"]
        after = changed.advantages["gpae, lambda 0"]
        np.testing.assert_allclose(before[:-1], after[:-1], atol=1e-6)
        moved = np.abs(before[-1] - after[-1]).max() > 1e-6
        assert moved == (not episode.terminated[-1])


def test_ratios_are_of_the_judged_over_the_acting_policy_and_traces_theirs(inspection):
    eta = inspection.config.method.eta
    for each in inspection.episodes:
        judged = each.judgement
        np.testing.assert_allclose(
            judged.log_ratios, judged.log_probs - each.episode.log_probs, atol=1e-5
        )
        assert np.abs(judged.log_ratios).max() > 1e-3
        own = np.exp(judged.log_ratios)
        others = own.prod(-1, keepdims=True) / own
        traces = np.minimum(1, own * np.minimum(eta, others))
        np.testing.assert_allclose(judged.traces, traces, atol=1e-5)
        taken = np.take_along_axis(
            judged.probabilities, each.episode.actions[..., None].astype(int), -1
        )[..., 0]
        np.testing.assert_allclose(np.exp(judged.log_probs), taken, atol=1e-5)


def test_the_truth_of_each_episode_is_at_its_own_steps(inspection):
    """What is expected of an agent's own actions is its baseline: their advantages average to 0."""
    for each in inspection.episodes:
        truth, steps = each.truth, each.truth.steps
        np.testing.assert_array_equal(steps, np.arange(0, len(each.episode), 2))
        probabilities = each.judgement.probabilities[steps]
        mean = (probabilities * truth.own_actions).sum(-1)
        np.testing.assert_allclose(mean, 0.0, atol=1e-5)
        actions = each.episode.actions[steps][..., None].astype(int)
        taken = np.take_along_axis(truth.own_actions, actions, -1)[..., 0]
        np.testing.assert_allclose(taken, truth.advantages, atol=1e-5)
        assert (truth.errors > 0).any()


def test_the_page_shows_the_recorded_arrays(inspection, document):
    for shown, each in zip(document["episodes"], inspection.episodes, strict=True):
        episode, judged, truth = each.episode, each.judgement, each.truth
        arrays = {
            "alive": episode.observation.alive[:-1],
            "actions": episode.actions,
            "rewards": episode.team_rewards,
            "probabilities": np.exp(judged.log_probs),
            "ratio": np.exp(judged.log_ratios),
            "trace": judged.traces,
            "forced": episode.forced,
        }
        for name, array in arrays.items():
            np.testing.assert_array_equal(unpacked(shown[name]), array.astype(np.float32), name)
        for name, array in judged.advantages.items():
            np.testing.assert_array_equal(unpacked(shown["advantages"][name]), array)
        np.testing.assert_array_equal(
            unpacked(shown["truth"]["advantages"]), truth.advantages.astype(np.float32)
        )
        np.testing.assert_array_equal(
            unpacked(shown["truth"]["errors"]), truth.errors.astype(np.float32)
        )
        assert shown["length"] == len(episode)


def test_the_page_names_its_sources(document):
    named = {each["name"]: each for each in document["sources"]}
    assert list(named) == ["gpae", "truth", "gpae, lambda 0", "gpae, lambda 1", "ratio", "trace"]
    assert named["truth"]["note"] == "bars ± 1 standard error of 3 repetitions"
    assert document["subtitle"] == "gpae, update 10, in episodes that update 8 acted · gpae"
    assert document["agents"] == 2
    for each in document["episodes"]:
        assert each["scene"]["kind"] == "frames"
        assert len(each["scene"]["frames"]) == each["length"] + 1


def test_the_command_says_the_cost_and_what_it_wrote(inspected, inspection):
    result, page, _ = inspected
    steps = sum(len(each.truth.steps) for each in inspection.episodes)
    every = sum(len(each.episode) for each in inspection.episodes)
    cost = steps * 3 * (2 * 3 + 1)
    assert f"truth: {steps} of {every} steps, {cost:,} simulated episodes" in result.out
    assert f"written {page}" in result.out.replace("\n", "")


def test_without_truth_there_is_none_and_the_run_is_left_alone(gpae, straight, contents, tmp_path):
    folder, page = straight("gpae")[0], tmp_path / "page.html"
    before = contents(folder)
    result = gpae("inspect", folder, *WORDS, "--no-truth", "--out", page)
    assert (result.code, "simulated" in result.out) == (0, False)
    shown = document_of(page.read_text())
    names = [each["name"] for each in shown["sources"]]
    assert names == ["gpae", "gpae, lambda 0", "gpae, lambda 1"]
    assert all(each["truth"] is None for each in shown["episodes"])
    assert contents(folder) == before


def test_a_page_that_exists_stays_unless_forced(gpae, straight, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("mine")
    result = gpae("inspect", straight("gpae")[0], *WORDS, "--no-truth", "--out", page)
    assert (result.code, page.read_text()) == (2, "mine")
    assert "--force replaces it" in result.err


def test_from_python_it_is_the_same_page(inspected, straight, tmp_path, alike):
    page = tmp_path / "page.html"
    made = inspect_run(
        straight("gpae")[0],
        page,
        episodes=5,
        seed=2,
        repetitions=3,
        truth_every=2,
        behaviour=8,
        progress=False,
    )
    assert page.read_text() == inspected[1].read_text()
    assert len(made.episodes) == 5


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--out", "page.txt"), "the page must be a file whose name ends with .html"),
        (("--out", ROOT / "README.md" / "page.html"), "is no folder that can be written to"),
        (("--checkpoint", "7"), "7"),
        (("--behaviour", "7"), "7"),
        (("--episodes", "0"), "is not a whole number from 1"),
        (("--truth-every", "0"), "is not a whole number from 1"),
    ],
)
def test_a_wrong_argument_is_one_line_and_nothing_is_written(
    gpae, straight, tmp_path, monkeypatch, words, complaint
):
    monkeypatch.chdir(tmp_path)
    result = gpae("inspect", straight("gpae")[0], "--no-truth", *words)
    assert result.code == 2
    assert complaint in result.err
    assert result.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_no_truth_is_simulated_where_the_future_never_becomes_negligible():
    learner = SimpleNamespace(estimation=SimpleNamespace(discount=1.0))
    with pytest.raises(UserError, match="discount=1"):
        simulate_truth(learner, {}, None, repetitions=2, seed=0, say=print)


def test_a_method_without_advantages_is_refused():
    with pytest.raises(UserError, match="qmix estimates no advantages"):
        require_advantages(compose(["task=smax/3m", "method=qmix"]))
