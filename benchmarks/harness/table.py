"""Results as Markdown tables: ``python -m benchmarks.harness.table benchmarks/results/*.json``."""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import StatisticsError, median
from typing import Any

from benchmarks.harness.case import Case
from benchmarks.harness.documents import read_document
from benchmarks.harness.learning import MEASURES, PARTS, Difference, average
from benchmarks.harness.spread import Spread
from gpae.errors import UserError
from gpae.report.statistics import mean_and_deviation
from gpae.runs.memory import readable

Column = Callable[[Case], str]
"""The text of a case in one column of a table."""

_PHASES = ("collect", "estimate", "update")


def render(document: dict[str, Any]) -> str:
    """A document's tables, below a line that says where the numbers come from.

    Raises:
        UserError: There is no table for this kind of document, or nothing finished in it.
    """
    kind = document["kind"]
    if kind not in _TABLES:
        raise UserError(f"no table for results of kind {kind!r}")
    try:
        return "\n\n".join([_origin(document), *_TABLES[kind](document)])
    except (LookupError, StatisticsError) as error:
        raise UserError(f"these results of kind {kind!r} hold too little for a table") from error


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; columns without any entry are left out."""
    rows = list(rows)
    kept = [at for at in range(len(headings)) if any(row[at] for row in rows)]
    lines = [[headings[at] for at in kept], ["---"] * len(kept)]
    lines += [[row[at] for at in kept] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _origin(document: dict[str, Any]) -> str:
    versions, git = document["versions"], document["versions"]["git"] or {}
    machine = versions["platform"]
    commit = git.get("commit", "unknown")[:12] + (" with changes" if git.get("dirty") else "")
    return (
        f"`{document['command']}`, commit {commit}, JAX {versions['jax']}, "
        f"{machine['processor']}, {machine['cores']} cores."
    )


def _bench(document: dict[str, Any]) -> list[str]:
    cases = [Case(raw) for raw in document["cases"]]
    tables = [_of_cases(cases, _RATES), _of_cases(cases, _OPERATIONS)]
    started = [case for case in cases if case.starts]
    return [
        *tables,
        _of_cases(started, _STARTS | _MEMORY) if started else _of_cases(cases, _MEMORY),
    ]


def _of_cases(cases: Sequence[Case], columns: dict[str, Column]) -> str:
    """A row a case; of its settings, those that not all cases share."""
    shared = set.intersection(*(set(case.settings) for case in cases))
    rows = [
        [
            *case.names,
            " ".join(word for word in case.settings if word not in shared),
            *(column(case) for column in columns.values()),
        ]
        for case in cases
    ]
    return markdown(["task", "method", "M", "settings", *columns], rows)


def _scaling(document: dict[str, Any]) -> list[str]:
    return [
        f"### {title}\n\n" + _of_cases([Case(raw) for raw in cases], _GROWTH)
        for title, cases in document["curves"].items()
        if cases
    ]


def _compare(document: dict[str, Any]) -> list[str]:
    pairs = document["pairs"]
    ratios = [pair["ours"]["rate"] / pair["against"]["rate"] for pair in pairs]
    rows = [
        [str(number), _whole(pair["ours"]["rate"]), _whole(pair["against"]["rate"]), f"{ratio:.2f}"]
        for number, (pair, ratio) in enumerate(zip(pairs, ratios, strict=True), start=1)
    ]
    sides = [Spread.of([pair[side]["rate"] for pair in pairs]) for side in ("ours", "against")]
    last = [*(side.show(_whole) for side in sides), Spread.of(ratios).show(lambda x: f"{x:.2f}")]
    rows.append(["median (quartiles)", *last])
    headings = ["pair", "ours, env steps/s", "against, env steps/s", "ratio"]
    return [*_commands(document), markdown(headings, rows)]


def _learning(document: dict[str, Any]) -> list[str]:
    runs = [run for run in document["runs"].values() if len(run) == 2]
    rows = []
    for measure in MEASURES:
        for part in PARTS:
            sides = [
                [average(run[side][measure], part) for run in runs] for side in ("ours", "against")
            ]
            apart = Difference.of(*sides)
            interval = f"{apart.mean:+.3f} ({apart.low:+.3f} to {apart.high:+.3f})"
            rows.append([f"{measure}, {part}", *map(mean_and_deviation, sides), interval])
    headings = [f"mean ± std of {len(runs)} seeds", "ours", "against", "difference (95 %)"]
    return [*_commands(document), markdown(headings, rows)]


def _commands(document: dict[str, Any]) -> list[str]:
    return [f"ours: `{document['ours']}`", f"against: `{document['against']}`"]


def _estimators(document: dict[str, Any]) -> list[str]:
    rows = []
    for name, seconds in document["seconds"].items():
        ratios = [ours / theirs for ours, theirs in zip(*seconds.values(), strict=True)]
        ours, theirs = (median(each) * 1e6 for each in seconds.values())
        ratio = Spread.of(ratios).show(lambda value: f"{value:.2f}")
        rows.append([name, f"{ours:,.0f}", f"{theirs:,.0f}", ratio])
    headings = ["kernel", "gpae, microseconds", "rlax, microseconds", "ratio of times"]
    return [f"Shapes: {document['shapes']}.", markdown(headings, rows)]


def _recurrence(document: dict[str, Any]) -> list[str]:
    tables = [f"On {document['device']}; medians, largest relative errors against float64."]
    for shape, results in document["shapes"].items():
        headings = ["form", "forward, ms", "with gradients, ms", *_ROUNDING, "error"]
        rows = [[name, *_of_a_form(result)] for name, result in results.items()]
        tables.append(f"{shape}:\n\n{markdown(headings, rows)}")
    return tables


_ROUNDING = ("values", "gradients by weights", "other gradients", "first step alone")


def _of_a_form(result: dict[str, Any]) -> list[str]:
    """A row's entries after its name: times, errors, and why there are none."""
    if "error" in result:
        return [""] * (2 + len(_ROUNDING)) + [result["error"]]
    errors = result["errors"] | {"first step alone": result["first step alone"]}
    times = [f"{1e3 * median(result['seconds'][name]):.3f}" for name in ("forward", "both")]
    return [*times, *(f"{errors[name]:.1e}" for name in _ROUNDING), ""]


