"""Tables of a report, each with its numbers in full for CSV and with the texts that are shown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gpae.report.document.entries import Comparison, Entry, Scores
from gpae.report.document.over_tasks import Improvement, Normalised
from gpae.report.document.sample_efficiency import Efficiency
from gpae.report.statistics import Summary, summarise

Record = dict[str, Any]


@dataclass
class Table:
    """A table.

    Attributes:
        name: The name of its CSV file, without ending.
        title: Its heading.
        caption: What its columns are.
        columns: The headings of the columns shown.
        rows: The texts shown.
        records: The numbers in full, a mapping by column a row, for CSV.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)


def final_table(comparison: Comparison) -> Table:
    """Final scores: as papers print them, and with the interval of the interquartile mean."""
    metrics = {_metric(entry) for entry in comparison.entries}
    several = len(metrics) > 1
    metric = "Score" if several else next(iter(metrics)).capitalize()
    table = Table(
        "final_scores",
        "Final scores",
        f"{metric} of the last evaluation that all seeds have: mean ± sample standard deviation "
        "over seeds, and interquartile mean (IQM) with its 95 % stratified bootstrap interval. "
        "Absolute: the policy that was best during training, evaluated on ten times the episodes.",
        (
            *("task", *["metric"] * several, "method", "seeds", "env steps", "gradient steps"),
            *("mean ± std", "IQM [95 %]", "absolute"),
        ),
    )
    for entry in comparison.entries:
        summary, absolute = summarise(entry.scores), entry.absolute
        table.rows.append(
            (
                entry.task,
                *[_metric(entry)] * several,
                entry.label,
                f"{len(entry.runs)}" + (f", {len(entry.diverged)} diverged" * bool(entry.diverged)),
                f"{entry.env_steps:,}",
                " / ".join(f"{count:,}" for count in entry.gradient_steps) or "-",
                mean_and_std(entry.scores),
                iqm_and_interval(summary),
                "-" if absolute is None else mean_and_std(absolute),
            )
        )
        table.records.append(
            {
                "task": entry.task,
                "metric": entry.metric,
                "direction": entry.direction,
                "method": entry.label,
                "seeds": len(entry.runs),
                "diverged": len(entry.diverged),
                "env_steps": entry.env_steps,
                "gradient_steps": "/".join(map(str, entry.gradient_steps)),
                **_numbers(summary),
                "absolute_mean": "" if absolute is None else float(absolute.mean()),
            }
        )
    return table


def methods_table(comparison: Comparison) -> Table:
    """Every setting in which the methods differ, also those that their names leave out."""
    full = [comparison.named[label] for label in comparison.labels if label in comparison.named]
    settings = list(dict.fromkeys(name for label in full for name, _ in label.details))
    table = Table(
        "methods",
        "Methods",
        "Every setting in which runs of a task differ, beside the seed.",
        ("method", *settings),
    )
    for label in comparison.labels:
        values = dict(comparison.named[label].details) if label in comparison.named else {}
        cells = [values.get(name, f"{name}=-").removeprefix(f"{name}=") for name in settings]
        table.rows.append((label, *cells))
        table.records.append({"method": label, **dict(zip(settings, cells, strict=True))})
    return table


def runs_table(comparison: Comparison) -> Table:
    """Every run: its folder and its own numbers."""
    columns = ("task", "method", "seed", "env steps", "score", "absolute", "folder")
    table = Table("runs", "Runs", "Every run with its own last evaluation.", columns)
    for entry in comparison.entries:
        for run, curve in zip(entry.runs, entry.curves, strict=True):
            absolute = run.absolute
            best = None if absolute is None else float(np.mean(absolute[entry.metric]))
            steps, score = int(run.steps[-1]), float(curve[-1])
            numbers = (number(score), "-" if best is None else number(best))
            identity = (entry.task, entry.label, f"{run.seed}", f"{steps:,}")
            table.rows.append((*identity, *numbers, run.path.name))
            table.records.append(
                {
                    "task": entry.task,
                    "metric": entry.metric,
                    "method": entry.label,
                    "seed": run.seed,
                    "env_steps": steps,
                    "score": score,
                    "absolute": "" if best is None else best,
                    "folder": str(run.path),
                }
            )
    return table


def over_tasks_table(scores: Normalised) -> Table:
    """Each label over all tasks, where numbers of seeds allow it."""
    table = Table(
        "over_tasks",
        f"Over {len(scores.tasks)} tasks",
        f"All runs of the tasks that every method has ({', '.join(scores.tasks)}), in one unit: "
        f"{scores.unit}. The interval is that of a bootstrap within each task; a method with "
        "unequal numbers of seeds on the tasks has no row.",
        ("method", "runs", "mean ± std", "IQM [95 %]"),
    )
    for label, of_tasks in scores.scores.items():
        if len({len(runs) for runs in of_tasks}) > 1:
            continue
        runs = np.array(of_tasks).T
        summary = summarise(runs)
        table.rows.append(
            (label, f"{runs.size}", mean_and_std(runs.mean(1)), iqm_and_interval(summary))
        )
        table.records.append({"method": label, "runs": runs.size, **_numbers(summary)})
    return table


