import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpae.errors import UserError
from gpae.report import marl_eval

MakeRun = Callable[..., Path]


@pytest.fixture
def layout() -> dict[str, Any]:
    def run() -> dict[str, Any]:
        return {
            "step_0": {"step_count": 10, "win_rate": [0.0, 1.0]},
            "step_1": {"step_count": 20, "win_rate": [1.0, 1.0]},
            "absolute_metrics": {"win_rate": [1.0, 0.5]},
        }

    return {"smax": {"3m": {m: {"seed_0": run(), "seed_1": run()} for m in ("gpae", "mappo")}}}


def test_the_exported_file_is_in_the_layout(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(f"run{seed}", [[0.0, 1.0], [1.0, 1.0]], seed=seed) for seed in (0, 3)]
    marl_eval.export(runs, tmp_path / "out.json")
    run = {
        "step_0": {
            "step_count": 500_000,
            "win_rate": [0.0, 1.0],
            "episode_return": [0.0, 2.0],
        },
        "step_1": {
            "step_count": 1_000_000,
            "win_rate": [1.0, 1.0],
            "episode_return": [2.0, 2.0],
        },
        "absolute_metrics": {"win_rate": [1.0] * 20, "episode_return": [2.0] * 20},
    }
    expected = {"smax": {"3m": {"gpae": {"seed_0": run, "seed_3": run}}}}
    assert marl_eval.read(tmp_path / "out.json") == expected


def test_tasks_and_methods_have_their_places(make_run: MakeRun) -> None:
    runs = [
        make_run(f"{task}{method}", task=task, method=method)
        for task in ("smax/3m", "smax/1s1z", "mabrax/ant-4x2", "own")
        for method in ("gpae", "mappo")
    ]
    found = marl_eval.collect(runs)
    assert {env: sorted(tasks) for env, tasks in found.items()} == {
        "smax": ["1s1z", "3m"],
        "mabrax": ["ant-4x2"],
        "own": ["own"],
    }
    assert sorted(found["own"]["own"]) == ["gpae", "mappo"]


def test_a_repeated_run_is_refused(make_run: MakeRun) -> None:
    runs = [make_run("a"), make_run("b")]
    with pytest.raises(UserError, match="b repeats gpae on smax/3m with seed 0"):
        marl_eval.collect(runs)


def test_runs_of_one_method_are_told_apart_by_what_differs(make_run: MakeRun) -> None:
    runs = [
        make_run(f"{length}_{seed}", [[float(length == 4)]], seed=seed, window={"length": length})
        for length in (1, 4)
        for seed in (0, 1)
    ]
    assert {
        method: {seed: entry["absolute_metrics"]["win_rate"][0] for seed, entry in own.items()}
        for method, own in marl_eval.collect(runs)["smax"]["3m"].items()
    } == {
        "gpae (window.length=1)": {"seed_0": 0.0, "seed_1": 0.0},
        "gpae (window.length=4)": {"seed_0": 1.0, "seed_1": 1.0},
    }


def test_a_method_keeps_its_name_where_settings_go_with_the_task(make_run: MakeRun) -> None:
    runs = [
        make_run(task, task=f"smax/{task}", rollout={"steps": steps})
        for task, steps in (("3m", 64), ("1s1z", 128))
    ]
    found = marl_eval.collect(runs)["smax"]
    assert {task: list(methods) for task, methods in found.items()} == {
        "3m": ["gpae"],
        "1s1z": ["gpae"],
    }


def test_an_unfinished_run_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    unfinished = make_run("a", finished=False)
    with pytest.raises(UserError, match="a is not finished"):
        marl_eval.export([unfinished], tmp_path / "out.json")
    assert not (tmp_path / "out.json").exists()


def test_runs_of_different_length_are_refused(make_run: MakeRun) -> None:
    runs = [make_run("a", [[1.0]], seed=0), make_run("b", [[1.0], [1.0]], seed=1)]
    with pytest.raises(
        UserError, match=r"gpae/seed_0 has 1 evaluations and .*gpae/seed_1 has 2: marl-eval needs"
    ):
        marl_eval.collect(runs)