def _overhead(document: dict[str, Any]) -> list[str]:
    seconds, reference = document["seconds"], document["seconds"][document["reference"]]
    rows = []
    for name, own in seconds.items():
        ratios = [mine / theirs for mine, theirs in zip(own, reference, strict=True)]
        ratio = Spread.of(ratios).show(lambda value: f"{value:.3f}")
        rows.append([name, f"`{document['variants'][name]}`", f"{median(own):.2f}", ratio])
    headings = ["method", "settings", "update, s", f"time over {document['reference']}"]
    return [f"All with `{' '.join(document['common'])}`.", markdown(headings, rows)]


def _seeds(document: dict[str, Any]) -> list[str]:
    rows = []
    for name, seconds in document["seconds"].items():
        alone, together = seconds["alone"], seconds["together"]
        ratios = [one / other for one, other in zip(alone, together, strict=True)]
        ratio = Spread.of(ratios).show(lambda value: f"{value:.2f}")
        rows.append([name, f"{median(alone):.3f}", f"{median(together):.3f}", ratio])
    headings = ["settings", "one after the other, s", "together, s", "times as fast"]
    settings = [f"{name}: `{words}`" for name, words in document["cases"].items()]
    return [
        f"All with `{' '.join(document['common'])}`; {'; '.join(settings)}.",
        markdown(headings, rows),
    ]


