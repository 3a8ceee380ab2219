"""Comparisons of a study's rows over seeds and tasks: improvement, and performance profiles."""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from gpae.report.document.over_tasks import THRESHOLDS, Normalised, profiles
from gpae.report.document.pictures import performance_profiles
from gpae.report.statistics import probability_over_tasks
from gpae.studies.cells import FilledCell
from gpae.studies.declaration import Measure, Study
from gpae.studies.measures import is_fraction
from gpae.studies.tables import scores_of, table_line

_SHOWN = (0.25, 0.5, 0.75, 0.9)
_FEWEST_SEEDS = 2

Scores = dict[str, dict[str, list[float]]]
"""Scores of seeds by row and task."""


def comparison_lines(study: Study, cells: Sequence[FilledCell]) -> Iterator[str]:
    """Both as Markdown; nothing where less than two rows have two seeds on a task.

    Args:
        study: The study.
        cells: Its cells; controls, and runs that it does not plan, are left out.
    """
    measure = performance(study)
    if measure is None:
        return
    scores = _scores(cells, measure)
    if len(scores) < 2:
        return
    yield from _improvement(measure, scores)
    if shared := _in_one_unit(cells, measure, scores):
        yield from _profiles(measure, shared)


def profile_figure(study: Study, cells: Sequence[FilledCell]) -> Figure | None:
    """The performance profiles as a figure, None where there is nothing to compare."""
    measure = performance(study)
    scores = {} if measure is None else _scores(cells, measure)
    if measure is None or len(scores) < 2:
        return None
    shared = _in_one_unit(cells, measure, scores)
    return None if shared is None else performance_profiles(profiles(shared), shared)


def performance(study: Study) -> Measure | None:
    """The first measure of evaluations, of which larger is better."""
    found = [measure for measure in study.measures if measure.source == "evaluation"]
    return found[0] if found else None


def _scores(cells: Sequence[FilledCell], measure: Measure) -> Scores:
    scores: Scores = {}
    for cell in cells:
        values = scores_of(cell, measure)
        if cell.wanted and not cell.control and len(values) >= _FEWEST_SEEDS:
            scores.setdefault(cell.row, {})[cell.task] = values
    return scores


def _improvement(measure: Measure, scores: Scores) -> Iterator[str]:
    """A square of probabilities, each row of the study over each other one."""
    yield (
        f"*Probability of improvement*, {measure.name}: of the row over the column, mean over the "
        "tasks on which both have two seeds or more, with its 95 % stratified bootstrap interval."
    )
    yield ""
    yield table_line("", *scores)
    yield "|---|" + "---:|" * len(scores)
    for one in scores:
        yield table_line(one, *(_probability(scores[one], scores[other]) for other in scores))
    yield ""


def _probability(ours: dict[str, list[float]], theirs: dict[str, list[float]]) -> str:
    tasks = [task for task in ours if task in theirs]
    if ours is theirs or not tasks:
        return "-"
    middle, low, high = probability_over_tasks(
        [ours[task] for task in tasks], [theirs[task] for task in tasks]
    )
    return f"{middle:.2f} [{low:.2f}, {high:.2f}]"


def _profiles(measure: Measure, shared: Normalised) -> Iterator[str]:
    tasks = ", ".join(shared.tasks)
    yield (
        f"*Performance profile*, {measure.name}: the share of runs whose {shared.unit} lies "
        f"above tau, on {tasks}, with its pointwise 95 % stratified bootstrap interval."
    )
    yield ""
    yield table_line("row", *(f"tau = {tau:g}" for tau in _SHOWN))
    yield "|---|" + "---:|" * len(_SHOWN)
    places = [int(np.abs(THRESHOLDS - tau).argmin()) for tau in _SHOWN]
    for row, found in profiles(shared).items():
        shares = (
            f"{found.share[at]:.2f} [{found.low[at]:.2f}, {found.high[at]:.2f}]" for at in places
        )
        yield table_line(row, *shares)
    yield ""


def _in_one_unit(
    cells: Sequence[FilledCell], measure: Measure, scores: Scores
) -> Normalised | None:
    """The scores on tasks that all rows have, as win rates or by each task's range."""
    of_rows = list(scores.values())
    tasks = [task for task in of_rows[0] if all(task in of_row for of_row in of_rows)]
    if not tasks:
        return None
    runs = [cell.runs[0] for cell in cells if cell.task in tasks and cell.runs]
    plain = all(is_fraction(run, measure) for run in runs)
    united = {
        row: [_united(of_row[task], scores, task, plain) for task in tasks]
        for row, of_row in scores.items()
    }
    unit = "win rate" if plain else "score, from the task's worst run (0) to its best (1)"
    return Normalised(tasks, unit, united)


def _united(
    values: Sequence[float], scores: Scores, task: str, plain: bool
) -> Float[np.ndarray, " runs"]:
    """A row's scores on a task in one unit."""
    if plain:
        return np.array(values) / 100.0
    every = [value for of_row in scores.values() for value in of_row[task]]
    low, span = min(every), max(every) - min(every)
    return (np.array(values) - low) / span if span else np.ones(len(values))
