"""Tables of a study as Markdown: what was measured, what the paper prints, and what is missing."""

from collections.abc import Iterator, Sequence

import numpy as np

from gpae.report.statistics import summarise
from gpae.studies.cells import FilledCell
from gpae.studies.declaration import Measure
from gpae.studies.measures import is_fraction, score
from gpae.studies.printed import Printed

_NOTHING = "-"


def table_of(
    cells: Sequence[FilledCell], measures: Sequence[Measure], printed: Printed, scale: float = 1.0
) -> str:
    """Every cell with runs: seeds, environment steps, and each measure; then what is missing.

    Args:
        cells: The study's cells, and the runs that differ from them.
        measures: The measures, the one that the paper prints first.
        printed: The paper's numbers.
        scale: Factor of the environment steps, which a heading states unless it is 1.

    Returns:
        Markdown: mean and sample standard deviation over seeds, the first measure's interquartile
        mean with its 95 % stratified bootstrap interval.
    """
    shown = [cell for cell in cells if cell.runs or cell.diverged]
    lines = []
    if scale != 1.0:
        lines += [f"Scaled: {scale:g} times the study's environment steps; no results.", ""]
    if shown:
        if _has_fractions(shown, measures):
            lines += ["Win rates in per cent.", ""]
        lines += [*_head(measures), *(_line(cell, measures, printed) for cell in shown), ""]
    lines += [missing_line(cells)]
    return "\n".join(lines) + "\n"


def _head(measures: Sequence[Measure]) -> Iterator[str]:
    first, *others = measures
    names = ["task", "row", "seeds", "env steps", first.name, "IQM [95 %]", "printed"]
    for measure in others:
        names += [measure.name]
    yield table_line(*names)
    yield f"|---|---|---:|---:|{'---:|' * (len(names) - 4)}"


def _line(cell: FilledCell, measures: Sequence[Measure], printed: Printed) -> str:
    first, *others = measures
    texts = [
        cell.task,
        cell.row,
        seeds_of(cell),
        f"{cell.env_steps:,}",
        spread_of(cell, first),
        interval_of(cell, first),
        printed_of(cell, first, printed),
    ]
    for measure in others:
        value = printed_of(cell, measure, printed)
        texts.append(
            spread_of(cell, measure) + (f" (printed {value})" if value != _NOTHING else "")
        )
    return table_line(*texts)


def table_line(*texts: str) -> str:
    """A line of a Markdown table."""
    escaped = (text.replace("|", "\\|") for text in texts)
    return f"| {' | '.join(escaped)} |"


def seeds_of(cell: FilledCell) -> str:
    """The number of seeds finished, of those wanted, and of those that diverged."""
    wanted = f" of {cell.wanted}" if cell.wanted > len(cell.runs) + len(cell.diverged) else ""
    diverged = f", {len(cell.diverged)} diverged" if cell.diverged else ""
    return f"{len(cell.runs)}{wanted}{diverged}"


def scores_of(cell: FilledCell, measure: Measure) -> list[float]:
    """The measure of each of a cell's runs, in per cent where the paper prints it so.

    Empty if one of them does not have it.
    """
    factor = 100.0 if cell.runs and is_fraction(cell.runs[0], measure) else 1.0
    scores = [score(run, measure) for run in cell.runs]
    found = [factor * each for each in scores if each is not None]
    return found if len(found) == len(scores) else []


def spread_of(cell: FilledCell, measure: Measure) -> str:
    """Mean and sample standard deviation over seeds."""
    values = scores_of(cell, measure)
    if not values:
        return _NOTHING
    deviation = f" ± {number(float(np.std(values, ddof=1)))}" if len(values) > 1 else ""
    return f"{number(float(np.mean(values)))}{deviation}"


def interval_of(cell: FilledCell, measure: Measure) -> str:
    """Interquartile mean over seeds, and its interval; the interval needs two seeds."""
    values = scores_of(cell, measure)
    if not values:
        return _NOTHING
    summary = summarise(values)
    if len(values) == 1:
        return number(summary.iqm)
    return f"{number(summary.iqm)} [{number(summary.low)}, {number(summary.high)}]"


def printed_of(cell: FilledCell, measure: Measure, printed: Printed) -> str:
    """The paper's number of a cell."""
    value = printed.value(measure.name, cell.task, cell.row)
    if value is None:
        return _NOTHING
    return " ± ".join(map(str, value))


def number(value: float) -> str:
    """A number to a tenth, small ones to three significant digits."""
    if value == 0.0 or abs(value) >= 10.0:
        return f"{value:.1f}"
    return f"{value:.3g}"


def missing_line(cells: Sequence[FilledCell]) -> str:
    """A line on what the study plans and has not finished."""
    left = [cell for cell in cells if len(cell.runs) + len(cell.diverged) < cell.wanted]
    if not left:
        return "Nothing is missing."
    runs = sum(cell.wanted - len(cell.runs) - len(cell.diverged) for cell in left)
    untouched = [cell for cell in left if not cell.runs]
    return f"Missing: {runs} runs; {len(untouched)} of {_planned(cells)} cells have none yet."


def _planned(cells: Sequence[FilledCell]) -> int:
    return sum(cell.wanted > 0 for cell in cells)


def _has_fractions(cells: Sequence[FilledCell], measures: Sequence[Measure]) -> bool:
    return any(
        is_fraction(run, measure) for cell in cells for run in cell.runs[:1] for measure in measures
    )
