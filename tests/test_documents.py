"""What readers copy from the documents: commands that can be composed, examples that run."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from gpae.config.compose import compose, expand_sweep

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def code_blocks(page, language):
    """The fenced code of a page, without the indentation that a list gives it."""
    fences = re.findall(r"^( *)```(\w*)\n(.*?)^ *```", page.read_text(), re.S | re.M)
    return [
        re.sub(rf"^{indent}", "", code, flags=re.M)
        for indent, written_in, code in fences
        if written_in == language
    ]


def training_commands():
    """Every `gpae train` in a code block that is complete as it stands."""
    for page in PAGES:
        for line in "".join(code_blocks(page, "")).splitlines():
            whole = "..." not in line and "--import" not in line
            if line.startswith("gpae train") and whole:
                words = shlex.split(line, comments=True)
                yield pytest.param(words[2:], id=f"{page.name}: {line}")


@pytest.mark.parametrize("words", list(training_commands()))
def test_commands_of_the_documents_are_configurations(words):
    overrides = [word for word in words if not word.startswith("-")]
    jobs = expand_sweep(overrides) if "-m" in words else [overrides]
    assert all(compose(job).task_name for job in jobs)


@pytest.mark.parametrize("name", ["README.md", "docs/howto/estimators_alone.md"])
def test_the_estimators_examples_give_each_agent_an_advantage(name):
    *_, example = code_blocks(ROOT / name, "python")
    names = {}
    exec(example, names)
    shape = (names["T"], names["E"], names["N"])
    assert names["advantages"].shape == names["targets"].shape == shape
    assert (names["advantages"][-1] == 1.0).all()


def test_a_run_is_read_as_the_how_to_says(tmp_path, monkeypatch, capsys):
    for seed in (0, 1):
        archived = f"smax-3m_gpae_M1_lr0.002_seed{seed}"
        shutil.copytree(ROOT / "results/first" / archived, tmp_path / f"runs/3m-{seed}")
    monkeypatch.chdir(tmp_path)
    exec("".join(code_blocks(ROOT / "docs/howto/read_a_run.md", "python")), {})
    printed = capsys.readouterr().out
    assert "'name': 'gpae'" in printed
    assert "iqm" in printed
    assert (tmp_path / "all.png").stat().st_size > 0
