"""The page: one HTML file that holds its styles, its scripts and its data."""

import html
import json
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from gpae.errors import UserError
from gpae.runs.files import disk_errors, write_atomically

SCRIPTS = (
    "data",
    "store",
    "colours",
    "canvas",
    "camera",
    "unit_shapes",
    "scene_units",
    "scene_frames",
    "scene_bars",
    "battle",
    "charts",
    "chart_lines",
    "chart_map",
    "step_table",
    "alternatives",
    "transport",
    "keyboard",
    "controls",
    "main",
)
"""The page's scripts, in the order in which they are joined."""


def render_page(document: dict[str, Any]) -> str:
    """The page that shows a document; it asks for nothing from anywhere.

    Args:
        document: What :func:`gpae.inspect.document.as_document` returned.
    """
    scripts = "\n".join(_read(f"script/{name}.js") for name in SCRIPTS)
    parts = {
        "title": html.escape(f"{document['task']} · credit inspector"),
        "styles": _read("vendor/uPlot.min.css") + _read("style.css"),
        "library": f"/*\n{_read('vendor/uPlot.LICENSE')}*/\n" + _read("vendor/uPlot.iife.min.js"),
        "script": f'(() => {{\n"use strict";\n{scripts}}})();\n',
        "data": json.dumps(document, allow_nan=False).replace("<", "\\u003c"),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], _read("template.html"))


def require_page(path: Path, *, force: bool) -> None:
    """Refuse a page that could not be written, before anything is computed.

    Args:
        path: The file.
        force: Whether to replace it if it exists.

    Raises:
        UserError: It is no HTML file by its name, it exists, or its folder cannot be written to.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"{path}: the page must be a file whose name ends with .html")
    if path.is_dir() or (path.exists() and not force):
        raise UserError(f"{path} exists already: --force replaces it")
    folder = next(each for each in path.absolute().parents if each.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise UserError(f"cannot write {path}: {folder} is no folder that can be written to")


def write_page(document: dict[str, Any], path: Path) -> None:
    """Write the page to a file.

    Args:
        document: What :func:`gpae.inspect.document.as_document` returned.
        path: The file; its folder is made if missing.

    Raises:
        UserError: It could not be written.
    """
    with disk_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, render_page(document).encode())


def document_of(page: str) -> dict[str, Any]:
    """The document that a page shows.

    Args:
        page: What :func:`render_page` returned.
    """
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    if found is None:
        raise ValueError("page: holds no data")
    document: dict[str, Any] = json.loads(found[1])
    return document


def _read(name: str) -> str:
    return files("gpae.inspect").joinpath("page_files", name).read_text()
