"""A report as one page of HTML that needs nothing else: no server, no network, no other file."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from gpae.report.document.contents import Contents, Picture
from gpae.report.document.svg import as_embedded_svg
from gpae.report.document.tables import Table

_STYLE = """\
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --line: #d0d7de;
  --page: #ffffff; --shade: #f6f8fa; --note: #fff8e1; --mark: #b7791f; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --soft: #9aa4af; --line: #30363d; --page: #0d1117; --shade: #161b22;
    --note: #2a2415; --mark: #d9a53f; }
  figure svg { filter: brightness(1.3); } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 72rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .8rem; padding-bottom: .3rem;
  border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1.8rem 0 .4rem; }
nav a { color: inherit; margin-right: 1rem; text-underline-offset: .2em; }
nav, figcaption, .caption { color: var(--soft); font-size: .92rem; }
aside { background: var(--note); border-left: 4px solid var(--mark); padding: .7rem 1.1rem;
  margin: 1.4rem 0; border-radius: 4px; }
aside ul { margin: .3rem 0 0; padding-left: 1.2rem; }
figure { margin: 1.2rem 0; overflow-x: auto; }
figure svg { display: block; width: 100%; min-width: 30rem; height: auto; margin: 0 auto .4rem;
  fill: currentColor; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .38rem .6rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th { background: var(--shade); font-weight: 600; }
td.number, th.number { text-align: right; }
td.name { white-space: normal; min-width: 10rem; }
@media print { h2 { break-after: avoid; } figure { break-inside: avoid; } }
"""


def as_page(contents: Contents) -> str:
    """The report as a page of HTML with its pictures in it, for light and dark screens."""
    return "\n".join(_lines(contents)) + "\n"


def _lines(contents: Contents) -> Iterator[str]:
    yield from (
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(contents.title)}</title>",
        f"<style>\n{_STYLE}</style></head>",
        "<body><main>",
        f"<h1>{escape(contents.title)}</h1>",
        f"<p>{escape(contents.summary)}</p>",
    )
    links = (
        f'<a href="#{_anchor(section.title)}">{section.title}</a>' for section in contents.sections
    )
    yield f"<nav>{''.join(links)}</nav>"
    yield from _notes(contents.notes)
    for section in contents.sections:
        yield f'<h2 id="{_anchor(section.title)}">{escape(section.title)}</h2>'
        for picture in section.pictures:
            yield from _picture(picture)
        for table in section.tables:
            if table.title != section.title:
                yield f"<h3>{escape(table.title)}</h3>"
            yield from _table(table)
    yield "</main></body></html>"


def _notes(notes: Sequence[str]) -> Iterator[str]:
    if notes:
        items = "".join(f"<li>{escape(note)}</li>" for note in notes)
        yield f"<aside><strong>Before comparing</strong><ul>{items}</ul></aside>"


def _picture(picture: Picture) -> Iterator[str]:
    svg = as_embedded_svg(picture.figure, picture.caption)
    yield f"<figure>{svg}<figcaption>{escape(picture.caption)}</figcaption></figure>"


def _table(table: Table) -> Iterator[str]:
    kinds = [_kind(table, column) for column in range(len(table.columns))]
    yield f'<p class="caption">{escape(table.caption)}</p>'
    yield f'<div class="wide"><table><thead>{_row("th", table.columns, kinds)}</thead><tbody>'
    yield from (_row("td", row, kinds) for row in table.rows)
    yield "</tbody></table></div>"


def _kind(table: Table, column: int) -> str:
    """The class of a column: of names, which may take several lines, of numbers, or none."""
    if table.columns[column] in ("method", "over"):
        return ' class="name"'
    is_number = all(re.match(r"-?\d|-$|not ", row[column]) for row in table.rows)
    return ' class="number"' if is_number and table.columns[column] != "folder" else ""


def _row(tag: str, cells: Sequence[str], kinds: Sequence[str]) -> str:
    filled = (
        f"<{tag}{kind}>{escape(cell)}</{tag}>" for cell, kind in zip(cells, kinds, strict=True)
    )
    return f"<tr>{''.join(filled)}</tr>"


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
