"""Only seeds of one thing are averaged: whatever else differs splits, or is refused in a line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from gpae.errors import UserError
from gpae.report import curves, marl_eval
from gpae.report.grouping import group_runs

MakeRun = Callable[..., Path]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Figures that would have been saved."""
    figures: list[Figure] = []
    monkeypatch.setattr(curves, "save_picture", lambda figure, output: figures.append(figure))
    return figures


def lines(figure: Figure) -> dict[str, dict[str, list[float]]]:
    """The values of each line by its label, by its panel's title."""
    return {
        axes.get_title(): {str(line.get_label()): list(line.get_ydata()) for line in axes.lines}
        for axes in figure.axes
    }


def pairs(make_run: MakeRun, one: dict[str, Any], other: dict[str, Any]) -> list[Path]:
    """Two seeds of either kind; all episodes of the first are won, none of the other."""
    return [
        make_run(f"{kind}{seed}", [[won]], seed=seed, **settings)
        for kind, settings, won in (("one", one, 1.0), ("other", other, 0.0))
        for seed in (0, 1)
    ]


@pytest.mark.parametrize(
    ("name", "values", "panels"),
    [
        ("rules", ("0.1", "0.2"), ["smax/3m (rules=0.1)", "smax/3m (rules=0.2)"]),
        (
            "stop_probability",
            (0.0, 0.05),
            ["smax/3m (stop_probability=0)", "smax/3m (stop_probability=0.05)"],
        ),
        ("own", (True, False), ["smax/3m (own=True)", "smax/3m (own=False)"]),
    ],
)
def test_settings_of_the_task_have_panels_of_their_own(
    make_run: MakeRun,
    drawn: list[Figure],
    tmp_path: Path,
    name: str,
    values: tuple[object, object],
    panels: list[str],
) -> None:
    one, other = ({"task_settings": {name: value}} for value in values)
    groups = group_runs(pairs(make_run, one, other))
    curves.compare_curves(groups, tmp_path / "a.png")
    assert list(groups) == ["gpae"]
    assert lines(drawn[0]) == {panels[0]: {"gpae": [1.0]}, panels[1]: {"gpae": [0.0]}}


@pytest.mark.parametrize(
    ("one", "other", "labels"),
    [
        ({"mode": "greedy"}, {"mode": "sampled"}, ["evaluation.mode=greedy", "sampled"]),
        ({"episodes": 32}, {"episodes": 128}, ["evaluation.episodes=32", "episodes=128"]),
        ({"interval": 1e5}, {"interval": 5e5}, ["evaluation.interval=100000", "interval=500000"]),
    ],
)
def test_settings_of_evaluation_have_lines_of_their_own(
    make_run: MakeRun,
    drawn: list[Figure],
    tmp_path: Path,
    one: dict[str, object],
    other: dict[str, object],
    labels: list[str],
) -> None:
    kinds = [
        {"evaluation": settings, "mode": settings.get("mode", "greedy")}
        for settings in (one, other)
    ]
    groups = group_runs(pairs(make_run, *kinds))
    curves.compare_curves(groups, tmp_path / "a.png")
    (panel,) = lines(drawn[0]).values()
    assert list(panel.values()) == [[1.0], [0.0]]
    for label, words in zip(panel, labels, strict=True):
        assert words in label


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"run": {"devices": 1}}, {"run": {"devices": 2}}),
        ({"run": {"keep_checkpoints": 1}}, {"run": {"keep_checkpoints": 5}}),
        ({"profile": True}, {"profile": False}),
        ({"imports": ["lab"]}, {"imports": []}),
        ({"evaluation": {"mode": "greedy"}}, {"evaluation": {"mode": "both"}}),
        ({"evaluation": {"absolute": False}}, {"evaluation": {"absolute": True}}),
    ],
)
def test_what_changes_nothing_that_was_measured_splits_nothing(
    make_run: MakeRun, one: dict[str, Any], other: dict[str, Any]
) -> None:
    runs = [make_run("a", **one), make_run("b", seed=1, **other)]
    assert group_runs(runs) == {"gpae": runs}


def test_what_is_learnt_with_splits_where_runs_of_a_task_differ(make_run: MakeRun) -> None:
    def run(name: str, task: str, rate: float) -> Path:
        return make_run(name, task=task, update={"learning_rate": rate})

    go_with_the_task = [run("a", "smax/3m", 0.1), run("b", "smax/8m", 0.2)]
    assert group_runs(go_with_the_task) == {"gpae": go_with_the_task}
    runs = [*go_with_the_task, run("c", "smax/8m", 0.1)]
    label = "gpae (update.learning_rate={})"
    assert group_runs(runs) == {label.format(0.1): [runs[0], runs[2]], label.format(0.2): runs[1:2]}


