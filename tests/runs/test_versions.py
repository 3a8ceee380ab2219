import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import gpae
from gpae.runs import changed_versions, versions
from gpae.runs.versions import git_commit


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    package = tmp_path / "src" / "package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    return package


def test_versions_are_those_installed() -> None:
    found = versions(smax_rules="0.1")
    assert found["gpae"] == gpae.__version__
    assert found["jax"] == metadata.version("jax")
    assert found["orbax"] == metadata.version("orbax-checkpoint")
    assert found["python"].split(".") == [str(part) for part in sys.version_info[:3]]
    assert found["smax_rules"] == "0.1"
    assert found["platform"]["cores"] == os.cpu_count()
    assert json.loads(json.dumps(found)) == found


def test_an_absent_distribution_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    assert versions()["brax"] is None


def test_importing_runs_and_reports_leaves_jax_alone() -> None:
    script = (
        "import sys, gpae.runs, gpae.report.curves, gpae.report.marl_eval\n"
        "gpae.runs.versions()\n"
        "print([m for m in ('jax', 'orbax', 'flax', 'jaxmarl') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


def test_the_commit_of_a_checkout(checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    assert git_commit(checkout) == {"commit": commit, "dirty": False}
    (checkout / "untracked.py").write_text("")
    assert git_commit(checkout) == {"commit": commit, "dirty": False}
    (checkout / "__init__.py").write_text("x = 1")
    assert git_commit(checkout) == {"commit": commit, "dirty": True}


def test_another_projects_checkout_is_not_reported(checkout: Path) -> None:
    installed = checkout / ".venv" / "site-packages" / "package"
    installed.mkdir(parents=True)
    assert git_commit(installed) is None


def test_outside_a_checkout_there_is_no_commit(tmp_path: Path) -> None:
    assert git_commit(tmp_path) is None


def test_changed_versions_are_named() -> None:
    old = {"jax": "0.1", "numpy": "2.0", "brax": None}
    new = {"jax": "0.2", "numpy": "2.0", "brax": "0.14"}
    assert changed_versions(old, new) == ["brax: None -> 0.14", "jax: 0.1 -> 0.2"]
    assert changed_versions(old, old) == []
