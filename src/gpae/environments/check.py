"""Check of an environment before anything is learnt on it."""

from gpae.environments.environment import Environment
from gpae.environments.rollout_check import check_rollout
from gpae.environments.shape_check import check_shapes


def check_environment(
    environment: Environment, *, steps: int = 128, environments: int = 4, seed: int = 0
) -> None:
    """Refuse an environment that does not keep to the :class:`Environment` protocol.

    Shapes and types are checked from traces, against the spec and of a reset against those of a
    step: observations, state, masks, rewards, outcomes, and the environment's own state. Values are
    checked in one rollout by random available actions: observations, states and rewards, and
    outcomes at the ends of episodes, are finite; every agent has an available action, dead ones
    too; no episode is both terminated and truncated, or goes on beyond
    :attr:`EnvironmentSpec.max_episode_steps`.

    A fault that the rollout does not come across is not found: one of a situation that random
    actions do not reach, or of a time limit of ``steps`` or more.

    Args:
        environment: The environment, unbatched.
        steps: Steps of the rollout; 0 for shapes and types alone.
        environments: Number of environments stepped side by side in the rollout.
        seed: Seed of the rollout.

    Raises:
        UserError: The first fault found, in one line that names the field and, where it has one,
            the agent and the step.
    """
    check_shapes(environment)
    if steps:
        check_rollout(environment, steps, environments, seed)
