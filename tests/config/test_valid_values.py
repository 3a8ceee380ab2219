"""Valid values of settings: every field states them, and each kind of bad value is one line."""

import dataclasses
from dataclasses import dataclass, fields, is_dataclass

import pytest

from gpae.config.schema import Config
from gpae.errors import UnknownNameError, UserError
from gpae.fields import (
    check_fields,
    choice,
    described_values,
    fraction,
    not_negative,
    positive,
    positive_fraction,
    positive_or_infinite,
    valid_values,
    whole,
    whole_or_auto,
)
from gpae.methods import METHODS
from gpae.registry import Registry

INFINITE, NAN = float("inf"), float("nan")

ANY = ("run.folder", "run.root", "method.name")
"""Texts that are free: folders, and the name that decides the class."""


def groups():
    """Every dataclass of settings with the part of its settings' names before the dot."""
    config = Config()
    yield "", config
    yield from (
        (each.name, value)
        for each in fields(config)
        if is_dataclass(value := getattr(config, each.name))
    )
    yield from (("method", METHODS[name]()) for name in METHODS)


def settings(*kinds):
    """Parameters (group, settings, field) of every setting of these types."""
    found = [
        pytest.param(group, values, field, id=f"{group}-{getattr(values, 'name', '')}-{field.name}")
        for group, values in groups()
        for field in fields(values)
        if type(getattr(values, field.name)) in kinds and f"{group}.{field.name}" not in ANY
    ]
    return pytest.mark.parametrize(("group", "values", "field"), found)


def refused(group, values, field, value):
    """The line that refuses a value."""
    with pytest.raises(UserError) as caught:
        check_fields(dataclasses.replace(values, **{field.name: value}), group)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@settings(int, float, str)
def test_every_number_and_name_states_its_valid_values(group, values, field):
    assert valid_values(field) is not None
    assert described_values(field)


@pytest.mark.parametrize(("group", "values"), list(groups()))
def test_defaults_are_valid(group, values):
    check_fields(values, group)


@settings(int, float)
@pytest.mark.parametrize("value", [-1.0, NAN, -INFINITE])
def test_a_number_out_of_range_is_refused_by_its_name(group, values, field, value):
    name = f"{group}.{field.name}".lstrip(".")
    line = refused(group, values, field, value)
    assert line == f"{name}={value} must be {described_values(field)}"


@settings(str)
def test_an_unknown_name_is_refused_with_those_there_are(group, values, field):
    line = refused(group, values, field, "no-such-name")
    wrong = "must be" if valid_values(field).names is None else "is not known; it is one of"
    assert line.startswith(f"{group}.{field.name}=no-such-name {wrong} ")
    assert line.endswith(described_values(field))


KINDS = [
    (whole(3, 1), "a whole number from 1 up", [1, 3, 1e6], [0, -1, 1.5, INFINITE, NAN]),
    (whole(3, 0, 5), "a whole number from 0 to 5", [0, 5], [6, -1, 0.5, INFINITE, NAN]),
    (fraction(0.5), "from 0 to 1", [0.0, 0.5, 1.0], [-0.01, 1.01, INFINITE, NAN]),
    (positive_fraction(0.5), "above 0 and at most 1", [0.01, 1.0], [0.0, 1.01, -1.0, NAN]),
    (positive(0.5), "positive and finite", [1e-9, 1e9], [0.0, -1.0, INFINITE, NAN]),
    (positive_or_infinite(0.5), "positive", [1e-9, INFINITE], [0.0, -1.0, -INFINITE, NAN]),
    (whole_or_auto(), "auto, or a whole number from 1 up", ["auto", "1", "32"], ["0", "-1", "1.5"]),
    (not_negative(0.5), "finite and not negative", [0.0, 1e9], [-1e-9, INFINITE, NAN]),
]


@pytest.mark.parametrize(("field", "description", "good", "bad"), KINDS)
def test_each_kind_of_value(field, description, good, bad):
    kind = dataclasses.make_dataclass("Settings", [("size", float, field)])
    assert described_values(fields(kind)[0]) == description
    for value in good:
        check_fields(kind(value))
    for value in bad:
        with pytest.raises(UserError) as caught:
            check_fields(kind(value), "lab")
        assert str(caught.value) == f"lab.size={value} must be {description}"


@dataclass
class Painted:
    shade: str = choice("light", ("light", "dark"))


def test_a_choice_names_the_close_and_all_names():
    check_fields(Painted("dark"))
    line = r"^shade=lihgt is not known \(did you mean light\?\); it is one of light, dark$"
    with pytest.raises(UserError, match=line) as caught:
        check_fields(Painted("lihgt"))
    assert type(caught.value) is UserError, "no module can add a shade"


def test_a_choice_from_a_registry_grows_with_it():
    registry = Registry("colour")
    registry.register("red")(1)
    kind = dataclasses.make_dataclass("Painted", [("colour", str, choice("red", registry))])
    with pytest.raises(UnknownNameError, match=r"colour=blue is not known; it is one of red$"):
        check_fields(kind("blue"))
    registry.register("blue")(2)
    check_fields(kind("blue"))
    assert described_values(fields(kind)[0]) == "red, blue"
