"""The learner, runner and evaluator of a configuration, and the contents of a checkpoint."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int

from gpae.config.schema import Config
from gpae.environments import Environment, check_environment, find_task, make
from gpae.environments.host import beside, host_failures, is_on_host, require_in_jax
from gpae.errors import UserError
from gpae.loggers import require_packages
from gpae.networks import NetworkSettings
from gpae.runs.checkpoints import Checkpoints
from gpae.runs.export import is_export
from gpae.runs.folder import RunFolder
from gpae.runs.learnt_params import learnt_params
from gpae.runs.policy_spec import PolicySpec
from gpae.training.evaluation import Evaluator, headline_metric, metric_directions
from gpae.training.families import make_learner
from gpae.training.hyperparameters import Hyperparameters, NumericSettings
from gpae.training.population import Population, make_population
from gpae.training.protocol import Budget, Learner


@struct.dataclass
class Best:
    """The parameters with the best evaluation so far.

    Attributes:
        score: Mean headline metric as :meth:`System.score` gives it, minus infinity before the
            first evaluation.
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
    """The learner, population and evaluator of a configuration.

    Attributes:
        config: The configuration.
        seeds: The seeds of the runs that are made together, instead of the configuration's.
        hyperparameters: The numeric settings of each of them; the configuration's where there are
            none.
        environment: The environment, unbatched.
    """

    config: Config
    seeds: Sequence[int] = ()
    hyperparameters: Sequence[Hyperparameters] = ()
    environment: Environment = field(init=False)
    learner: Learner = field(init=False)
    population: Population = field(init=False)
    evaluator: Evaluator = field(init=False)
    metric: str = field(init=False)
    directions: dict[str, str] = field(init=False)
    cautions: list[str] = field(init=False)

    def __post_init__(self) -> None:
        config = self.config
        self.environment = environment = make(config.task_name, **config.task_settings)
        self.learner = _learner(config, environment)
        self.seeds = tuple(self.seeds) or (config.seed,)
        self.population = make_population(
            self.learner,
            len(self.seeds),
            _most_devices(config, environment, len(self.seeds)),
            config.run.updates_per_call,
            self.hyperparameters,
        )
        self.evaluator = Evaluator(
            beside(environment),
            self.learner.actor,
            self.learner.network,
            config.evaluation.episodes,
            self.population.devices,
            config.evaluation.max_steps,
        )
        self.metric = headline_metric(environment)
        self.directions = metric_directions(environment)
        self.cautions = _cautions(config, environment)

    def for_other_runs(
        self, seeds: Sequence[int], hyperparameters: Sequence[Hyperparameters]
    ) -> "System":
        """The system of as many other runs, which shares what is compiled for these."""
        other = copy(self)
        other.seeds, other.hyperparameters = tuple(seeds), hyperparameters
        other.population = self.population.for_other_runs(hyperparameters)
        return other

    @property
    def budget(self) -> Budget:
        """Numbers of updates, env steps and gradient steps of the run."""
        return self.learner.budget

    @property
    def policy_spec(self) -> PolicySpec:
        """The description of the policy that is learnt."""
        return PolicySpec.of(self.config, self.environment.spec)

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes of evaluation, the headline's first."""
        mode = self.config.evaluation.mode
        return ("greedy", "sampled") if mode == "both" else (mode,)

    def score(self, mean: float) -> float:
        """A mean of the headline metric as a score, of which larger is always better."""
        return mean if self.directions[self.metric] == "maximise" else -mean

    def check(self) -> None:
        """Refuse a faulty environment and loggers that cannot be, before anything is written.

        Raises:
            UserError: A fault was found, or a logger's package is not installed.
        """
        require_packages(self.config.run.loggers)
        self.check_environment()

    def check_environment(self) -> None:
        """Refuse an environment with a fault, before anything is computed or written.

        The library's own tasks are tested, and their shapes and types alone are checked: a rollout
        would have to be compiled, for seconds where the simulator is large.

        Raises:
            UserError: A fault was found.
        """
        if find_task(self.config.task_name).is_of_library:
            check_environment(self.environment, steps=0)
        else:
            with host_failures():
                check_environment(beside(self.environment))

    def initial_snapshot(self, seed: int) -> Snapshot:
        """The state before the first update, on the host."""
        state = self.population.first_state(seed)
        if self.config.initial_params is not None:
            state = self.learner.with_params(state, self._initial_params)
        return _unevaluated(state, state.params)

    def check_initial_params(self) -> None:
        """Refuse ``initial_params`` before anything is written.

        Raises:
            UserError: It is no run, has no checkpoint, or its parameters do not fit.
        """
        if self.config.initial_params is not None:
            _ = self._initial_params

    @cached_property
    def _initial_params(self) -> Any:
        """The newest parameters of the run that ``initial_params`` names, on the host."""
        folder = RunFolder.open(Path(str(self.config.initial_params)))
        if not is_export(folder.path) and Checkpoints(folder.checkpoints_path).latest() is None:
            raise UserError(f"initial_params: {folder.path} has no checkpoint yet")
        return learnt_params(folder, self.population.state_shapes.params)[0]

    def resumed(self, state: Any) -> Any:
        """The state of a checkpoint to go on from, on the host.

        It is that state itself, but for an environment outside JAX: its episodes are gone, and new
        ones begin.
        """
        if not is_on_host(self.environment):
            return state
        return jax.device_get(jax.jit(self.learner.with_new_episodes)(state))

    def snapshot_shapes(self) -> Snapshot:
        """A checkpoint's contents as shapes and types; nothing is computed."""
        state = self.population.state_shapes
        return _unevaluated(state, state.params)


def numbers_of(config: Config) -> Hyperparameters:
    """The numeric settings of a configuration that are data of its run, by dotted name."""
    return NumericSettings(config.method, config.update, config.discount).values()


def _learner(config: Config, environment: Environment) -> Learner:
    return make_learner(
        environment,
        config.method,
        NetworkSettings(**vars(config.network)),
        config.rollout,
        config.window,
        config.update,
        discount=config.discount,
        total_env_steps=config.total_env_steps,
    )


def _most_devices(config: Config, environment: Environment, runs: int) -> int:
    """The most devices for a run, 0 for all.

    Raises:
        UserError: The episodes run on the host, and several devices or runs at once are asked for.
    """
    if config.run.devices > 1:
        require_in_jax(environment, f"run.devices={config.run.devices} splits environments")
    if runs > 1:
        require_in_jax(environment, f"{runs} runs are to be made together")
    return 1 if is_on_host(environment) else config.run.devices


def _cautions(config: Config, environment: Environment) -> list[str]:
    """Settings that are allowed on this environment but known to go wrong, a line each."""
    if is_on_host(environment):
        return [
            f"{environment.spec.name} runs outside JAX, which is slower; a resumed run begins new "
            "episodes"
        ]
    limit, steps = environment.spec.max_episode_steps, config.rollout.steps
    if config.method.family == "q_learning" and limit is not None and limit > steps:
        return [
            f"episodes last up to {limit} steps, and method={config.method.name} begins new ones "
            f"after rollout.steps={steps}: it never sees how long ones end"
        ]
    return []


def _unevaluated(state: Any, params: Any) -> Snapshot:
    best = Best(score=jnp.float32(-jnp.inf), update=jnp.int32(0), params=params)
    return Snapshot(state=state, best=best)
