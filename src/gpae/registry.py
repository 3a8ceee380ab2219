"""Named entries that a decorator adds, from this package or from another."""

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from gpae.errors import UnknownNameError, UserError, did_you_mean

Entry = TypeVar("Entry")


class Registry(Generic[Entry]):
    """Entries of one kind by name, in the order of registration.

    Another package adds its own by registering them in a module that either the user imports or
    one of its entry points names. Entry points are loaded once, when a name is not known yet or all
    entries are asked for, so a broken one stops nobody who uses what is known.

    Args:
        kind: The noun for an entry in messages, such as ``core``.
        entry_points: The group of entry points whose modules register entries; None for no group.
    """

    def __init__(self, kind: str, entry_points: str | None = None) -> None:
        self.kind = kind
        self._group = entry_points
        self._loaded = entry_points is None
        self._entries: dict[str, Entry] = {}

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Decorator that adds an entry under a name.

        Raises:
            UserError: Another entry has the name.
        """

        def add(entry: Entry) -> Entry:
            if self._entries.setdefault(name, entry) is not entry:
                raise UserError(
                    f"there is a {self.kind} {name!r} already; register yours under another name"
                )
            return entry

        return add

    def __getitem__(self, name: str) -> Entry:
        """The entry of a name.

        Raises:
            UnknownNameError: No entry has the name; the message lists those that exist.
        """
        if name not in self:
            known = ", ".join(self._entries) or "none"
            raise UnknownNameError(
                f"no {self.kind} {name!r}{did_you_mean(name, self._entries)}; there are: {known}"
            )
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        """True if an entry has the name."""
        if name not in self._entries:
            self._load_entry_points()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of registration."""
        return iter(self.names())

    def registered(self) -> dict[str, Entry]:
        """The entries so far by name, without those that entry points have still to add."""
        return dict(self._entries)

    def names(self) -> tuple[str, ...]:
        """The names, in the order of registration."""
        self._load_entry_points()
        return tuple(self._entries)

    def _load_entry_points(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        for entry_point in entry_points(group=str(self._group)):
            self._load(entry_point)

    def _load(self, entry_point: EntryPoint) -> None:
        try:
            entry_point.load()
        except UserError:
            raise
        except Exception as error:
            source = entry_point.dist.name if entry_point.dist else entry_point.value
            raise UserError(
                f"the {self.kind} {entry_point.name!r} of the installed package {source} cannot be "
                f"imported: {error}"
            ) from error
