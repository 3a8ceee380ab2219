"""The notebook of the walkthrough runs, was run as it stands, and becomes a page."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
TOY = DOCS.parent / "tests/session"
NOTEBOOK = DOCS / "walkthrough.ipynb"


def code_cells():
    return [
        cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"
    ]


@pytest.fixture(scope="module")
def notebook_page():
    specification = importlib.util.spec_from_file_location("page", DOCS / "notebook_page.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.notebook_page


def test_its_outputs_are_of_one_run_from_top_to_bottom():
    assert [cell["execution_count"] for cell in code_cells()] == [*range(1, len(code_cells()) + 1)]
    outputs = [output for cell in code_cells() for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data"}
    assert all(output.get("name", "stdout") == "stdout" for output in outputs)


def test_its_page_has_every_cell_and_picture(notebook_page):
    page, pictures = notebook_page(NOTEBOOK)
    assert page.count("```python") == len(code_cells())
    assert "From `pip install` to a team's credit" in page.splitlines()[0]
    assert list(pictures) == ["walkthrough/0.png", "walkthrough/1.png"]
    assert all(contents.startswith(b"\x89PNG") for contents in pictures.values())
    assert all(f"({path})" in page for path in pictures)


def test_a_page_keeps_the_order_of_outputs_and_leaves_warnings_out(notebook_page, tmp_path):
    outputs = [
        {"output_type": "stream", "name": "stderr", "text": ["a warning\n"]},
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]},
        {"output_type": "display_data", "data": {"image/png": "AAEC", "text/plain": ["<Figure>"]}},
        {"output_type": "execute_result", "data": {"text/plain": ["42"]}},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": ["x = 1"], "outputs": outputs},
    ]
    path = tmp_path / "small.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    page, pictures = notebook_page(path)
    parts = ["# Title\ntext", "```python\nx = 1\n```", "```text\none\ntwo\n```"]
    parts += ["![Output of the code above](small/0.png)", "```text\n42\n```"]
    assert page == "\n\n".join(parts) + "\n"
    assert pictures == {"small/0.png": b"\x00\x01\x02"}


@pytest.mark.slow
def test_its_code_runs_at_a_tiny_size():
    size = {
        "task": "toy/beacon",
        "steps": 256,
        "seeds": 1,
        "network": {"hidden_size": 8, "core": "feedforward"},
        "rollout": {"environments": 8, "steps": 8},
        "credit": {"states": 4, "repetitions": 2, "samples": 2},
    }
    settings = {
        "WALKTHROUGH": json.dumps(size),
        "MPLBACKEND": "Agg",
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_NUM_CPU_DEVICES": "1",
        "PYTHONPATH": os.pathsep.join([str(TOY), *sys.path]),
    }
    code = "import toy_task\n" + "\n".join("".join(cell["source"]) for cell in code_cells())
    command = [sys.executable, "-W", "ignore", "-c", code]
    result = subprocess.run(
        command,
        cwd=DOCS,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (result.returncode, result.stderr) == (0, "")
    printed = result.stdout.splitlines()
    assert printed[0].startswith("256 env steps, ")
    assert "P(a run of GPAE scores higher)" in result.stdout
    assert printed[-1] == "smax/3m"
