"""A team's policy, as a run has learnt it, in the hands of a program of one's own."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from gpae.config.compose import from_dict
from gpae.environments import make
from gpae.environments.environment import Actions
from gpae.errors import UserError
from gpae.networks import PolicyNetwork, apply_actor, initial_hidden_state, sample
from gpae.runs.checkpoints import Checkpoints
from gpae.runs.export import exported_params, is_export, refuse_choice
from gpae.runs.folder import RunFolder
from gpae.runs.policy_spec import PolicySpec
from gpae.zoo import located

_NEWEST = "state/params/actor", "state/clock/update"
"""Places of the newest parameters and of their update in a checkpoint."""


@dataclass(frozen=True, eq=False)
class TeamPolicy:
    """A policy with its parameters, which acts for all agents of a team.

    Attributes:
        spec: Its description: agents, observations, actions and the network's shape.
        params: The network's parameters, a tree of arrays.
        update: Number of the run's updates after which the parameters were such.
    """

    spec: PolicySpec
    params: PyTree
    update: int

    def initial_state(self, *batch: int) -> PyTree:
        """The state that an episode begins with.

        Args:
            *batch: Nothing for one environment, E for many.

        Returns:
            A tree of zeros ``[N, ...]`` or ``[E, N, ...]``; without leaves where the network has no
            hidden state.
        """
        return initial_hidden_state(self.spec.network, *batch, self.spec.num_agents)

    def act(
        self,
        observations: Float[ArrayLike, "*E N O"],
        available_actions: Bool[ArrayLike, "*E N A"] | None = None,
        state: PyTree | None = None,
        *,
        first: Bool[ArrayLike, "*#E"] | bool = False,
        key: PRNGKeyArray | None = None,
    ) -> tuple[Actions, PyTree]:
        """Act on one step's observations, in one environment or in E of them.

        Args:
            observations: Each agent's own observation; of type uint8 they are pixels.
            available_actions: True for the discrete actions that an agent may take, or for the
                continuous action dimensions that it has; all of them when None.
            state: The state that the previous step returned; :meth:`initial_state` when None.
            first: True where the step is the first of its episode: the state from before it is
                dropped. One boolean serves all environments.
            key: Random key, or one for each environment, to sample actions with; the most likely
                actions when None.

        Returns:
            The actions to carry out, ``[*E, N]`` int32 or ``[*E, N, A]`` float32 within their
            bounds, and the state for the next step.

        Raises:
            UserError: Actions are to be sampled from a Q-network.
            ValueError: An argument has the wrong shape; the message names it.
            TypeError: ``key`` is no typed key, of ``jax.random.key``.
        """
        seen = jnp.asarray(observations)
        seen = seen if seen.dtype == jnp.uint8 else seen.astype(jnp.float32)
        batch = self._batch(seen.shape)
        agents = (*batch, self.spec.num_agents, self.spec.actions.size)
        available = True if available_actions is None else available_actions
        _require("available_actions", np.shape(available), agents, ())
        _require("first", np.shape(first), batch, ())
        state = self.initial_state(*batch) if state is None else state
        self._require_state(state, batch)
        return self._compiled(
            self.params,
            seen,
            jnp.broadcast_to(jnp.asarray(available, bool), agents),
            state,
            jnp.broadcast_to(jnp.asarray(first, bool), batch),
            self._keys(key, batch),
        )

    @cached_property
    def network(self) -> PolicyNetwork:
        """The network that acts."""
        return self.spec.policy_network()

    @cached_property
    def _compiled(self) -> Any:
        return jax.jit(self._act)

    def _act(
        self,
        params: PyTree,
        observations: Array,
        available_actions: Array,
        state: PyTree,
        first: Array,
        keys: Array | None,
    ) -> tuple[Actions, PyTree]:
        hidden_states, policies = apply_actor(
            self.network, params, state, observations[None], available_actions[None], first[None]
        )
        policy = policies[0]
        if keys is None:
            actions = policy.mode()
        else:
            actions = sample(keys, policy) if keys.shape else policy.sample(keys)
        return policy.executed(actions), jax.tree.map(lambda leaf: leaf[0], hidden_states)

    def _batch(self, found: tuple[int, ...]) -> tuple[int, ...]:
        expected = (self.spec.num_agents, self.spec.observation_size)
        if len(found) not in (2, 3) or found[-2:] != expected:
            raise ValueError(
                f"observations must have shape [N, O] = {expected}, or [E, N, O]; found {found}"
            )
        return found[:-2]

    def _require_state(self, state: PyTree, batch: tuple[int, ...]) -> None:
        expected = jax.eval_shape(lambda: self.initial_state(*batch))
        shapes = jax.tree.map(np.shape, expected)
        if jax.tree.map(np.shape, state) != shapes:
            raise ValueError(
                f"state must be that of initial_state({', '.join(map(str, batch))}), arrays of the "
                f"shapes {shapes}; found {jax.tree.map(np.shape, state)}"
            )

    def _keys(self, key: PRNGKeyArray | None, batch: tuple[int, ...]) -> Array | None:
        """A key for each environment, None to act greedily."""
        if key is None:
            return None
        if self.spec.is_greedy:
            raise UserError(f"{self.spec.method} acts greedily: there is nothing to sample")
        is_key = isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
        if not is_key:
            raise TypeError(f"key must be a key of jax.random.key; found {type(key).__name__}")
        _require("key", key.shape, batch, ())
        return key if key.shape == batch else jax.random.split(key, batch)


def load_policy(
    folder: str | Path, *, best: bool = False, checkpoint: int | None = None
) -> TeamPolicy:
    """Load the policy that a run has learnt, or one that ``gpae export`` has written.

    The environment's package is not needed, nor imported. Runs begun by versions that wrote no
    ``policy.json`` are the exception: their environment is made to learn its sizes.

    Args:
        folder: The folder of the run, or of the exported policy; or the name of a team of the zoo,
            such as ``zoo/smax-3m-gpae``.
        best: Take the parameters of the best evaluation so far, instead of the newest.
        checkpoint: The checkpoint to read, by its update; the newest when None.

    Returns:
        The policy.

    Raises:
        UserError: The folder is neither, there is no such checkpoint, the run was never evaluated
            though ``best`` is set, or what is there is damaged; an export has one set of parameters
            and neither ``best`` nor ``checkpoint``.
    """
    folder = located(folder)
    if is_export(folder):
        refuse_choice(folder, best, checkpoint)
        spec, params, saved = exported_params(folder)
        return TeamPolicy(spec, jax.device_put(params), saved)
    run = RunFolder.open(folder)
    spec = spec_of_run(run)
    params, update = ("best/params/actor", "best/update") if best else _NEWEST
    templates = {
        params: spec.params_shapes(spec.policy_network()),
        update: jax.ShapeDtypeStruct((), jnp.int32),
        "best/score": jax.ShapeDtypeStruct((), jnp.float32),
    }
    read = Checkpoints(run.checkpoints_path).restore_parts(templates, checkpoint)
    if best and jnp.isneginf(read["best/score"]):
        raise UserError(f"{folder} has no best parameters, as it was never evaluated")
    return TeamPolicy(spec, jax.device_put(read[params]), int(read[update]))


def spec_of_run(run: RunFolder) -> PolicySpec:
    """The description of a run's policy, as it was written when the run began.

    Raises:
        UserError: It is damaged; or it is absent, and the environment cannot be made.
    """
    if run.policy_path.is_file():
        return PolicySpec.read(run.policy_path)
    config = from_dict(run.config)
    return PolicySpec.of(config, make(config.task_name, **config.task_settings).spec)


def _require(name: str, found: tuple[int, ...], *admitted: tuple[int, ...]) -> None:
    if found not in admitted:
        expected = " or ".join(map(str, dict.fromkeys(admitted)))
        raise ValueError(f"{name} must have shape {expected}; found {found}")
