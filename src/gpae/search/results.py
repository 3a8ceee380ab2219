"""Results of a search: the table of trials, the settings' importances, the best settings."""

import io
import json
from dataclasses import asdict
from typing import Any

import yaml
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.table import Column, Table

from gpae.config.compose import compose, to_dict
from gpae.console import say, shown
from gpae.runs.files import disk_errors, write_atomically
from gpae.search.search import Search
from gpae.search.space import FIRST_SEED
from gpae.search.trials import Trial

_ROWS = 20


def show_results(search: Search) -> None:
    """Print the best trials, and write all of them, the importances and the best settings.

    Raises:
        UserError: A file cannot be written.
    """
    console, ranked = search.console, ranking(search)
    say(console, f"the best of {len(ranked)} trials, by {search.plan.metric}:")
    console.print(_table(search, ranked[:_ROWS]))
    with disk_errors(f"write to {search.folder.path}"):
        text = json.dumps([_as_json(trial) for trial in ranked], indent=1) + "\n"
        write_atomically(search.folder.results_path, text.encode())
        importances = search.trials.importances(search.plan.rungs[0])
        if importances:
            write_atomically(search.folder.importance_path, _picture(search, importances))
            named = ", ".join(f"{name} {value:.2f}" for name, value in importances.items())
            say(console, f"importances: {named}; drawn in {search.folder.importance_path}")
        else:
            say(console, "importances cannot be told from so few trials, or so many alike")
        if not ranked or not ranked[0].complete:
            say(console, "no trial came to its end: there are no best settings")
            return
        write_atomically(search.folder.best_path, _best(search, ranked[0]).encode())
    say(console, f"best settings in {search.folder.best_path}; train with them on other seeds:")
    say(console, f"  gpae train --settings {search.folder.best_path} seeds=5")


def ranking(search: Search) -> list[Trial]:
    """The trials, best first: by the rung that they reached, then by their value there."""
    sign = -1.0 if search.plan.maximise else 1.0

    def rank(trial: Trial) -> tuple[bool, bool, int, float, int]:
        furthest = max(trial.values, default=0)
        value = sign * trial.values.get(furthest, 0.0)
        return (not trial.complete, trial.diverged, -furthest, value, trial.number)

    return sorted(search.trials.all(), key=rank)


def _table(search: Search, trials: list[Trial]) -> Table:
    settings = [each.setting for each in search.plan.space.parameters]
    columns = (Column(name.rpartition(".")[2], overflow="fold") for name in settings)
    table = Table("trial", search.plan.metric, "env steps", "end", *columns, box=None)
    for trial in trials:
        furthest = max(trial.values, default=0)
        table.add_row(
            str(trial.number),
            shown(trial.values[furthest]) if furthest else "-",
            f"{furthest:,}",
            trial.fate,
            *(_written(trial.parameters[name]) for name in settings),
        )
    return table


def _written(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _as_json(trial: Trial) -> dict[str, Any]:
    values = {str(env_steps): value for env_steps, value in trial.values.items()}
    return {**asdict(trial), "parameters": dict(trial.parameters), "values": values}


def _picture(search: Search, importances: dict[str, float]) -> bytes:
    """A bar for each setting, the most important on top."""
    figure = Figure(figsize=(6.0, 0.8 + 0.4 * len(importances)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.barh(list(importances), list(importances.values()), color="#0072B2")
    axes.invert_yaxis()
    axes.set_xlim(0.0, 1.0)
    axes.set_xlabel(
        f"importance for {search.plan.metric} at {search.plan.rungs[0]:,} env steps (PED-ANOVA)"
    )
    contents = io.BytesIO()
    figure.savefig(contents, format="png", dpi=150)
    return contents.getvalue()


def _best(search: Search, trial: Trial) -> str:
    """A file of settings: those of the best trial, without what belongs to one run."""
    plan = search.plan
    config = compose(plan.space.overrides(dict(trial.parameters)), plan.settings.imports)
    values = to_dict(config)
    for name in ("run", "seed", "initial_params"):
        values.pop(name, None)
    found = " ".join(f"{name}={value}" for name, value in trial.parameters.items())
    last = plan.seeds[-1]
    return (
        f"# Trial {trial.number} of `gpae search {' '.join(plan.settings.words)}`:\n"
        f"# {found}\n"
        f"# {plan.metric} {shown(max(trial.values.items())[1])} on seeds {FIRST_SEED} to {last}: "
        "report results of other seeds.\n" + yaml.safe_dump(values, sort_keys=False)
    )
