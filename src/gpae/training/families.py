"""Learner families: the learner of a method, by the family that the method names."""

from collections.abc import Callable

from gpae.environments.environment import Environment
from gpae.errors import UserError
from gpae.methods import Method, UpdateSettings
from gpae.networks import ENCODERS, NetworkSettings
from gpae.training.policy_gradient import make_policy_gradient_learner
from gpae.training.protocol import Learner
from gpae.training.q_learning import make_q_learner
from gpae.training.settings import RolloutSettings, WindowSettings

FAMILIES: dict[str, Callable[..., Learner]] = {
    "policy_gradient": make_policy_gradient_learner,
    "q_learning": make_q_learner,
}
"""The maker of a learner by :attr:`Method.family <gpae.methods.Method.family>`."""


def make_learner(
    environment: Environment,
    method: Method,
    network: NetworkSettings,
    rollout: RolloutSettings,
    window: WindowSettings,
    update: UpdateSettings,
    *,
    discount: float,
    total_env_steps: float,
) -> Learner:
    """The learner of a method on an environment, from settings already checked.

    Args:
        environment: The environment, unbatched.
        method: The method.
        network: The shape of the networks.
        rollout: The amount collected in an iteration.
        window: The replay window.
        update: The gradient steps.
        discount: The discount factor gamma.
        total_env_steps: Environment steps of the whole run.

    Raises:
        UserError: The method or the encoder has no use for such an environment.
        KeyError: There is no such family.
    """
    spec = environment.spec
    if ENCODERS[network.encoder].for_images and not (spec.observation_shape or spec.state_shape):
        raise UserError(
            f"{spec.name} gives vectors, and network.encoder={network.encoder} is for images: "
            "leave it out"
        )
    return FAMILIES[method.family](
        environment,
        method,
        network.on(spec.observation_shape, spec.state_shape),
        rollout,
        window,
        update,
        discount=discount,
        total_env_steps=total_env_steps,
    )
