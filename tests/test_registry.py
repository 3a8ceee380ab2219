"""Named entries: added by a decorator, found by name, loaded from other packages."""

import sys
from importlib.metadata import EntryPoint

import pytest

import gpae.registry
from gpae.errors import UserError
from gpae.registry import Registry


@pytest.fixture
def colours():
    registry = Registry("colour")
    registry.register("red")(1)
    registry.register("green")(2)
    return registry


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """A registry in a module, and what installing another package's module as a plugin does."""
    monkeypatch.syspath_prepend(tmp_path)
    registry, found = Registry("colour", entry_points="test.colours"), []
    monkeypatch.setattr(
        gpae.registry, "entry_points", lambda group: found if group == "test.colours" else []
    )
    monkeypatch.setitem(sys.modules, "colour_registry", registry)

    def install(module, text):
        (tmp_path / f"{module}.py").write_text(f"import colour_registry as registry\n{text}")
        found.append(EntryPoint(name="plugin", value=module, group="test.colours"))

    registry.register("red")(1)
    return registry, install


def test_entries_are_found_by_name_in_the_order_of_registration(colours):
    assert colours.names() == tuple(colours) == ("red", "green")
    assert colours["green"] == 2
    assert "red" in colours
    assert "blue" not in colours


def test_the_decorator_gives_back_what_it_registers(colours):
    @colours.register("blue")
    class Blue:
        pass

    assert colours["blue"] is Blue


def test_an_unknown_name_is_one_line_with_the_close_and_all_known_names(colours):
    with pytest.raises(
        UserError, match=r"^no colour 'gren' \(did you mean green\?\); there are: red, green$"
    ):
        colours["gren"]


def test_a_name_belongs_to_one_entry(colours):
    with pytest.raises(UserError, match="there is a colour 'red' already"):
        colours.register("red")(3)
    assert colours["red"] == 1
    colours.register("red")(1)


def test_another_package_adds_entries_by_an_entry_point(installed):
    registry, install = installed
    install("lab_colours_1", "registry.register('blue')(7)")
    assert registry["red"] == 1
    assert "lab_colours_1" not in sys.modules, "a known name needs no plugin"
    assert registry["blue"] == 7
    assert registry.names() == ("red", "blue")


def test_all_entries_include_those_of_other_packages_and_are_loaded_once(installed):
    registry, install = installed
    install("lab_colours_2", "registry.register('blue')(7)")
    assert list(registry) == ["red", "blue"]
    install("lab_colours_3", "registry.register('late')(8)")
    assert list(registry) == ["red", "blue"]


def test_a_broken_package_is_named_only_to_those_who_need_it(installed):
    registry, install = installed
    install("lab_colours_4", "import there_is_no_such_module")
    assert registry["red"] == 1
    with pytest.raises(UserError, match=r"plugin.*lab_colours_4.*no_such_module"):
        registry["blue"]
