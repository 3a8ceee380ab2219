"""Runs of a sweep that share a program are made together, and each is as if made alone."""

import os
import signal

import numpy as np
import pytest

from gpae.config.compose import compose, to_dict
from gpae.console import OutputConsole
from gpae.runs import RunFolder
from gpae.runs.packing import Run, group_runs, static_part, train_packed
from gpae.runs.session import Failure, Outcome

pytestmark = pytest.mark.slow

SETTINGS = {
    "gpae": ("update.learning_rate=2e-3,5e-3", "method.eta=1.02,0.5", "discount=0.99,0.8"),
    "vdn": ("update.learning_rate=5e-5,1e-2", "method.epsilon_decay=0.1,1.0"),
}
"""Numbers that a sweep is over, by method; GPAE has a window of M = 2."""


def words_of(small, method, **settings):
    words = small(method=method, evaluation__mode="greedy", network__core="gru", **settings)
    if method != "vdn":
        return words
    policy_gradient = ("window.", "update.minibatches", "update.epochs")
    own = ["method.buffer_size=32", "method.batch_size=8", "method.learning_starts=0"]
    return [word for word in words if not word.startswith(policy_gradient)] + own


def by_setting(root, *names):
    """The run folders below a root by the values of some settings in groups."""
    found = {}
    for path in root.iterdir():
        config = RunFolder.open(path).config
        values = []
        for name in names:
            group, _, setting = name.rpartition(".")
            values.append((config[group] if group else config)[setting])
        found[tuple(values)] = path
    return found


@pytest.mark.parametrize(
    "method",
    ["gpae", *(pytest.param(m, marks=pytest.mark.exhaustive) for m in SETTINGS if m != "gpae")],
)
def test_each_run_of_a_sweep_is_as_if_made_alone(
    method, gpae, small, tmp_path, final_arrays, metrics, evaluations
):
    swept = SETTINGS[method]
    words = words_of(small, method)
    result = gpae("train", "-m", *words, *swept, f"run.root={tmp_path}/runs")
    assert (result.code, result.err) == (0, "")
    assert f"{2 ** len(swept)} runs share a program: {2 ** len(swept)} together" in result.out
    names, values = zip(*(word.split("=") for word in swept), strict=True)
    folders = by_setting(tmp_path / "runs", *names)
    assert len(folders) == 2 ** len(swept)
    last = [each.split(",")[1] for each in values]
    chosen = [f"{name}={value}" for name, value in zip(names, last, strict=True)]
    alone = tmp_path / "alone"
    assert gpae("train", *words, *chosen, f"run.folder={alone}").code == 0
    packed = folders[tuple(map(float, last))]
    assert RunFolder.open(packed).config == RunFolder.open(alone).config
    arrays, others = final_arrays(packed), final_arrays(alone)
    assert arrays.keys() == others.keys()
    for name in arrays:
        found, expected = arrays[name].astype(float), others[name].astype(float)
        np.testing.assert_allclose(found, expected, 1e-3, 1e-4, err_msg=name)
    rows, other_rows = metrics(packed), metrics(alone)
    for row, other in zip(rows, other_rows, strict=True):
        assert row.keys() == other.keys()
        np.testing.assert_allclose(list(row.values()), list(other.values()), 1e-3, 1e-4)
    for record, other in zip(evaluations(packed), evaluations(alone), strict=True):
        assert record.keys() == other.keys()
        np.testing.assert_allclose(record["episode_return"], other["episode_return"], 1e-3)
    ends = [metrics(folder)[-1] for folder in folders.values()]
    assert len({str(end) for end in ends}) == len(ends), "every setting makes a difference"


def run_folders(root):
    return sorted(path for path in root.iterdir() if path.is_dir())


def test_a_run_that_diverges_stops_alone(gpae, small, tmp_path, metrics):
    words = small(update__learning_rate="1e-3,1e30", network__core="feedforward")
    result = gpae("train", "-m", *words, f"run.root={tmp_path}")
    assert result.code == 3
    assert result.err.startswith("gpae: training has diverged")
    assert result.err.count("\n") == 1
    assert "2 together" in result.out
    assert result.out.count("final hit") == 1
    folders = by_setting(tmp_path, "update.learning_rate")
    sound, broken = folders[(1e-3,)], folders[(1e30,)]
    assert len(metrics(sound)) == 10
    assert not (broken / "metrics.jsonl").exists(), "its first update is not recorded"
    assert (broken / "failure.txt").read_text() in result.err
    assert not (sound / "failure.txt").exists()


