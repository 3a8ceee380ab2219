"""A notebook as a page: text, code and outputs in Markdown, and its pictures."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def notebook_page(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """Render an executed notebook.

    Args:
        notebook: The file.

    Returns:
        The page in Markdown, and its pictures by their paths relative to it.
    """
    pictures: dict[str, bytes] = {}
    parts = [
        part
        for cell in json.loads(notebook.read_text())["cells"]
        for part in _cell(cell, notebook.stem, pictures)
    ]
    return "\n\n".join(parts) + "\n", pictures


def _cell(cell: dict[str, Any], stem: str, pictures: dict[str, bytes]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield _fenced(source, "python")
    for output in cell["outputs"]:
        data = output.get("data", {})
        if output["output_type"] == "stream" and output["name"] == "stdout":
            yield _fenced("".join(output["text"]), "text")
        elif "image/png" in data:
            path = f"{stem}/{len(pictures)}.png"
            pictures[path] = base64.b64decode("".join(data["image/png"]))
            yield f"![Output of the code above]({path})"
        elif "text/plain" in data:
            yield _fenced("".join(data["text/plain"]), "text")


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"
