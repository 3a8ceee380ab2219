"""Every kind of export is read back by marl-eval itself, ``id-marl-eval``, as make installs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpae.report import marl_eval

diagnosis = pytest.importorskip("marl_eval.utils.diagnose_data_errors")
processing = pytest.importorskip("marl_eval.utils.data_processing_utils")

MakeRun = Callable[..., Path]

KINDS: dict[str, list[dict[str, Any]]] = {
    "one method": [{}],
    "methods": [{"method": name} for name in ("gpae", "mappo")],
    "methods in capitals": [{"method": name} for name in ("GPAE", "Mappo")],
    "tasks": [
        {"task": task, "method": method}
        for task in ("smax/3m", "smax/1s1z")
        for method in ("gpae", "mappo")
    ],
    "environments": [
        {"task": task} for task in ("smax/3m", "mabrax/humanoid-9|8", "own", "jaxmarl/MPE_spread")
    ],
    "a setting": [{"window": {"length": length}} for length in (1, 4)],
    "two settings": [
        {"window": {"length": length}, "update": {"learning_rate": rate}}
        for length, rate in ((1, 0.002), (4, 0.0005), (1, 0.0005))
    ],
    "a setting of several numbers": [
        {"network": {"sizes": sizes}} for sizes in ([64, 64], [128, 64], {"first": [1, 2]})
    ],
    "a method's own settings": [
        {"method": "gpae", "method_settings": {"eta": 1.02, "trace_scheme": "double"}},
        {"method": "gpae", "method_settings": {"eta": 1.05, "trace_scheme": "none"}},
        {"method": "mappo"},
    ],
    "a task's settings": [
        {"task_settings": {"rules": rules, "stop_probability": stop}}
        for rules, stop in (("0.1", 0.0), ("0.2", 0.0), ("0.2", 0.05))
    ],
    "modes": [{"mode": mode, "evaluation": {"mode": mode}} for mode in ("greedy", "sampled")],
    "other seeds": [{"method": "gpae", "first_seed": 0}, {"method": "mappo", "first_seed": 2}],
    "a metric that is better small": [
        {"method": method, "metric": "collisions", "direction": "minimise"}
        for method in ("gpae", "mappo")
    ],
}
"""Runs by kind, each made with two seeds."""


@pytest.fixture
def exported(make_run: MakeRun, tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """The file of a kind, as marl-eval's own scripts load it."""

    def export(kind: str) -> dict[str, Any]:
        runs = []
        for number, settings in enumerate(KINDS[kind]):
            settings = dict(settings)
            first = settings.pop("first_seed", 0)
            for seed in (first, first + 1):
                scores = [[0.5 * number, float(seed)], [number + 1.0, seed + 0.25]]
                runs.append(make_run(f"{number}_{seed}", scores, seed=seed, **settings))
        marl_eval.export(runs, tmp_path / "out.json")
        return dict(json.loads((tmp_path / "out.json").read_text()))

    return export


def processed(
    layout: dict[str, Any], environment: str, metrics: list[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """marl-eval's table of absolute metrics, and its tensor of learning curves."""
    data = processing.data_process_pipeline(layout, metrics)
    assert "extra" in data, "marl-eval refuses the file"
    table, curves = processing.create_matrices_for_rliable(data, environment, metrics)
    return table, curves


@pytest.mark.parametrize("kind", KINDS)
def test_marl_eval_finds_nothing_amiss(
    kind: str, exported: Callable[[str], dict[str, Any]]
) -> None:
    found = diagnosis.DiagnoseData(exported(kind)).check_data()
    assert found
    assert {name for checks in found.values() for name, sound in checks.items() if not sound} == (
        set()
    )


@pytest.mark.parametrize("kind", KINDS)
def test_marl_eval_reads_what_was_written(
    kind: str, exported: Callable[[str], dict[str, Any]]
) -> None:
    layout = exported(kind)
    for environment, tasks in layout.items():
        metric = next(
            name for name in _first(_first(_first(tasks)))["absolute_metrics"] if "ret" not in name
        )
        table, curves = processed(layout, environment, [])
        for j, methods in enumerate(tasks.values()):
            for method, runs in methods.items():
                for i, run in enumerate(runs.values()):
                    column = curves[f"mean_{metric}"][method.lower()][i, j]
                    steps = [run[f"step_{k}"][metric] for k in range(2)]
                    np.testing.assert_allclose(column, np.mean(steps, axis=1))
                    best = table[f"mean_{metric}"][method.lower()][i, j]
                    np.testing.assert_allclose(best, np.mean(run["absolute_metrics"][metric]))


def test_fewer_collisions_are_better_in_marl_evals_scores(
    exported: Callable[[str], dict[str, Any]],
) -> None:
    layout = exported("a metric that is better small")
    table, _ = processed(layout, "smax", ["negated_collisions"])
    scores = table["mean_norm_negated_collisions"]
    assert scores["gpae"].mean() > scores["mappo"].mean(), "gpae collides less often"


def test_a_name_with_a_comma_would_be_refused(exported: Callable[[str], dict[str, Any]]) -> None:
    layout = exported("methods")
    layout["smax"]["3m"]["gpae (a=1, b=2)"] = layout["smax"]["3m"].pop("gpae")
    found = diagnosis.DiagnoseData(layout).check_data()
    assert not found["smax"]["valid_algorithm_names"]


def _first(mapping: dict[str, Any]) -> dict[str, Any]:
    return dict(next(iter(mapping.values())))
