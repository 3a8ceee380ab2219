"""The teams of the zoo, each a folder beside this file."""

from pathlib import Path

from gpae.errors import UserError, did_you_mean
from gpae.zoo.cards import CARD, Card

_HOME = Path(__file__).parent
_PREFIX = "zoo"


def names() -> list[str]:
    """Names of all teams, in order, such as ``zoo/smax-3m-gpae``."""
    return sorted(f"{_PREFIX}/{card.parent.name}" for card in _HOME.glob(f"*/{CARD}"))


def cards() -> dict[str, Card]:
    """The card of every team, by its name."""
    return {name: Card.read(_folder(name) / CARD) for name in names()}


def located(path: str | Path) -> Path:
    """The folder that a path names: one on disk or, where there is none, a team of the zoo.

    Args:
        path: A path, or a name such as ``zoo/smax-3m-gpae``.

    Raises:
        UserError: It names the zoo, and no team in it.
    """
    path = Path(path)
    if path.parts[:1] != (_PREFIX,) or len(path.parts) != 2 or path.exists():
        return path
    if (name := path.as_posix()) not in names():
        hint = did_you_mean(name, names())
        raise UserError(f"no team {name!r}{hint}; `gpae zoo` lists them all")
    return _folder(name)


def _folder(name: str) -> Path:
    return _HOME / name.removeprefix(f"{_PREFIX}/")
