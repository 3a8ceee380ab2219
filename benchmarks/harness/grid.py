"""Cases to measure: every combination of tasks, methods and window lengths."""

from gpae.config.compose import compose, expand_sweep, parse
from gpae.errors import UserError

TASKS = ("smax/3m", "smax/5m_vs_6m")
METHODS = ("mappo", "gpae")
WINDOW_LENGTHS = (1, 4)


def expand(overrides: list[str]) -> list[list[str]]:
    """Every combination of comma-separated choices, with defaults for what is not named.

    Args:
        overrides: In the syntax of ``gpae train -m``: ``task=smax/3m,smax/8m window.length=1,2,4``.

    Returns:
        The overrides of each case, each of them a configuration that can be.

    Raises:
        UserError: One of them cannot, or is of several seeds.
    """
    named = {override.key_or_group for override in parse(overrides)}
    words = [
        f"{key}={','.join(choices)}"
        for key, choices in (("task", TASKS), ("method", METHODS))
        if key not in named
    ]
    jobs = expand_sweep(words + overrides)
    cases = [
        case for job in jobs for case in ([job] if "window.length" in named else _windows(job))
    ]
    for case in cases:
        if compose(case).seeds != 1:
            raise UserError(
                "a benchmark measures single runs: leave out seeds (benchmarks.seeds compares)"
            )
    return cases


def _windows(job: list[str]) -> list[list[str]]:
    """A job with each default window length; methods that have no window are left alone."""
    if "window" in compose(job).method.unused_settings:
        return [job]
    return [[*job, f"window.length={length}"] for length in WINDOW_LENGTHS]
