"""Registered methods: each says in its class all that the rest of the package asks of it."""

import dataclasses
from dataclasses import dataclass, fields

import pytest
from docstring_parser import DocstringStyle, parse

from gpae.config.schema import Config
from gpae.errors import UserError
from gpae.fields import valid_values
from gpae.methods import METHODS, Gpae, Method, Table1Row, register_method
from gpae.training.families import FAMILIES

CREDITS = {"none", "1-step", "n-step", "implicit"}


def every_method():
    return pytest.mark.parametrize("method", [METHODS[name] for name in METHODS])


def documented(kind):
    """The fields that a class and those it inherits from explain."""
    parts = [part for base in kind.__mro__ for part in _attributes(base)]
    return {part.arg_name for part in parts if len(part.description or "") > 10}


def _attributes(kind):
    found = parse(kind.__doc__ or "", DocstringStyle.GOOGLE).params
    return [part for part in found if part.args[0] == "attribute"]


def setting(dotted):
    """The value of a setting in a configuration of defaults; a whole group's too.

    Raises:
        AttributeError: There is no such setting.
    """
    value = Config()
    for name in dotted.split("."):
        value = getattr(value, name)
    return value


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("gpae", ("n-step", True, False)),
        ("mappo", ("none", False, False)),
        ("ippo", ("none", False, False)),
        ("dae", ("n-step", False, True)),
        ("coma", ("1-step", False, False)),
        ("v_bootstrapped", ("n-step", True, False)),
        ("q_corrected", ("n-step", True, False)),
        ("qmix", ("implicit", True, None)),
        ("vdn", ("implicit", True, None)),
    ],
)
def test_table_1(name, row):
    declared = METHODS[name].table1
    assert (declared.credit, declared.off_policy, declared.additional_bias) == row


OURS = "this library"
"""The source of the methods that no publication has."""


def test_every_method_has_a_source_of_its_own_and_ours_say_so():
    sources = {name: METHODS[name].table1.source for name in METHODS}
    ours = {name for name, source in sources.items() if source == OURS}
    assert ours == {"v_bootstrapped", "q_corrected"}
    assert len(set(sources.values()) - {OURS}) == len(METHODS.names()) - len(ours)
    assert all("not the paper's" in METHODS[name].table1.note for name in ours)


@every_method()
def test_the_name_is_the_default_of_its_field(method):
    assert METHODS[method().name] is method


@every_method()
def test_the_row_of_table_1_is_complete(method):
    row = method.table1
    assert row.credit in CREDITS
    assert isinstance(row.off_policy, bool)
    assert row.additional_bias in (True, False, None)
    dated = any(character.isdigit() for character in row.source)
    assert dated or row.source == OURS, "a publication has a year"


@every_method()
def test_a_learner_trains_its_family(method):
    assert method.family in FAMILIES


@every_method()
def test_defaults_are_of_settings_that_exist_and_of_their_type(method):
    for name, value in method.defaults.items():
        assert not name.startswith("method.")
        assert isinstance(value, type(setting(name))), name


@every_method()
def test_unused_settings_exist(method):
    for name in method.unused_settings:
        setting(name)
    assert not method.unused_settings & method.defaults.keys()


@every_method()
def test_every_field_has_a_meaning(method):
    assert {each.name for each in fields(method)} <= documented(method)


@every_method()
def test_every_number_and_name_has_valid_values_with_the_default_among_them(method):
    for each in fields(method):
        if each.name == "name" or isinstance(each.default, bool):
            continue
        valid = valid_values(each)
        assert valid is not None, each.name
        assert valid.contains(each.default), each.name
        assert not valid.contains("no such name" if valid.names else float("nan")), each.name


ROW = Table1Row(credit="none", off_policy=False, additional_bias=None, source="a test, 2026")


def test_registration_gives_back_the_class_and_makes_it_known_by_name(monkeypatch):
    monkeypatch.setattr(METHODS, "_entries", dict(METHODS._entries))

    @dataclass
    class Own(Gpae):
        name: str = "own"

    assert register_method(Own) is Own
    assert METHODS["own"] is Own
    assert METHODS.names()[-1] == "own"
    assert register_method(Own) is Own, "registering it again is no harm"


def test_a_class_that_is_no_dataclass_is_refused():
    class Plain:
        name = "plain"
        table1 = ROW

    with pytest.raises(TypeError, match="Plain: expected a dataclass that inherits from a Method"):
        register_method(Plain)


def test_a_dataclass_that_is_no_method_is_refused():
    stranger = dataclasses.make_dataclass("Stranger", [("name", str, "stranger")])
    with pytest.raises(TypeError, match="Stranger: expected a dataclass that inherits from"):
        register_method(stranger)


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_class_without_a_name_is_refused(name):
    nameless = dataclasses.make_dataclass("Nameless", [("name", str, name)], bases=(Method,))
    nameless.table1 = ROW
    with pytest.raises(TypeError, match="Nameless: expected the method's name as the default"):
        register_method(nameless)


def test_a_class_that_forgets_the_decorator_of_dataclasses_is_refused():
    class Forgetful(Gpae):
        name: str = "forgetful"

    with pytest.raises(TypeError, match="Forgetful: expected a dataclass"):
        register_method(Forgetful)


def test_a_class_without_a_row_of_table_1_is_refused():
    rowless = dataclasses.make_dataclass("Rowless", [("name", str, "rowless")], bases=(Method,))
    with pytest.raises(TypeError, match="Rowless: expected `table1`"):
        register_method(rowless)


def test_a_name_that_is_taken_is_refused_and_its_owner_stays():
    double = dataclasses.make_dataclass("Double", [("name", str, "gpae")], bases=(Gpae,))
    with pytest.raises(UserError, match="there is a method 'gpae' already; register yours under"):
        register_method(double)
    assert METHODS["gpae"] is Gpae
