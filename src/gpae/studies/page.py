"""The page of the paper's claims beside what was measured.

``python -m gpae.studies.page > docs/reproduction.md`` writes the page, from the repository's root.
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from gpae.studies.archive import ArchivedRun, read_archive
from gpae.studies.cells import FilledCell
from gpae.studies.declaration import Study, find_study, study_names
from gpae.studies.outputs import PROFILES, cells_of, with_grid
from gpae.studies.overhead import overhead_percent
from gpae.studies.printed import Printed, printed_numbers
from gpae.studies.seeds import comparison_lines
from gpae.studies.tables import (
    interval_of,
    missing_line,
    number,
    printed_of,
    seeds_of,
    spread_of,
    table_line,
)
from gpae.studies.verdicts import (
    NOT_REPRODUCED,
    NOT_RUN,
    REPRODUCED,
    Comparison,
    comparisons,
    verdict_on_number,
)

_HEAD = """\
# Reproduction

Every claim of the paper that `gpae study` measures, its printed number, and ours. The page is
written by `python -m gpae.studies.page` from [`results/`](../results/README.md), and a test
compares the two.

A cell has the runs of one configuration, one set of rules and one revision of the code; runs that
differ have rows of their own. *Ours* is the mean and the sample standard deviation over seeds: of
the last evaluation, on separate episodes, for performance and win rates (in per cent), of the
whole run for what training measures. *IQM* is the interquartile mean with its 95 % stratified
bootstrap interval. *P* is the probability that a run of the first row is better than one of the
second, with its 95 % bootstrap interval. A run that diverged is counted, and is in no mean.

- **reproduced**: all seeds planned have ended at full size, and the printed mean is within two
  standard deviations (printed and ours together); or, for a comparison, the whole interval of P
  lies above a half.
- **not reproduced**: all seeds have ended, and it is not so.
- **not yet at full size**: some seeds have ended; the numbers are what there is.
- **not run yet**: no run has ended.

Learning rate, window length and more are not published for the tables; what each row sets stands in
the study's file under `src/gpae/studies/declared/`. *Controls* are rows that the paper does not
have. Earlier, smaller looks: [results](../results/README.md).
"""


def page(root: Path) -> str:
    """The whole page as Markdown.

    Args:
        root: The repository.

    Raises:
        UserError: A result is damaged.
    """
    archive = read_archive(root / "results")
    parts = [_HEAD]
    for name in study_names():
        study = find_study(name)
        if study.reads is not None:
            parts.append(_benchmark(name, study, root))
        elif study.runs_of is None:
            parts.append(_study(name, study, archive, root))
        else:
            parts.append(_picture(name, study, archive, root))
    return "\n".join(parts)


def _study(name: str, study: Study, archive: Sequence[ArchivedRun], root: Path) -> str:
    cells = cells_of(name, study, archive, None, 1.0)
    printed = printed_numbers(study.printed)
    lines = [*_heading(name, study), *_numbers(study, cells, printed), missing_line(cells), ""]
    lines += [*_claims(study, cells), *comparison_lines(study, cells)]
    return "\n".join([*lines, *_profile_picture(name, study, root)])


def _profile_picture(name: str, study: Study, root: Path) -> Iterator[str]:
    picture = Path("results") / Path(name).stem / PROFILES
    if (root / picture).exists():
        yield f"![{study.title}: performance profiles](../{picture.as_posix()})"
        yield ""


def _heading(name: str, study: Study) -> Iterator[str]:
    yield f"## {study.title}"
    yield ""
    yield f"{study.claim} `gpae study {name}`"
    if study.suites:
        yield (
            f"({study.total_env_steps:,.0f} env steps, evaluated every "
            f"{study.evaluation_interval:,.0f}; {study.seeds} seeds)"
        )
    yield ""


def _numbers(study: Study, cells: Sequence[FilledCell], printed: Printed) -> Iterator[str]:
    """A table of each measure: the cells with runs, and those that the paper has a number for."""
    for measure in study.measures:
        shown = [
            cell
            for cell in cells
            if cell.runs or cell.diverged or printed.value(measure.name, cell.task, cell.row)
        ]
        if not shown:
            continue
        yield f"*{measure.name}*" + (
            f", {printed.source}" if measure.name in printed.values else ""
        )
        yield ""
        yield "| task | row | seeds | env steps | ours | IQM [95 %] | printed | verdict |"
        yield "|---|---|---:|---:|---:|---:|---:|---|"
        for cell in shown:
            verdict = verdict_on_number(cell, measure, printed)
            yield table_line(
                cell.task,
                cell.row + (" (control)" if cell.control else ""),
                seeds_of(cell),
                f"{cell.env_steps:,}",
                spread_of(cell, measure),
                interval_of(cell, measure),
                printed_of(cell, measure, printed),
                verdict or "-",
            )
        yield ""


def _claims(study: Study, cells: Sequence[FilledCell]) -> Iterator[str]:
    """A table of the comparisons, those without runs counted."""
    if not study.claims:
        return
    yield "| claim | task | rows | P [95 %] | verdict |"
    yield "|---|---|---|---:|---|"
    for text, group in groupby(comparisons(study, cells), key=lambda each: each.claim.text):
        pairs = list(group)
        begun = [pair for pair in pairs if pair.is_begun]
        for pair in begun:
            yield _comparison(pair)
        if rest := len(pairs) - len(begun):
            yield table_line(text, "", f"{rest} pairs", "-", NOT_RUN)
    yield ""


def _comparison(pair: Comparison) -> str:
    middle, low, high = pair.probability
    sign = "<" if pair.claim.smaller else ">"
    return table_line(
        pair.claim.text,
        pair.task,
        f"{pair.one.row} ({spread_of(pair.one, pair.measure)}) {sign} "
        f"{pair.other.row} ({spread_of(pair.other, pair.measure)})",
        f"{middle:.2f} [{low:.2f}, {high:.2f}]",
        pair.verdict,
    )


def _picture(name: str, study: Study, archive: Sequence[ArchivedRun], root: Path) -> str:
    cells = cells_of(name, with_grid(study), archive, None, 1.0)
    picture = Path("results") / name / "curves.png"
    lines = [*_heading(name, study)]
    if (root / picture).exists():
        lines += [f"![{study.title}](../{picture.as_posix()})", ""]
    begun = sum(1 for cell in cells if cell.runs and not cell.control)
    planned = sum(1 for cell in cells if not cell.control)
    lines += [f"Runs of `{study.runs_of}`: {begun} of {planned} cells have some.", ""]
    return "\n".join(lines)


def _benchmark(name: str, study: Study, root: Path) -> str:
    path = root / str(study.reads)
    printed = printed_numbers(study.printed)
    lines = [*_heading(name, study)]
    lines += [f"`{study.command}`, [`{study.reads}`](../{study.reads}).", ""]
    lines += ["| method | ours | printed | verdict |", "|---|---:|---:|---|"]
    limit = printed.value("largest overhead", "all tasks", "GPAE")
    assert limit is not None
    for method, percent in overhead_percent(path).items():
        about_gpae = method.startswith("GPAE")
        verdict = REPRODUCED if percent <= limit[0] else NOT_REPRODUCED
        lines.append(
            table_line(
                method,
                f"{number(percent)} %",
                f"at most {limit[0]:g} %" if about_gpae else "-",
                verdict if about_gpae else "-",
            )
        )
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(page(Path.cwd()))