@pytest.fixture(params=["curves", "panels", "export"])
def reader(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[list[Path]], object]:
    """One of the reports that average runs."""
    output = tmp_path / "output"
    return {
        "curves": lambda runs: curves.compare_curves(group_runs(runs), output.with_suffix(".png")),
        "panels": lambda runs: curves.compare_panels(
            {"one": group_runs(runs)}, output.with_suffix(".png")
        ),
        "export": lambda runs: marl_eval.export(runs, output),
    }[request.param]


def test_the_same_seed_twice_is_refused_by_every_reader(
    make_run: MakeRun, reader: Callable[[list[Path]], object], tmp_path: Path
) -> None:
    runs = [make_run("a", seed=3), make_run("b", seed=3, run={"devices": 2}), make_run("c", seed=4)]
    for twice in (runs, [runs[0], runs[0]]):
        with pytest.raises(UserError, match=r"repeats gpae on smax/3m with seed 3, which \S+/a is"):
            reader(twice)
    assert not list(tmp_path.glob("output*"))
    reader([runs[0], runs[2]])


def test_a_run_that_was_never_evaluated_repeats_nothing(
    make_run: MakeRun, drawn: list[Figure], tmp_path: Path
) -> None:
    runs = [make_run("a"), make_run("b", [], finished=False)]
    curves.compare_curves(group_runs(runs), tmp_path / "a.png")
    assert list(lines(drawn[0])) == ["smax/3m"]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"mode": "sampled"}, "mode of evaluation is greedy and sampled"),
        (
            {"metric": "solved", "direction": "maximise"},
            "headline metric is win_rate and solved",
        ),
        ({"direction": "minimise"}, "direction is maximise and minimise"),
    ],
)
def test_a_line_of_ones_own_is_of_one_measurement(
    make_run: MakeRun, tmp_path: Path, other: dict[str, str], what: str
) -> None:
    runs = [make_run("a"), make_run("b", seed=1, **other)]
    with pytest.raises(UserError, match=rf"a and .*b are no seeds of one thing: their {what}"):
        curves.compare_curves({"ours": runs}, tmp_path / "a.png")


def test_lines_of_other_modes_say_so(
    make_run: MakeRun, drawn: list[Figure], tmp_path: Path
) -> None:
    groups = {"gpae": [make_run("a")], "mappo": [make_run("b", mode="sampled")]}
    curves.compare_curves(groups, tmp_path / "a.png")
    assert list(lines(drawn[0])["smax/3m"]) == ["gpae (greedy)", "mappo (sampled)"]


def test_a_panel_is_of_one_task(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run(stop, task_settings={"stop_probability": stop}) for stop in ("0", "0.1")]
    with pytest.raises(UserError, match=r"the panel SMAX has runs of smax/3m .*=0.* and smax/3m"):
        curves.compare_panels({"SMAX": {"gpae": runs[:1], "mappo": runs[1:]}}, tmp_path / "a.png")


def test_the_export_names_tasks_by_their_settings(make_run: MakeRun) -> None:
    one, other = ({"task_settings": {"rules": rules}} for rules in ("0.1", "0.2"))
    found = marl_eval.collect(pairs(make_run, one, other))["smax"]
    assert {task: list(methods) for task, methods in found.items()} == {
        "3m (rules=0.1)": ["gpae"],
        "3m (rules=0.2)": ["gpae"],
    }


def test_the_export_merges_no_runs_that_differ_though_their_seeds_do(make_run: MakeRun) -> None:
    runs = [make_run(f"{m}", seed=m, window={"length": m}) for m in (1, 4)]
    found = marl_eval.collect(runs)["smax"]["3m"]
    assert list(found) == ["gpae (window.length=1)", "gpae (window.length=4)"]


def test_the_export_says_which_mode_was_evaluated_where_methods_differ(make_run: MakeRun) -> None:
    runs = [
        make_run(mode, method=method, mode=mode, evaluation={"mode": mode})
        for method, mode in (("gpae", "greedy"), ("mappo", "sampled"))
    ]
    assert list(marl_eval.collect(runs)["smax"]["3m"]) == [
        "gpae (evaluation.mode=greedy)",
        "mappo (evaluation.mode=sampled)",
    ]


def test_the_axis_says_that_smaller_is_better(
    make_run: MakeRun, drawn: list[Figure], tmp_path: Path
) -> None:
    run = make_run("a", metric="collisions", direction="minimise")
    curves.compare_curves({"gpae": [run]}, tmp_path / "a.png")
    curves.learning_curve(run, tmp_path / "b.png")
    curves.compare_curves({"gpae": [run]}, tmp_path / "c.png", "episode_return")
    labels = [figure.axes[0].get_ylabel() for figure in drawn]
    assert labels == ["collisions (smaller is better)"] * 2 + ["episode return"]


def test_a_metric_has_one_direction_in_a_picture(make_run: MakeRun, tmp_path: Path) -> None:
    groups = {
        direction: [make_run(direction, direction=direction)]
        for direction in ("maximise", "minimise")
    }
    with pytest.raises(
        UserError, match=r"win_rate is better large in one of .* small in the other"
    ):
        curves.compare_curves(groups, tmp_path / "a.png")
