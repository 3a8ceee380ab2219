"""Methods by name: the base class of every method, and the decorator that registers one."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

from gpae.registry import Registry


@dataclass(frozen=True)
class Table1Row:
    """A method's row of the paper's Table 1, with its source.

    Attributes:
        credit: Reach of an agent's own credit: ``none``, ``1-step``, ``n-step``, or ``implicit``
            where there are no advantages.
        off_policy: Whether its source defines it for data of older policies.
        additional_bias: Whether it stays biased with lambda = 1 and an exact critic; None where
            there is no lambda.
        source: The publication that the method comes from.
        note: A qualification of the columns.
    """

    credit: str
    off_policy: bool
    additional_bias: bool | None
    source: str
    note: str = ""


@dataclass
class Method:
    """A method: its fields are its settings, ``method.NAME`` on the command line.

    A subclass is a dataclass whose ``name`` has the method's name as its default, registered with
    :func:`register_method`. Fields made with :mod:`gpae.fields` state their valid values, and the
    docstring's ``Attributes`` their meaning.

    Attributes:
        name: The method's name.
    """

    name: str = ""

    family: ClassVar[str]
    """The learner that trains it: ``policy_gradient`` or ``q_learning``."""

    table1: ClassVar[Table1Row]
    """Its row of Table 1."""

    defaults: ClassVar[Mapping[str, Any]] = {}
    """Values of settings outside ``method`` by dotted name, which go before a preset's."""

    unused_settings: ClassVar[frozenset[str]] = frozenset()
    """Settings by dotted name, or whole groups, that it has no use for: they are refused."""

    def cautions(self) -> list[str]:
        """Combinations of its settings that are allowed but known to go wrong, a line each."""
        return []


METHODS: Registry[type[Method]] = Registry("method", entry_points="gpae.methods")
"""Every method's class by its name."""

MethodClass = TypeVar("MethodClass", bound=type[Method])


def register_method(method: MethodClass) -> MethodClass:
    """Class decorator that registers a method under its name, for training by name.

    Raises:
        TypeError: The class is not a dataclass, has no name of its own or no row of Table 1.
        UserError: Another method has the name.
    """
    is_own = "__dataclass_fields__" in vars(method)
    if not (is_own and issubclass(method, Method)):
        raise TypeError(f"{method.__name__}: expected a dataclass that inherits from a Method")
    name = next(each.default for each in fields(method) if each.name == "name")
    if not name or not isinstance(name, str):
        raise TypeError(f"{method.__name__}: expected the method's name as the default of `name`")
    if not hasattr(method, "table1"):
        raise TypeError(f"{method.__name__}: expected `table1`, its row of Table 1")
    METHODS.register(name)(method)
    return method
