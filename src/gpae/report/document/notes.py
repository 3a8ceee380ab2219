"""Cautions of a report: everything in which runs differ that are compared or averaged."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from gpae.report.document.entries import Comparison, Entry, ends_of
from gpae.runs.folder import RunFolder

_SOFTWARE = ("gpae", "git", "jax", "jaxlib", "jaxmarl", "brax", "flax", "optax")


def notes(comparison: Comparison) -> list[str]:
    """Sentences on what is left out, and on what is not equal among what is compared."""
    found = list(_left_out(comparison))
    for entry in comparison.entries:
        found += _unequal_lengths(entry)
        found += _unequal_gradient_steps(entry)
    for task in comparison.tasks:
        entries = comparison.of_task(task)
        found += _between(task, entries)
        found += _software(task, entries)
    return found


def _left_out(comparison: Comparison) -> Iterator[str]:
    if comparison.empty:
        names = ", ".join(path.name for path in comparison.empty)
        yield f"Left out, as not evaluated yet: {names}."
    for entry in comparison.entries:
        if entry.diverged:
            names = ", ".join(path.name for path in entry.diverged)
            yield (
                f"{entry.label} on {entry.task}: {_count(entry.diverged, 'run')} diverged and "
                f"{'is' if len(entry.diverged) == 1 else 'are'} in no number ({names})."
            )


def _unequal_lengths(entry: Entry) -> Iterator[str]:
    longer = [run.seed for run in entry.runs if run.steps[-1] > entry.env_steps]
    if longer:
        yield (
            f"{entry.label} on {entry.task}: scores are those at {entry.env_steps:,} env steps, "
            f"the last that all its runs have; seeds {_listed(longer)} have gone further."
        )


def _unequal_gradient_steps(entry: Entry) -> Iterator[str]:
    if len(entry.gradient_steps) > 1:
        counts = ", ".join(f"{count:,}" for count in entry.gradient_steps)
        yield (
            f"{entry.label} on {entry.task}: runs of unequal gradient steps are averaged: {counts}."
        )


def _between(task: str, entries: Sequence[Entry]) -> Iterator[str]:
    """Seeds, environment steps and gradient steps in which labels of a task differ."""
    seeds = {entry.label: _listed(entry.seeds) for entry in entries}
    if len(set(seeds.values())) > 1:
        yield f"{task}: unequal seeds: {_by_label(seeds)}."
    lengths = {entry.label: f"{entry.env_steps:,}" for entry in entries}
    ends = ends_of(entries)
    if ends is None:
        yield f"{task}: not compared, as no evaluations are at equal env steps."
    elif ends != [entry.env_steps for entry in entries]:
        yield (
            f"{task}: unequal env steps: {_by_label(lengths)}; compared at {min(ends):,}, which "
            "all have."
        )
    rates = {
        entry.label: f"{1000 * entry.gradient_steps[-1] / entry.env_steps:.3g}"
        for entry in entries
        if entry.gradient_steps and entry.env_steps
    }
    if len(set(rates.values())) > 1:
        yield f"{task}: unequal gradient steps in 1,000 env steps: {_by_label(rates)}."


def _software(task: str, entries: Sequence[Entry]) -> Iterator[str]:
    """Versions of the software in which runs of a task differ."""
    versions = {
        (entry.label, run.seed): RunFolder.open(run.path).versions()
        for entry in entries
        for run in entry.runs
    }
    for name in _SOFTWARE:
        runs: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for run, of_run in versions.items():
            runs[_version(of_run.get(name))].append(run)
        if len(runs) < 2:
            continue
        counts = ", ".join(f"{version} ({_count(made, 'run')})" for version, made in runs.items())
        labels = [{label for label, _ in made} for made in runs.values()]
        mixed = sorted({label for each in labels for label in each if _times(label, labels) > 1})
        averaged = f"; averaged over both in {', '.join(mixed)}" if mixed else ""
        yield f"{task}: unequal versions of {name}: {counts}{averaged}."


def _version(recorded: Any) -> str:
    """A version in a word: of git the commit, and whether files differed from it."""
    if isinstance(recorded, dict):
        changed = ", changed" if recorded.get("dirty") else ""
        return f"{str(recorded.get('commit'))[:10]}{changed}"
    return "none" if recorded is None else str(recorded)


def _times(label: str, groups: Sequence[set[str]]) -> int:
    return sum(label in group for group in groups)


def _by_label(values: dict[str, str]) -> str:
    """Values, each with the labels that have it."""
    alike: dict[str, list[str]] = defaultdict(list)
    for label, value in values.items():
        alike[value].append(label)
    return "; ".join(f"{value} ({', '.join(labels)})" for value, labels in alike.items())


def _listed(numbers: Sequence[int]) -> str:
    """Numbers in words, consecutive ones as a range."""
    consecutive = len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1))
    return f"{numbers[0]} to {numbers[-1]}" if consecutive else ", ".join(map(str, numbers))


def _count(things: Sequence[Any], noun: str) -> str:
    return f"{len(things)} {noun}{'s' * (len(things) != 1)}"