def _memory(document: dict[str, Any]) -> list[str]:
    """The window of every task and length; of state and batch, those of the first length."""
    rows = []
    for task, windows in document["tasks"].items():
        first = next(iter(windows.values()))
        kept = [readable(need["window"]) for need in windows.values()]
        rows.append([task, *kept, readable(first["batch"])])
    names = list(next(iter(document["tasks"].values())))
    headings = ["task", *(f"window, {name}" for name in names), f"update batch, {names[0]}"]
    return [f"All with `{' '.join(document['common'])}`.", markdown(headings, rows)]


def _phase_rate(phase: str) -> Column:
    def column(case: Case) -> str:
        rates = case.phase_rates
        return _whole(rates[phase].median) if phase in rates else ""

    return column


def _flop_rate(phase: str) -> Column:
    def column(case: Case) -> str:
        rate = case.flop_rates.get(phase)
        return "" if rate is None else f"{rate / 1e9:.1f} ({rate / case.peak:.0%})"

    return column


def _start(cache: str, what: str) -> Column:
    return lambda case: f"{case.starts[cache][what]:.1f}"


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _peak(process: dict[str, Any] | None) -> str:
    return "" if process is None else readable(process["peak_memory"])


def _recomputed(case: Case) -> str:
    work = case.work.get("update")
    return f"{work.recomputed / work.useful:+.0%}" if work is not None and work.useful else ""


def _kept(case: Case) -> str:
    """The window, or the replay buffer."""
    memory = case.warm["memory"]
    return readable(memory.get("window", memory.get("buffer")))


_COST: dict[str, Column] = {
    "needed, MFLOP/env step": lambda case: f"{case.work_per_step / 1e6:,.1f}",
    "useful GFLOP/s": lambda case: f"{case.work_per_step * case.rate.median / 1e9:.1f}",
}
"""Operations of an environment step on paper, and their rate."""

_TRAINING_RATES: dict[str, Column] = {
    "env steps/s": lambda case: case.rate.show(_whole),
    **{f"{phase}, env steps/s": _phase_rate(phase) for phase in _PHASES},
}

_RATES: dict[str, Column] = {
    **_TRAINING_RATES,
    "gradient steps/update": lambda case: str(case.warm["gradient_steps"]),
    "evaluate, env steps/s": lambda case: _whole(case.evaluation_rate.median),
    "evaluation, of the time": lambda case: f"{case.evaluation_share:.2%}",
}

_OPERATIONS: dict[str, Column] = {
    "GEMM peak, GFLOP/s": lambda case: f"{case.peak / 1e9:.0f}",
    **{f"{phase}, GFLOP/s (of peak)": _flop_rate(phase) for phase in (*_PHASES, "evaluate")},
    "recomputed in update": _recomputed,
}

_EXPERIENCE: dict[str, Column] = {
    "window or buffer": _kept,
    "update batch": lambda case: readable(case.warm["memory"]["batch"]),
}

_MEMORY: dict[str, Column] = {
    **_EXPERIENCE,
    "state": lambda case: readable(case.warm["memory"]["state"]),
    "peak memory, cold": lambda case: _peak(case.raw["cold"]),
    "peak memory, warm": lambda case: _peak(case.warm),
}

_GROWTH = _COST | _TRAINING_RATES | _EXPERIENCE

_STARTS: dict[str, Column] = {
    f"{heading}, s, {cache}": _start(cache, what)
    for heading, what in (
        ("compile", "compilation"),
        ("first update", "first_update"),
        ("first evaluation", "evaluation"),
    )
    for cache in ("cold", "warm")
}

_TABLES: dict[str, Callable[[dict[str, Any]], list[str]]] = {
    "bench": _bench,
    "scaling": _scaling,
    "compare": _compare,
    "learning": _learning,
    "estimators": _estimators,
    "recurrence": _recurrence,
    "overhead": _overhead,
    "seeds": _seeds,
    "memory": _memory,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables of result files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="JSON files of benchmarks")
    try:
        parsed = parser.parse_args(arguments)
        print("\n\n".join(render(read_document(path)) for path in parsed.results))
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
