"""Numeric settings as data of a run: one compiled program serves every value of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from gpae.environments.environment import Environment
from gpae.fields import data_of, with_data
from gpae.methods import Method, UpdateSettings
from gpae.networks import NetworkSettings
from gpae.training.settings import RolloutSettings, WindowSettings

Hyperparameters = dict[str, Any]
"""Numbers of settings by dotted name, such as ``update.learning_rate``.

They are float32 or traced scalars, [], and [R] those of several runs together.
"""

LearnerType = TypeVar("LearnerType")


@dataclass(frozen=True)
class NumericSettings:
    """The settings with numbers that are data of a run.

    Attributes:
        method: The method.
        update: The gradient steps.
        discount: The discount factor gamma.
    """

    method: Method
    update: UpdateSettings
    discount: float

    def values(self) -> Hyperparameters:
        """The numbers that are data, in single precision, by dotted name."""
        numbers = {"discount": self.discount}
        for group in ("method", "update"):
            of_group = data_of(getattr(self, group))
            numbers |= {f"{group}.{name}": value for name, value in of_group.items()}
        return {name: np.asarray(value, np.float32) for name, value in numbers.items()}

    def with_values(self, values: Mapping[str, Any]) -> "NumericSettings":
        """These settings with other numbers.

        Args:
            values: A number or a traced scalar for each name in :meth:`values`.

        Raises:
            ValueError: A value is missing, or there is one of another name.
        """

        def of_group(group: str) -> dict[str, Any]:
            prefix = f"{group}."
            return {
                name.removeprefix(prefix): value
                for name, value in values.items()
                if name.startswith(prefix)
            }

        return NumericSettings(
            with_data(self.method, of_group("method")),
            with_data(self.update, of_group("update")),
            values["discount"],
        )


@dataclass(frozen=True)
class Tunable(Generic[LearnerType]):
    """A learner that can be made again with other numbers in its settings.

    Attributes:
        numbers: The settings with numbers.
        remake: Makes the same learner from other ones.
    """

    numbers: NumericSettings
    remake: Callable[[NumericSettings], LearnerType]

    @property
    def hyperparameters(self) -> Hyperparameters:
        """Its own numbers."""
        return self.numbers.values()

    def with_hyperparameters(self, values: Hyperparameters) -> LearnerType:
        """The same learner with other numbers, which may be traced."""
        return self.remake(self.numbers.with_values(values))


def remaking(
    make: Callable[..., LearnerType],
    environment: Environment,
    network: NetworkSettings,
    rollout: RolloutSettings,
    window: WindowSettings,
    total_env_steps: float,
) -> Callable[[NumericSettings], LearnerType]:
    """A function that makes a learner by its maker from numeric settings, all else as given."""

    def remake(numbers: NumericSettings) -> LearnerType:
        return make(
            environment,
            numbers.method,
            network,
            rollout,
            window,
            numbers.update,
            discount=numbers.discount,
            total_env_steps=total_env_steps,
        )

    return remake