def test_a_sound_layout_passes(layout: dict[str, Any]) -> None:
    marl_eval.validate(layout)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("step_1/step_count", 10, "gpae/seed_0/step_1 has step_count 10: an ascending"),
        ("step_1/step_count", None, "has step_count None"),
        ("step_1/win_rate", [], "step_1/win_rate is not a list of finite numbers"),
        ("step_1/win_rate", [None, 1.0], "is not a list of finite numbers"),
        ("step_1/win_rate", 0.5, "is not a list of finite numbers"),
        ("step_1/episode_return", [1.0], r"has the metrics \['episode_return', 'win_rate'\]"),
        ("absolute_metrics/win_rate", [float("nan")], "absolute_metrics/win_rate is not a list"),
        ("absolute_metrics", None, "seed_0/absolute_metrics is missing"),
        ("step_1", {}, "seed_0/step_1 is missing, empty or not a mapping"),
    ],
)
def test_what_is_amiss_is_named(
    layout: dict[str, Any], path: str, value: object, message: str
) -> None:
    spoilt = copy.deepcopy(layout)
    *parents, last = path.split("/")
    place = spoilt["smax"]["3m"]["gpae"]["seed_0"]
    for key in parents:
        place = place[key]
    place[last] = value
    with pytest.raises(UserError, match=message):
        marl_eval.validate(spoilt)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (("gpae", "seed_1"), "has 1 runs"),
        (("gpae", "seed_0", "step_1"), "has 1 evaluations"),
    ],
)
def test_unequal_numbers_are_refused(
    layout: dict[str, Any], missing: tuple[str, ...], message: str
) -> None:
    *parents, last = missing
    place = layout["smax"]["3m"]
    for key in parents:
        place = place[key]
    del place[last]
    with pytest.raises(UserError, match=message):
        marl_eval.validate(layout)


def test_tasks_need_the_same_methods(layout: dict[str, Any]) -> None:
    layout["smax"]["8m"] = {"gpae": copy.deepcopy(layout["smax"]["3m"]["gpae"])}
    with pytest.raises(UserError, match="smax/8m has 1 methods and smax/3m has 2"):
        marl_eval.validate(layout)


@pytest.mark.parametrize(
    ("path", "name", "message"),
    [
        ("smax/3m", "gpae, tuned", "3m/gpae, tuned has a comma in its method's name"),
        ("smax/3m", "MAPPO", "smax/3m has names that differ in case alone"),
        ("smax", "3M", "smax has names that differ in case alone"),
        ("", "Extra", "keeps the name 'Extra' to itself"),
        ("smax/3m/gpae", "seed_2", "has 2 runs and smax/3m/gpae has 3"),
    ],
)
def test_names_that_marl_eval_cannot_take_are_refused(
    layout: dict[str, Any], path: str, name: str, message: str
) -> None:
    place = layout
    for key in filter(None, path.split("/")):
        place = place[key]
    place[name] = copy.deepcopy(next(iter(place.values())))
    with pytest.raises(UserError, match=message):
        marl_eval.validate(layout)


@pytest.mark.parametrize(
    ("path", "name", "other", "message"),
    [
        ("", "seed_1", "seed_9", "has the runs seed_0, seed_9 and .*mappo seed_0, seed_1"),
        ("seed_0", "step_1", "step_2", "has the evaluations step_0, step_2 and .* step_0, step_1"),
    ],
)
def test_names_that_are_not_the_same_throughout_are_refused(
    layout: dict[str, Any], path: str, name: str, other: str, message: str
) -> None:
    place = layout["smax"]["3m"]["gpae"]
    place = place[path] if path else place
    place[other] = place.pop(name)
    with pytest.raises(UserError, match=message):
        marl_eval.validate(layout)


def test_metrics_that_are_not_the_same_throughout_are_refused(make_run: MakeRun) -> None:
    runs = [make_run("a", task="own/a"), make_run("b", task="own/b", metric="solved")]
    with pytest.raises(UserError, match=r"has the metrics .*win_rate.* and .*solved.* the same"):
        marl_eval.collect(runs)


def test_a_metric_that_would_be_taken_for_the_steps_is_refused(make_run: MakeRun) -> None:
    with pytest.raises(UserError, match="late_step_counts would be taken for the number of env"):
        marl_eval.collect([make_run("a", metric="late_step_counts")])


def test_runs_are_numbered_where_methods_have_other_seeds(make_run: MakeRun) -> None:
    seeds = {"gpae": (5, 3), "mappo": (0, 1)}
    runs = [
        make_run(f"{method}{seed}", [[float(seed)]], method=method, seed=seed)
        for method, own in seeds.items()
        for seed in own
    ]
    found = marl_eval.collect(runs)["smax"]["3m"]
    assert {
        method: [(name, run["step_0"]["win_rate"]) for name, run in own.items()]
        for method, own in found.items()
    } == {
        "gpae": [("run_0", [3.0]), ("run_1", [5.0])],
        "mappo": [("run_0", [0.0]), ("run_1", [1.0])],
    }


def test_a_metric_that_is_better_small_has_its_sign_changed(make_run: MakeRun) -> None:
    run = make_run("a", [[0.0, 3.0]], metric="collisions", direction="minimise")
    found = marl_eval.collect([run])["smax"]["3m"]["gpae"]["seed_0"]
    assert found["step_0"] == {
        "step_count": 500_000,
        "negated_collisions": [0.0, -3.0],
        "episode_return": [0.0, 6.0],
    }
    assert found["absolute_metrics"].keys() == {"negated_collisions", "episode_return"}


def test_reading_what_is_not_json_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(UserError, match=r"x\.json is not a JSON file"):
        marl_eval.read(tmp_path / "x.json")
    (tmp_path / "x.json").write_text(json.dumps([]))
    with pytest.raises(UserError, match="the file is missing, empty or not a mapping"):
        marl_eval.read(tmp_path / "x.json")
