"""A task is what was measured: its settings, and the version of its rules, tell tasks apart."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gpae.report.tasks import played_task, task_labels
from gpae.runs import RunFolder

MakeRun = Callable[..., Path]


def labels(*runs: Path) -> list[str]:
    return task_labels([played_task(RunFolder.open(run)) for run in runs])


def test_runs_of_one_task_have_its_name(make_run: MakeRun) -> None:
    settings = {"rules": "0.2", "stop_probability": 0.0}
    same = {"rules": 0.2, "stop_probability": 0}
    runs = [make_run("a", task_settings=settings), make_run("b", task_settings=same, seed=1)]
    assert labels(*runs) == ["smax/3m", "smax/3m"]


def test_settings_in_which_runs_of_one_name_differ_are_named(make_run: MakeRun) -> None:
    runs = [
        make_run(f"{number}", task=task, task_settings={"rules": rules, "stop_probability": stop})
        for number, (task, rules, stop) in enumerate(
            [("smax/3m", "0.1", 0.0), ("smax/3m", "0.2", 0), ("smax/8m", "0.2", 0.05)]
        )
    ]
    assert labels(*runs) == ["smax/3m (rules=0.1)", "smax/3m (rules=0.2)", "smax/8m"]


def test_a_run_of_before_rules_were_a_setting_has_them_in_its_versions(make_run: MakeRun) -> None:
    old = make_run("old", versions={"smax_rules": "0.2"})
    runs = [make_run(rules, task_settings={"rules": rules}) for rules in ("0.1", "0.2")]
    assert labels(old, *runs) == [f"smax/3m (rules={rules})" for rules in ("0.2", "0.1", "0.2")]


@pytest.mark.parametrize(
    ("task", "package", "versions", "told_apart"),
    [
        ("mabrax/ant-4x2", "brax", ("0.14.1", "0.14.2"), False),
        ("mabrax/ant-4x2", "brax", ("0.13.0", "0.14.2"), True),
        ("jaxmarl/MPE_simple_spread_v3", "jaxmarl", ("0.1.0", "0.2.0"), True),
        ("smax/3m", "jax", ("0.9.0", "0.10.2"), False),
        ("own", "jaxmarl", ("0.1.0", "0.2.0"), False),
    ],
)
def test_the_package_that_supplies_a_family_tells_its_tasks_apart(
    make_run: MakeRun, task: str, package: str, versions: tuple[str, str], told_apart: bool
) -> None:
    runs = [make_run(each, task=task, versions={package: each}) for each in versions]
    assert (len(set(labels(*runs))) == 2) is told_apart