def improvement_table(found: Sequence[Improvement]) -> Table:
    """Probabilities of improvement."""
    table = Table(
        "improvement",
        "Probability of improvement",
        "Probability that a run of the first method is better than a run of the second at equal "
        "env steps (to 2 %), ties counting half, with its 95 % stratified bootstrap interval. "
        "Over several tasks: the mean of the tasks' probabilities.",
        ("task", "env steps", "method", "over", "P [95 %]"),
    )
    for each in found:
        steps = " / ".join(f"{step:,}" for step in each.env_steps) or "-"
        text = f"{each.probability:.2f} [{each.low:.2f}, {each.high:.2f}]"
        table.rows.append((each.task, steps, each.one, each.other, text))
        table.records.append(
            {
                "task": each.task,
                "env_steps": "/".join(map(str, each.env_steps)),
                "method": each.one,
                "over": each.other,
                "probability": each.probability,
                "low": each.low,
                "high": each.high,
            }
        )
    return table


def efficiency_table(found: Sequence[Efficiency]) -> Table:
    """Sample efficiency."""
    table = Table(
        "sample_efficiency",
        "Sample efficiency",
        "Mean score over training: the area under the learning curve over its length, mean ± "
        "sample standard deviation over seeds. Env steps to a score: the first evaluation that "
        "reaches it, median over seeds [earliest, latest], and the seeds that reached it. Both "
        "within the env steps that all methods have on the task.",
        ("task", "method", "env steps", "mean over training", "score", "env steps to it", "seeds"),
    )
    for each in found:
        entry = each.entry
        span = f"{int(each.steps[0]):,} to {int(each.steps[-1]):,}"
        for threshold, reached in each.reached.items():
            count = int(np.isfinite(reached).sum())
            over_training = mean_and_std(each.over_training)
            to_it = (f"{threshold:g}", steps_and_range(reached), f"{count} of {len(reached)}")
            table.rows.append((entry.task, entry.label, span, over_training, *to_it))
            middle = median(reached)
            table.records.append(
                {
                    "task": entry.task,
                    "metric": entry.metric,
                    "method": entry.label,
                    "first_env_steps": int(each.steps[0]),
                    "last_env_steps": int(each.steps[-1]),
                    "mean_over_training": float(each.over_training.mean()),
                    "std_over_training": _deviation(each.over_training),
                    "threshold": threshold,
                    "median_env_steps": middle if math.isfinite(middle) else "",
                    "reached": count,
                    "seeds": len(reached),
                }
            )
    return table


def median(values: Scores) -> float:
    """The median, infinite where at least half of the values are."""
    return float(np.sort(values)[len(values) // 2 :][0]) if len(values) % 2 else _of_even(values)


def _of_even(values: Scores) -> float:
    below, above = np.sort(values)[len(values) // 2 - 1 : len(values) // 2 + 1]
    return float(above) if math.isinf(above) else float((below + above) / 2)


def steps_and_range(reached: Scores) -> str:
    """The median of steps, and their range; what is infinite was not reached."""
    if not np.isfinite(reached).any():
        return "not reached"
    shown = [
        f"{value:,.0f}" if math.isfinite(value) else "never"
        for value in (median(reached), reached.min(), reached.max())
    ]
    return shown[0] if len(reached) == 1 else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def number(value: float, like: float | None = None) -> str:
    """A number with three digits after the point, fewer for large ones.

    Args:
        value: The number.
        like: A number with as many digits as this one.
    """
    size = abs(value if like is None else like)
    return f"{value:.{3 if size < 10 else 2 if size < 100 else 1}f}"


def mean_and_std(scores: Scores) -> str:
    """Mean and sample standard deviation; the mean alone for a single run."""
    mean = float(scores.mean())
    return number(mean) + (f" ± {number(_deviation(scores), mean)}" if len(scores) > 1 else "")


def iqm_and_interval(summary: Summary) -> str:
    """Interquartile mean and its interval; the mean alone for a single run."""
    if summary.count == 1:
        return number(summary.iqm)
    ends = (number(end, summary.iqm) for end in (summary.low, summary.high))
    return f"{number(summary.iqm)} [{', '.join(ends)}]"


def _deviation(scores: Scores) -> float:
    return float(scores.std(ddof=1)) if len(scores) > 1 else float("nan")


def _numbers(summary: Summary) -> Record:
    return {
        "mean": summary.mean,
        "std": summary.std,
        "iqm": summary.iqm,
        "iqm_low": summary.low,
        "iqm_high": summary.high,
    }


def _metric(entry: Entry) -> str:
    words = entry.metric.replace("_", " ")
    return f"{words} (smaller is better)" if entry.direction == "minimise" else words
