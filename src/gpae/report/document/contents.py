"""Contents of a report: notes, and sections of pictures and tables, in whichever form."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from gpae.report.document.entries import Comparison
from gpae.report.document.notes import notes
from gpae.report.document.over_tasks import (
    THRESHOLDS,
    Normalised,
    Profile,
    improvements,
    normalised,
    profiles,
)
from gpae.report.document.pictures import (
    final_scores,
    improvement_figure,
    learning_curves,
    performance_profiles,
)
from gpae.report.document.sample_efficiency import efficiencies
from gpae.report.document.tables import (
    Record,
    Table,
    efficiency_table,
    final_table,
    improvement_table,
    methods_table,
    over_tasks_table,
    runs_table,
)


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        name: The name of its files, without ending.
        figure: The figure.
        caption: What it shows.
    """

    name: str
    figure: Figure
    caption: str


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Attributes:
        title: Its heading.
        pictures: Its pictures.
        tables: Its tables.
    """

    title: str
    pictures: Sequence[Picture] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Contents:
    """A report.

    Attributes:
        title: Its title.
        summary: A sentence on the runs.
        notes: Cautions to be read before comparing.
        sections: Its sections.
        data: Further numbers for CSV, by the name of the file.
    """

    title: str
    summary: str
    notes: Sequence[str]
    sections: Sequence[Section]
    data: dict[str, list[Record]]


def contents_of(comparison: Comparison, title: str, thresholds: Sequence[float] = ()) -> Contents:
    """Everything that a report on some runs shows.

    Args:
        comparison: The runs.
        title: The report's title.
        thresholds: Scores to reach, as for :func:`efficiencies`.
    """
    scores = normalised(comparison)
    of_labels = profiles(scores) if scores is not None else {}
    sections = [_curves(comparison), _finals(comparison, scores)]
    sections += _comparisons(comparison, scores, of_labels)
    efficiency = efficiency_table(efficiencies(comparison, thresholds))
    sections += [Section("Sample efficiency", tables=[efficiency])]
    methods, runs = methods_table(comparison), runs_table(comparison)
    sections += [Section("Runs", tables=[methods, runs] if len(methods.columns) > 1 else [runs])]
    data = {"curves": _curve_records(comparison), "profiles": _profile_records(of_labels)}
    cautions = notes(comparison)
    if scores is None or len(scores.tasks) < len(comparison.tasks):
        cautions.append(_on_unshared_tasks(comparison, scores))
    return Contents(title, _summary(comparison), cautions, sections, data)


def _summary(comparison: Comparison) -> str:
    runs = sum(len(entry.runs) for entry in comparison.entries)
    counted = ((runs, "run"), (len(comparison.labels), "method"), (len(comparison.tasks), "task"))
    runs_text, methods, tasks = (f"{count} {noun}{'s' * (count != 1)}" for count, noun in counted)
    return f"{runs_text} of {methods} on {tasks}."


def _on_unshared_tasks(comparison: Comparison, scores: Normalised | None) -> str:
    if scores is None:
        return "No task has comparable runs of every method: there is nothing over tasks."
    return (
        "Not every task has comparable runs of every method: profiles and numbers over tasks are "
        f"of {', '.join(scores.tasks)}."
    )


def _curves(comparison: Comparison) -> Section:
    caption = (
        "Mean over seeds with its 95 % bootstrap interval, and each seed as a thin line. A mean "
        "ends where the first of its seeds does."
    )
    picture = Picture("curves", learning_curves(comparison), caption)
    return Section("Learning curves", [picture])


def _finals(comparison: Comparison, scores: Normalised | None) -> Section:
    caption = "Interquartile mean (bar) with its 95 % bootstrap interval, and each seed (points)."
    tables = [final_table(comparison)]
    if scores is not None and len(scores.tasks) > 1:
        tables.append(over_tasks_table(scores))
    return Section("Final scores", [Picture("scores", final_scores(comparison), caption)], tables)


def _comparisons(
    comparison: Comparison, scores: Normalised | None, of_labels: dict[str, Profile]
) -> list[Section]:
    sections = []
    if scores is not None:
        caption = (
            "Performance profile: the share of runs that score above each value, the higher the "
            "better, with its pointwise 95 % bootstrap interval."
        )
        figure = performance_profiles(of_labels, scores)
        sections.append(Section("Performance profiles", [Picture("profiles", figure, caption)]))
    if found := improvements(comparison):
        caption = (
            "Probability of improvement with its 95 % interval; at the dashed line neither is "
            "better."
        )
        picture = Picture("improvement", improvement_figure(found), caption)
        sections.append(
            Section("Probability of improvement", [picture], [improvement_table(found)])
        )
    return sections


def _curve_records(comparison: Comparison) -> list[Record]:
    return [
        {
            "task": entry.task,
            "metric": entry.metric,
            "method": entry.label,
            "seed": run.seed,
            "env_steps": int(step),
            "score": float(score),
        }
        for entry in comparison.entries
        for run, curve in zip(entry.runs, entry.curves, strict=True)
        for step, score in zip(run.steps, curve, strict=True)
    ]


def _profile_records(of_labels: dict[str, Profile]) -> list[Record]:
    return [
        {
            "method": label,
            "threshold": float(threshold),
            "share": float(profile.share[at]),
            "low": float(profile.low[at]),
            "high": float(profile.high[at]),
        }
        for label, profile in of_labels.items()
        for at, threshold in enumerate(THRESHOLDS)
    ]
