"""The command ``gpae search``; what it needs is imported when it runs."""

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpae.arguments import duration, whole_number
from gpae.errors import UserError
from gpae.garbage import collect_garbage_as_ever, without_garbage_collection

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.search.search import Search

_HELP = """\
Search for good values of settings on seeds from 1000 on, which final runs should not use:

  gpae search task=smax/3s5z_vs_3s6z method=gpae 'update.learning_rate=log(1e-4,1e-2)' \\
      'update.entropy_coefficient=choice(0,0.003,0.01,0.03)' --trials 64 --seeds 2

spaces    KEY=log(LOW,HIGH)    KEY=uniform(LOW,HIGH)    KEY=int(LOW,HIGH)
          KEY=log_int(LOW,HIGH)    KEY=choice(A,B,...)
          all other words are settings that every trial has, as of `gpae train`

Trials are drawn in batches by Optuna's TPE. At each rung one in --reduction goes on. The
value of a trial is the mean of the last three evaluations, averaged over its seeds.

A search that was stopped, killed or out of budget goes on with

  gpae search --folder PATH
"""

_NUMBERS = (
    ("trials", 1, "trials in all (default: 64); more may be asked for later"),
    ("seeds", 1, "seeds of each trial (default: 2)"),
    ("batch", 1, "trials drawn and compared together (default: 16)"),
    ("rungs", 1, "times that trials are compared, 1 for no early stopping (default: 3)"),
    ("reduction", 2, "one trial in so many goes on from a rung (default: 3)"),
    ("seed", 0, "seed of the draws (default: 0)"),
)


def add_search(commands: "argparse._SubParsersAction[Any]") -> argparse.ArgumentParser:
    """Register the command."""
    search: argparse.ArgumentParser = commands.add_parser(
        "search",
        help="search for good values of settings",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    search.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="settings, some with spaces"
    )
    for name, least, meaning in _NUMBERS:
        search.add_argument(f"--{name}", type=whole_number(least, 10**6), help=meaning)
    search.add_argument(
        "--folder", type=Path, help="the search's folder (default: a new one in searches/)"
    )
    search.add_argument(
        "--budget", type=duration, metavar="TIME", help="stop after this time, such as 13m"
    )
    search.set_defaults(command=_search)
    return search


def _search(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.runs.deadline import Deadline

    deadline = Deadline.of(parsed.budget)
    with without_garbage_collection():
        from gpae.search.folder import SearchFolder, SearchSettings
        from gpae.search.search import Search, plan_search
        from gpae.search.trials import Trials

        given = _given(parsed)
        named = None if parsed.folder is None else SearchFolder(parsed.folder.expanduser())
        if named is None and not parsed.overrides:
            raise UserError("say what to search for, or which search to go on with: --folder PATH")
        settings = SearchSettings(**given) if named is None else named.settings(given)
        plan = plan_search(settings, console)
    folder = named or SearchFolder.new(Path("searches"), plan.name)
    with folder.held(settings):
        journal = folder.journal_path
        trials = Trials(journal, plan.space, maximise=plan.maximise, seed=settings.seed)
        _say(console, f"search folder {folder.path}")
        return _carry_out(Search(plan, folder, trials, console, deadline))


def _carry_out(search: "Search") -> int:
    """Go on with a search, and say how it ended."""
    from gpae.search.results import show_results

    try:
        finished = search.run()
    finally:
        collect_garbage_as_ever()
    if finished:
        show_results(search)
    else:
        words = shlex.join(["gpae", "search", "--folder", str(search.folder.path)])
        spent = search.deadline is not None and search.deadline.passed
        why = f", as {search.deadline.reason}" if search.deadline and spent else ""
        _say(search.console, f"stopped{why}; continue with: {words}")
    return 0


def _given(parsed: argparse.Namespace) -> dict[str, Any]:
    """The settings of the search that were asked for."""
    given = {name: getattr(parsed, name) for name, *_ in _NUMBERS}
    given |= {"words": parsed.overrides or None, "imports": parsed.imports or None}
    return {name: value for name, value in given.items() if value is not None}


def _say(console: "Console", text: str) -> None:
    from gpae.console import say

    say(console, text)
