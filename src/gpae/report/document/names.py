"""Short names of the methods in a report: the settings that suffice to tell them apart."""

from collections.abc import Mapping, Sequence

from gpae.errors import UserError, did_you_mean
from gpae.report.grouping import Label

_LEAST_TELLING = ("evaluation", "rollout", "network", "update", "discount", "total_env_steps")
"""Groups of settings, from those that a name leaves out first."""


def short_names(labels: Sequence[Label], renamed: Mapping[str, str]) -> dict[Label, str]:
    """A name for each label, without settings that go along with others.

    Args:
        labels: The labels.
        renamed: Names of one's own by the names that are given here.

    Returns:
        Names that are as different as the labels, such as ``gpae (trace_scheme=double)``.

    Raises:
        UserError: A method to be renamed is not there, or two would have one name.
    """
    distinct = list(dict.fromkeys(labels))
    kept = {name for label in distinct for name, _ in label.details}
    for name in sorted(kept, key=_order):
        if _are_distinct(distinct, kept - {name}):
            kept.remove(name)
    names = {label: _name(label, kept) for label in distinct}
    for old in renamed:
        if old not in names.values():
            raise UserError(
                f"no method {old!r} to rename{did_you_mean(old, names.values())}; there are: "
                f"{'; '.join(names.values())}"
            )
    names = {label: renamed.get(name, name) for label, name in names.items()}
    if len(set(names.values())) < len(names):
        raise UserError("two methods would have the same name: rename each to one of its own")
    return names


def _order(name: str) -> tuple[int, str]:
    group = name.partition(".")[0]
    known = group in _LEAST_TELLING
    return (_LEAST_TELLING.index(group) if known else len(_LEAST_TELLING), name)


def _are_distinct(labels: Sequence[Label], kept: set[str]) -> bool:
    return len({_name(label, kept) for label in labels}) == len(labels)


def _name(label: Label, kept: set[str]) -> str:
    details = [text.removeprefix("method.") for name, text in label.details if name in kept]
    return f"{label.method} ({', '.join(details)})" if details else label.method
