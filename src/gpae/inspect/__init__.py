"""The credit inspector: episodes of a run with every agent's credit, as one HTML page."""

from gpae.inspect.document import as_document
from gpae.inspect.inspection import Inspection, InspectSettings, inspect_run
from gpae.inspect.page import render_page, require_page, write_page

__all__ = [
    "InspectSettings",
    "Inspection",
    "as_document",
    "inspect_run",
    "render_page",
    "require_page",
    "write_page",
]
