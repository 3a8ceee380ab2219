"""The rooms of the house import only rooms above them (CONTRIBUTING.md)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src/gpae"
ROOMS = (
    "estimators",
    "exact",
    "torch",
    "environments",
    "kernels",
    "networks",
    "methods",
    "training",
    "loggers",
    "config",
    "credit",
    "zoo",
    "runs",
    "episodes",
    "report",
    "search",
    "studies",
    "inspect",
    "library",
    "cli",
)
"""From the top down; modules of one file beside them are the foundation that all may stand on."""

ALONE = ("estimators",)
"""Rooms that import nothing else of gpae, not even the foundation."""

PARTS = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
PARTS |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
FOUNDATION = {part for part in PARTS if (PACKAGE / f"{part}.py").exists()} - set(ROOMS)


def files_of(room):
    """The files of a room: of a folder, or of a module."""
    folder = PACKAGE / room
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]


def imported_modules(source, package):
    """The dotted names that a module's source imports, wherever the import stands in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1]
            module = ".".join([*(base if node.level else []), *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imported_parts(file):
    """The parts of gpae that a file imports: ``networks``, ``errors``."""
    package = ".".join(("gpae", *file.relative_to(PACKAGE).parent.parts))
    for module in imported_modules(file.read_text(), package):
        root, _, rest = module.partition(".")
        part = rest.partition(".")[0]
        if root == "gpae" and part in PARTS:
            yield part


def test_every_folder_is_a_room_of_the_list():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders <= set(ROOMS)


@pytest.mark.parametrize("room", [room for room in ROOMS if room in PARTS])
def test_a_room_imports_only_rooms_above_it(room):
    above = set() if room in ALONE else {*FOUNDATION, *ROOMS[: ROOMS.index(room)]}
    wrong = [
        f"{file.relative_to(PACKAGE)} imports gpae.{part}"
        for file in files_of(room)
        for part in imported_parts(file)
        if part not in {room, *above}
    ]
    assert wrong == []


@pytest.mark.parametrize("module", sorted(FOUNDATION))
def test_the_foundation_imports_no_room(module):
    (file,) = files_of(module)
    assert set(imported_parts(file)) <= FOUNDATION


def test_nothing_in_the_package_imports_the_benchmarks():
    for file in PACKAGE.rglob("*.py"):
        assert not any(
            module.split(".")[0] == "benchmarks"
            for module in imported_modules(file.read_text(), "gpae")
        )


@pytest.mark.parametrize(
    ("source", "package", "modules"),
    [
        ("import gpae.runs.folder", "gpae", ["gpae.runs.folder"]),
        ("from gpae import runs, report", "gpae", ["gpae.runs", "gpae.report"]),
        ("from gpae.runs import folder as f", "gpae", ["gpae.runs.folder"]),
        ("from ..runs import folder", "gpae.report", ["gpae.runs.folder"]),
        ("from . import folder", "gpae.runs", ["gpae.runs.folder"]),
        ("def late():\n    from gpae import cli", "gpae", ["gpae.cli"]),
    ],
)
def test_imports_are_found_however_they_are_written(source, package, modules):
    assert list(imported_modules(source, package)) == modules
