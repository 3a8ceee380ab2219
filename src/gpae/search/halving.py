"""Successive halving: of the trials of a batch, the better ones go on at each of a few rungs.

Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization",
AISTATS 2016. A trial that goes on continues its runs; its learning rate is annealed over the whole
run from the beginning.
"""

import math
from collections.abc import Mapping


def rungs(total: float, interval: float, count: int, reduction: int) -> list[int]:
    """Environment steps at which trials are compared, the whole run last.

    They are ``total / reduction^k``, each moved to the nearest evaluation; those that fall together
    count once.

    Args:
        total: Environment steps of a whole run.
        interval: Environment steps between evaluations.
        count: Number of rungs, 1 for no early stopping.
        reduction: The reduction factor, eta in the literature.
    """
    evaluations = [max(1, round(total / reduction**k / interval)) for k in range(count - 1, 0, -1)]
    early = [int(number * interval) for number in dict.fromkeys(evaluations)]
    return [*(env_steps for env_steps in early if env_steps < total), int(total)]


def survivors(
    values: Mapping[int, float], entered: int, reduction: int, *, maximise: bool
) -> set[int]:
    """The trials that go on from a rung: the best ``1 / reduction`` of those that set out for it.

    Args:
        values: The value of each trial that has reached the rung, by number; of equal values the
            lower number counts as better.
        entered: Number of trials that set out for it; some may have diverged.
        reduction: The reduction factor.
        maximise: Whether larger is better.
    """
    sign = -1.0 if maximise else 1.0
    ranked = sorted(values, key=lambda number: (sign * values[number], number))
    return set(ranked[: math.ceil(entered / reduction)])
