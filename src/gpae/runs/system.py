"""The learner, runner and evaluator of a configuration, and the contents of a checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int

from gpae.config.schema import Config
from gpae.environments import Environment, make
from gpae.errors import UserError
from gpae.methods import Q_METHODS
from gpae.networks import NetworkSettings
from gpae.training.evaluation import Evaluator, headline_metric
from gpae.training.learner import make_learner
from gpae.training.protocol import Budget, Learner
from gpae.training.q_learning import make_q_learner
from gpae.training.seeds import make_runner
from gpae.training.sharding import Runner


@struct.dataclass
class Best:
    """The parameters with the best evaluation so far.

    Attributes:
        score: Mean headline metric, minus infinity before the first evaluation.
        update: When that was.
        params: The parameters then.
    """

    score: Float[Array, ""]
    update: Int[Array, ""]
    params: Any


@struct.dataclass
class Snapshot:
    """Contents of a checkpoint, from which a run continues bit for bit."""

    state: Any
    best: Best


@dataclass
class System:
    """The learner, runner and evaluator of a configuration.

    Attributes:
        config: The configuration.
        seeds: The seeds of the runs that the runner makes together, instead of the configuration's.

    Raises:
        UserError: Several runs are to be timed phase by phase.
    """

    config: Config
    seeds: Sequence[int] = ()
    learner: Learner = field(init=False)
    runner: Runner = field(init=False)
    evaluator: Evaluator = field(init=False)
    metric: str = field(init=False)
    cautions: list[str] = field(init=False)

    def __post_init__(self) -> None:
        config = self.config
        environment = make(config.task_name, **config.task_settings)
        self.learner = _learner(config, environment)
        self.seeds = tuple(self.seeds) or (config.seed,)
        if config.profile and len(self.seeds) > 1:
            raise UserError("profile=true times the phases of a single run, not of several")
        self.runner = make_runner(
            self.learner, len(self.seeds), config.run.devices, config.run.updates_per_call
        )
        self.evaluator = Evaluator(
            environment,
            self.learner.actor,
            self.learner.network,
            config.evaluation.episodes,
            self.runner.devices,
        )
        self.metric = headline_metric(environment)
        self.cautions = _cautions(config, environment)

    @property
    def budget(self) -> Budget:
        """Numbers of updates, env steps and gradient steps of the run."""
        return self.learner.budget

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes of evaluation, the headline's first."""
        mode = self.config.evaluation.mode
        return ("greedy", "sampled") if mode == "both" else (mode,)

    def initial_snapshot(self, seed: int) -> Snapshot:
        """The state before the first update, on the host."""
        state = self.runner.first_state(seed)
        return _unevaluated(state, state.params)

    def snapshot_shapes(self) -> Snapshot:
        """A checkpoint's contents as shapes and types; nothing is computed."""
        state = self.runner.state_shapes
        return _unevaluated(state, state.params)


def _learner(config: Config, environment: Environment) -> Learner:
    network = NetworkSettings(**vars(config.network))
    amounts = {"discount": config.discount, "total_env_steps": config.total_env_steps}
    if config.method.name in Q_METHODS:
        return make_q_learner(
            environment, config.method, network, config.rollout, config.update, **amounts
        )
    return make_learner(
        environment, config.method, network, config.rollout, config.window, config.update, **amounts
    )


def _cautions(config: Config, environment: Environment) -> list[str]:
    """Settings that are allowed on this environment but known to go wrong, a line each."""
    limit, steps = environment.spec.max_episode_steps, config.rollout.steps
    if config.method.name in Q_METHODS and limit is not None and limit > steps:
        return [
            f"episodes last up to {limit} steps, and method={config.method.name} begins new ones "
            f"after rollout.steps={steps}: it never sees how long ones end"
        ]
    return []


def _unevaluated(state: Any, params: Any) -> Snapshot:
    best = Best(score=jnp.float32(-jnp.inf), update=jnp.int32(0), params=params)
    return Snapshot(state=state, best=best)
