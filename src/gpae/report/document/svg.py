"""Figures as SVG: the same bytes each time, and for a page whose colours may be dark."""

import io
import re
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

_FONTS = ["DejaVu Sans", "Helvetica", "Arial", "sans-serif"]


def as_svg(figure: Figure) -> str:
    """A figure as a file of its own, on white; letters remain letters."""
    return _rendered(figure, transparent=False)


def as_embedded_svg(figure: Figure, description: str) -> str:
    """A figure as an element of a page: transparent, and what is black has the text's colour.

    Args:
        figure: The figure.
        description: Its contents in words, for those who do not see it.
    """
    svg = _rendered(figure, transparent=True)
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.S)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = svg.replace("#000000", "currentColor")
    width, height = (float(size) for size in re.findall(r'(?:width|height)="([\d.]+)pt"', svg)[:2])
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    start = f'<svg role="img" aria-label="{_escaped(description)}" '
    return start + f'style="max-width:{width:.0f}pt;aspect-ratio:{width / height:.4f}"' + svg[4:]


def _rendered(figure: Figure, *, transparent: bool) -> str:
    stream = io.BytesIO()
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": "gpae", "font.sans-serif": _FONTS}
    with rc_context(settings):
        figure.savefig(stream, format="svg", transparent=transparent, metadata={"Date": None})
    return stream.getvalue().decode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