def test_a_sweep_that_was_stopped_is_finished_by_a_resume_of_its_folder(
    gpae, small, tmp_path, before_call, monkeypatch, metrics
):
    root = tmp_path / "runs"
    words = small(seed="0,1,2", update__learning_rate="1e-3,2e-3", run__population=4)
    before_call(4, lambda: os.kill(os.getpid(), signal.SIGINT))
    stopped = gpae("train", "-m", *words, f"run.root={root}")
    monkeypatch.undo()
    assert (stopped.code, stopped.err) == (0, "")
    assert "6 runs share a program: 3 together (run.population=4)" in stopped.out
    assert "runs of the sweep not begun: 3" in stopped.out
    assert "continue with: gpae resume " in stopped.out
    folders = run_folders(root)
    assert len(folders) == 6
    assert sorted(len(metrics(folder)) for folder in folders if any(folder.glob("metrics*"))) == [
        6,
        6,
        6,
    ]
    resumed = gpae("resume", root)
    assert (resumed.code, resumed.err) == (0, "")
    assert resumed.out.count("final hit") == 6
    assert [len(metrics(folder)) for folder in folders] == [10] * 6
    again = gpae("resume", root)
    assert again.code == 0
    assert "together" not in again.out
    assert again.out.count("final hit") == 6


@pytest.mark.exhaustive
def test_one_after_the_other_where_that_is_asked_for(gpae, small, tmp_path, straight, same_end):
    root = tmp_path / "runs"
    result = gpae("train", "-m", *small(seed="0,1"), f"run.root={root}", "run.population=1")
    assert (result.code, result.err) == (0, "")
    assert "2 runs share a program: one after the other (run.population=1)" in result.out
    same_end(run_folders(root)[0], straight("gpae")[0])


def configs_of(words, tmp_path):
    """Configurations in folders of their own."""
    made = [compose(each) for each in words]
    folders = [tmp_path / str(number) for number in range(len(made))]
    return [
        (config, RunFolder.create(folder, to_dict(config)))
        for config, folder in zip(made, folders, strict=True)
    ]


def test_memory_that_does_not_suffice_halves_a_population(small, tmp_path, monkeypatch):
    from gpae.errors import MemoryShortageError
    from gpae.runs import packing

    sizes, train_each = [], packing.train_each

    def short(system, folders, *arguments, **named):
        sizes.append(len(folders))
        if len(folders) > 1:
            raise MemoryShortageError("the device's memory does not suffice")
        return train_each(system, folders, *arguments, **named)

    monkeypatch.setattr(packing, "train_each", short)
    words = [small(seed=seed, total_env_steps=32) for seed in (0, 1, 2)]
    results = train_packed(configs_of(words, tmp_path), OutputConsole())
    assert sizes == [3, 1, 1, 1]
    assert [type(result) for result in results] == [Outcome] * 3
    assert all(result.finished for result in results)


@pytest.mark.exhaustive
def test_populations_of_one_size_are_traced_once(
    small, tmp_path, collected_when_traced, gpae, same_end
):
    words = [small(seed=seed, total_env_steps=64) for seed in range(4)]
    results = train_packed(configs_of(words, tmp_path), OutputConsole(), population="2")
    assert all(result.finished for result in results)
    assert len(collected_when_traced) == 1
    runs = configs_of(words[2:], tmp_path / "again")
    train_packed(runs, OutputConsole(), population="2")
    for number in (2, 3):
        same_end(tmp_path / str(number), tmp_path / "again" / str(number - 2))


def test_results_are_in_the_order_of_the_runs(small, tmp_path):
    short = {"total_env_steps": 32, "network__core": "feedforward", "evaluation__absolute": "false"}
    words = [
        small(method="gpae", **short),
        small(method="mappo", **short),
        small(
            method="gpae", update__learning_rate=1e30, seed=1, **short | {"total_env_steps": 320}
        ),
        small(method="gpae", seed=1, **short),
    ]
    ended = []
    runs = configs_of(words, tmp_path)
    results = train_packed(runs, OutputConsole(), on_end=lambda some: ended.append([*some]))
    assert ended == [[0, 3], [1], [2]]
    assert [type(result) for result in results] == [Outcome, Outcome, Failure, Outcome]
    assert (tmp_path / "2" / "failure.txt").read_text() == f"{results[2].message}\n"


@pytest.mark.parametrize(
    ("words", "alike"),
    [
        ("seed=3", True),
        ("update.learning_rate=0.1", True),
        ("update.entropy_coefficient=0.1", True),
        ("method.lambda_=0.5", True),
        ("discount=0.5", True),
        ("run.root=elsewhere", True),
        ("run.population=3", True),
        ("update.epochs=7", False),
        ("update.huber_delta=1", False),
        ("update.anneal_learning_rate=false", False),
        ("network.hidden_size=16", False),
        ("method.trace_scheme=joint", False),
        ("total_env_steps=64", False),
        ("evaluation.interval=64", False),
        ("method=mappo", False),
    ],
)
def test_runs_that_share_a_program(words, alike):
    configs = [compose(["method=gpae"]), compose(["method=gpae", words])]
    assert (static_part(configs[0]) == static_part(configs[1])) == alike
    groups = group_runs([Run(number, config, None) for number, config in enumerate(configs)])
    assert len(groups) == (1 if alike else 2)
