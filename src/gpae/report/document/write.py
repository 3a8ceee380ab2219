"""The files of a report: pictures, Markdown, CSV, and one page of HTML."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from gpae.report.document.contents import Contents, contents_of
from gpae.report.document.entries import load_comparison
from gpae.report.document.markdown import as_markdown
from gpae.report.document.page import as_page
from gpae.report.document.svg import as_svg
from gpae.report.document.tables import Record
from gpae.runs.files import disk_errors, write_atomically


def write_report(
    folders: Sequence[Path],
    output: Path,
    *,
    title: str = "Comparison of runs",
    metric: str | None = None,
    mode: str | None = None,
    thresholds: Sequence[float] = (),
    renamed: Mapping[str, str] | None = None,
) -> list[Path]:
    """Report on runs: ``report.html``, ``report.md``, and each picture and table on its own.

    Args:
        folders: Run folders.
        output: The folder to write to; files of an earlier report are replaced.
        title: The report's title.
        metric: The metric; by default each task's headline.
        mode: Evaluation mode, ``greedy`` or ``sampled``; None for greedy if a run has it.
        thresholds: Scores for the environment steps to a score; chosen by the task if empty.
        renamed: Names of one's own for methods, by the names that the report gives them.

    Returns:
        The files written, the page first.

    Raises:
        UserError: As for :func:`~gpae.report.document.entries.load_comparison`, or a file cannot be
            written.
    """
    comparison = load_comparison(folders, metric, mode, renamed)
    contents = contents_of(comparison, title, thresholds)
    written = []
    with disk_errors(f"write to {output}"):
        output.mkdir(parents=True, exist_ok=True)
        for name, made in _files(contents):
            write_atomically(output / name, made)
            written.append(output / name)
    return written


def _files(contents: Contents) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of all files."""
    yield "report.html", as_page(contents).encode()
    yield "report.md", as_markdown(contents).encode()
    for section in contents.sections:
        for picture in section.pictures:
            yield f"{picture.name}.png", _as_png(picture.figure)
            yield f"{picture.name}.svg", as_svg(picture.figure).encode()
        for table in section.tables:
            yield f"{table.name}.csv", _as_csv(table.records)
    for name, records in contents.data.items():
        yield f"{name}.csv", _as_csv(records)


def _as_png(figure: Figure) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()


def _as_csv(records: Sequence[Record]) -> bytes:
    """Numbers in full; an empty file for no records."""
    stream = io.StringIO()
    if records:
        writer = csv.DictWriter(stream, list(records[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    return stream.getvalue().encode()
