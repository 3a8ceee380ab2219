"""Parameters of a run for episodes that are no part of it."""

from dataclasses import dataclass
from typing import Any

from gpae.config.schema import Config
from gpae.errors import UserError
from gpae.runs.folder import RunFolder
from gpae.runs.learnt_params import learnt_params
from gpae.runs.member import ABSOLUTE_EVALUATIONS
from gpae.runs.system import System


@dataclass(frozen=True)
class RestoredPolicy:
    """A run's learner with the parameters of one checkpoint.

    Attributes:
        system: The run's learner and evaluator.
        params: The parameters of all its networks, by the network's name.
        update: The number of updates after which they were such.
    """

    system: System
    params: Any
    update: int

    @property
    def unused_counter(self) -> int:
        """The first number of an evaluation that none of the run's own has."""
        return self.system.budget.updates + ABSOLUTE_EVALUATIONS + 1


def restore_policy(
    config: Config, folder: RunFolder, *, greedy: bool, best: bool, checkpoint: int | None
) -> RestoredPolicy:
    """Read what episodes of a run's policy need; writes nothing.

    Args:
        config: The run's configuration.
        folder: The run's folder.
        greedy: Whether the most likely actions will be taken; else they are sampled.
        best: Use the parameters of the best evaluation so far, not the checkpoint's own.
        checkpoint: Which checkpoint; the newest when None.

    Raises:
        UserError: There is no checkpoint, or it cannot be used; or the method has no policy to
            sample from.
    """
    if not greedy and config.method.family == "q_learning":
        raise UserError(f"{config.method.name} acts greedily: there is nothing to sample")
    system = System(config)
    shapes = system.population.state_shapes.params
    params, update = learnt_params(folder, shapes, best=best, checkpoint=checkpoint)
    return RestoredPolicy(system, params, update)
