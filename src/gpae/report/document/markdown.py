"""A report as Markdown, beside its pictures."""

from collections.abc import Iterator, Sequence

from gpae.report.document.contents import Contents
from gpae.report.document.tables import Table


def as_markdown(contents: Contents) -> str:
    """The report as a page of Markdown, whose pictures are the PNG files beside it."""
    return "\n".join(_lines(contents)) + "\n"


def _lines(contents: Contents) -> Iterator[str]:
    yield from (f"# {contents.title}", "", contents.summary, "")
    if contents.notes:
        yield from ("Before comparing:", "")
        yield from (f"- {note}" for note in contents.notes)
        yield ""
    for section in contents.sections:
        yield from (f"## {section.title}", "")
        for picture in section.pictures:
            yield from (f"![{section.title}]({picture.name}.png)", "", picture.caption, "")
        for table in section.tables:
            if table.title != section.title:
                yield from (f"### {table.title}", "")
            yield from (table.caption, "", *_table(table), "")


def _table(table: Table) -> Iterator[str]:
    yield _line(table.columns)
    yield "|" + "---|" * len(table.columns)
    yield from map(_line, table.rows)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
