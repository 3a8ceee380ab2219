"""Rates, shares and the name of a case, from its raw measurements."""

from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import Any

from benchmarks.harness.flops import Work
from benchmarks.harness.spread import Spread

_NAMED = ("task=", "method=", "window.length=")


@dataclass(frozen=True)
class Case:
    """A case of a document, with what follows from its numbers.

    Attributes:
        raw: What :func:`benchmarks.harness.suite.measure` gave.
    """

    raw: dict[str, Any]

    @property
    def names(self) -> tuple[str, str, str]:
        """Task, method and window length M; a dash where there is no window."""
        config, windowed = self.warm["config"], "window" in self.warm["memory"]
        length = str(config["window"]["length"]) if windowed else "-"
        return config["task"]["name"], config["method"]["name"], length

    @property
    def settings(self) -> list[str]:
        """The overrides that are not among :attr:`names`."""
        return [word for word in self.raw["overrides"] if not word.startswith(_NAMED)]

    @property
    def warm(self) -> dict[str, Any]:
        """Measurements of the process that found compiled programs in a cache."""
        return dict(self.raw["warm"])

    @property
    def starts(self) -> dict[str, dict[str, float]]:
        """Starts of a process, ``cold`` and ``warm``; nothing where only one was measured."""
        if self.raw["cold"] is None:
            return {}
        return {name: self.raw[name]["startup"] for name in ("cold", "warm")}

    @property
    def rate(self) -> Spread:
        """Environment steps a second of whole updates."""
        return self._per_second(self.warm["env_steps"], self._seconds["update"])

    @property
    def phase_rates(self) -> dict[str, Spread]:
        """Environment steps a second of each phase of an update."""
        steps = self.warm["env_steps"]
        return {
            name: self._per_second(steps, seconds)
            for name, seconds in self._seconds["phases"].items()
        }

    @property
    def evaluation_rate(self) -> Spread:
        """Environment steps a second of evaluations, over all their episodes."""
        return Spread.of(
            [
                steps / seconds
                for steps, seconds in zip(
                    self._seconds["evaluated_steps"], self._seconds["evaluate"], strict=True
                )
            ]
        )

    @property
    def evaluation_share(self) -> float:
        """The part of a run's time that evaluations take at the run's interval."""
        interval = self.warm["config"]["evaluation"]["interval"]
        training = interval / self.rate.median
        evaluation = median(self._seconds["evaluate"])
        return evaluation / (evaluation + training)

    @property
    def peak(self) -> float:
        """Operations a second of the matrix products that suit the machine best."""
        return float(max(self.warm["gemm"].values()))

    @property
    def flop_rates(self) -> dict[str, float]:
        """Useful operations a second of each phase that asks something of a network."""
        rates = {
            name: self.work[name].useful / median(seconds)
            for name, seconds in self._seconds["phases"].items()
            if name in self.work
        }
        return {**rates, "evaluate": self.work["acting"].useful * self.evaluation_rate.median}

    @property
    def work_per_step(self) -> float:
        """Useful operations of all phases of an update, an environment step."""
        phases = self._seconds["phases"]
        useful = sum(self.work[name].useful for name in phases if name in self.work)
        return useful / int(self.warm["env_steps"])

    @cached_property
    def work(self) -> dict[str, Work]:
        """The operations of each phase."""
        return {name: Work(**counts) for name, counts in self.warm["work"].items()}

    @property
    def _seconds(self) -> dict[str, Any]:
        return dict(self.warm["seconds"])

    @staticmethod
    def _per_second(count: int, seconds: list[float]) -> Spread:
        return Spread.of([count / each for each in seconds])
