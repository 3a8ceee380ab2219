"""The package's data, versions and release notes agree, before anything is built."""

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

import gpae
from gpae.extras import EXTRAS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def script():
    """The scripts that a release runs, as modules."""

    def load(name):
        path = ROOT / f".ci/{name}.py"
        specification = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="module")
def notes(script):
    return script("notes").notes


def packaged():
    """Every file that the patterns of the package's data take."""
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["gpae"]
    return {path for pattern in patterns for path in (ROOT / "src/gpae").glob(pattern)}


def test_the_wheel_takes_every_file_of_the_package():
    command = ["git", "-C", str(ROOT), "ls-files", "src/gpae"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    data = {ROOT / name for name in listed.splitlines() if not name.endswith(".py")}
    assert {path.name for path in data} >= {"py.typed", "config.yaml", "card.json"}
    assert data - packaged() == set()


def test_every_folder_with_code_is_a_package():
    folders = {path.parent for path in (ROOT / "src/gpae").rglob("*.py")}
    assert {folder for folder in folders if not (folder / "__init__.py").exists()} == set()


def test_the_version_is_the_same_everywhere():
    version = PROJECT["project"]["version"]
    assert version == gpae.__version__
    assert version == str(yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"])


def test_the_changelog_has_dated_notes_on_this_version(notes):
    text = notes((ROOT / "CHANGELOG.md").read_text(), gpae.__version__)
    assert text.startswith("### Added\n- ")
    assert not re.search(r"^## ", text, re.M)


def test_notes_end_where_the_next_version_begins(notes):
    changelog = "# C\n\n## [0.2.0], 2027-01-02\n\n- new\n\n## [0.1.0], 2026-11-28\n\n- old\n"
    assert notes(changelog, "0.2.0") == "- new\n"
    assert notes(changelog, "0.1.0") == "- old\n"


@pytest.mark.parametrize("heading", ["## [0.2.0], not released yet", "## [0.2.0]", "## 0.2.0"])
def test_a_version_without_a_date_is_not_released(notes, heading):
    with pytest.raises(SystemExit, match=r"has no line '## \[0.2.0\], YYYY-MM-DD'"):
        notes(f"# C\n\n{heading}\n\n- new\n", "0.2.0")


def test_every_extra_is_tried_from_the_wheel(script):
    tried = script("smoke").tried()
    assert {"core", "train", "smax", "mabrax", "search", "torch"} <= set(tried)
    assert set(tried) - {"core"} <= set(EXTRAS)


@pytest.mark.parametrize("name", ["ci.yml", "release.yml"])
def test_a_workflow_has_few_rights_by_default(name):
    workflow = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert all("runs-on" in job for job in workflow["jobs"].values())
