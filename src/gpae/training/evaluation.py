"""Evaluation on episodes of their own, apart from the training rollouts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Float, Int, UInt32

from gpae.environments.environment import Environment
from gpae.kernels.compiler import compiler_options
from gpae.networks import NetworkSettings, PolicyNetwork
from gpae.training.episode_play import EpisodePlayer
from gpae.training.reduce import DEVICES

CUT_OFF = "cut_off"
"""The metric of episodes that reached no end: 1 for those, there only if there are any."""

EPISODES_AT_ONCE = 16_384
"""Most episodes of several runs that one call plays, so that its memory has a limit."""

Episodes = dict[str, Float[np.ndarray, " episodes"]]
"""One number an episode by metric."""


@dataclass(frozen=True)
class Evaluator:
    """Plays whole episodes with the current policy, each in an environment of its own.

    Attributes:
        environment: The environment, unbatched.
        actor: The policy network.
        network: Its settings, for the hidden state's size.
        episodes: Episodes of one evaluation.
        devices: The devices the episodes are split over.
        max_steps: Steps after which an episode without an end is cut off, unless the environment's
            time limit is longer.
    """

    environment: Environment
    actor: PolicyNetwork
    network: NetworkSettings
    episodes: int
    devices: tuple[jax.Device, ...]
    max_steps: int = 10_000

    def evaluate(self, params: Any, seed: int, counter: int, *, greedy: bool) -> Episodes:
        """Play one episode in each of ``episodes`` environments.

        Args:
            params: The actor's parameters.
            seed: The run's seed; evaluation keys have their own purposes and touch no training key.
            counter: The number of this evaluation, from which its keys follow.
            greedy: Take the most likely actions; else sample.

        Returns:
            One number an episode for ``episode_return``, ``episode_length``, each outcome the
            environment names and, if any episode was cut off, ``cut_off``.
        """
        return self._of_episodes(self._call(params, seed, counter, greedy))

    def evaluate_each(
        self,
        params: Sequence[Any],
        seeds: Sequence[int],
        counter: int,
        *,
        greedy: bool,
        lanes: int | None = None,
    ) -> list[Episodes]:
        """:meth:`evaluate` for several runs, in one compiled call where memory allows it.

        Args:
            params: The actor's parameters in each run, on the host.
            seeds: The runs' seeds.
            counter: The number of this evaluation in each run.
            greedy: Take the most likely actions; else sample.
            lanes: The number of runs of a call: with fewer some are played twice, and nothing is
                compiled anew; by default as many as there are.

        Returns:
            What :meth:`evaluate` gives, for each run.
        """
        size = max(1, min(lanes or len(params), EPISODES_AT_ONCE // self.episodes))
        found: list[Episodes] = []
        for begin in range(0, len(params), size):
            chosen = [*range(begin, min(begin + size, len(params)))]
            filled = chosen + [begin] * (size - len(chosen))
            joint = jax.tree.map(lambda *leaves: np.stack(leaves), *(params[run] for run in filled))
            results = self._call(joint, np.array([seeds[run] for run in filled]), counter, greedy)
            found += [
                self._of_episodes({name: value[lane] for name, value in results.items()})
                for lane in range(len(chosen))
            ]
        return found

    def _call(self, params: Any, seed: Any, counter: int, greedy: bool) -> dict[str, np.ndarray]:
        """Play with one run's parameters and seed or, [R, ...], with those of several."""
        padded = -(-self.episodes // len(self.devices)) * len(self.devices)
        environments = jax.device_put(
            jnp.arange(padded), NamedSharding(self._mesh, PartitionSpec(DEVICES))
        )
        everywhere = jax.device_put(params, NamedSharding(self._mesh, PartitionSpec()))
        results = self._compiled[greedy, np.ndim(seed) > 0](
            everywhere, jnp.asarray(seed, jnp.uint32), jnp.int32(counter), environments
        )
        return jax.tree.map(np.asarray, results)

    def _of_episodes(self, results: dict[str, np.ndarray]) -> Episodes:
        """The episodes asked for, of all that were played."""
        episodes = {name: value[: self.episodes] for name, value in results.items()}
        if not episodes[CUT_OFF].any():
            del episodes[CUT_OFF]
        return episodes

    def player(self, *, greedy: bool) -> EpisodePlayer:
        """The player of the episodes, for those who want their steps."""
        return EpisodePlayer(self.environment, self.actor, self.network, self.max_steps, greedy)

    @property
    def longest(self) -> int:
        """Most steps of an episode."""
        return self.player(greedy=True).longest

    @cached_property
    def _mesh(self) -> Mesh:
        return Mesh(np.array(self.devices), (DEVICES,))

    @cached_property
    def _compiled(self) -> dict[tuple[bool, bool], Callable[..., dict[str, Array]]]:
        """The function that plays, greedily or not, with one run's parameters or with several's."""
        return {
            (greedy, several): self._over_devices(partial(self._play, greedy), several)
            for greedy, several in product((True, False), repeat=2)
        }

    def _over_devices(
        self, play: Callable[..., dict[str, Array]], several: bool
    ) -> Callable[..., dict[str, Array]]:
        everywhere, split = PartitionSpec(), PartitionSpec(DEVICES)
        mapped = jax.shard_map(
            jax.vmap(play, in_axes=(0, 0, None, None)) if several else play,
            mesh=self._mesh,
            in_specs=(everywhere, everywhere, everywhere, split),
            out_specs=PartitionSpec(None, DEVICES) if several else split,
            check_vma=False,
        )
        return jax.jit(mapped, compiler_options=compiler_options())

    def _play(
        self,
        greedy: bool,
        params: Any,
        seed: UInt32[Array, ""],
        counter: Int[Array, ""],
        environments: Int[Array, " E"],
    ) -> dict[str, Float[Array, " E"]]:
        player = self.player(greedy=greedy)
        end = jax.lax.while_loop(
            lambda episodes: ~episodes.done.all() & (episodes.time < self.longest),
            lambda episodes: player.advance(params, seed, counter, environments, episodes)[0],
            player.begin(seed, counter, environments),
        )
        return {**end.results, CUT_OFF: (~end.done).astype(jnp.float32)}


def join_episodes(parts: Sequence[Episodes]) -> Episodes:
    """Episodes of several evaluations as those of one."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {
        name: np.concatenate(
            [part.get(name, np.zeros_like(part["episode_return"])) for part in parts]
        )
        for name in names
    }


def headline_metric(environment: Environment) -> str:
    """The outcome that stands for a run: the environment's first, or the episode return."""
    return environment.spec.metrics[0] if environment.spec.metrics else "episode_return"


def metric_directions(environment: Environment) -> dict[str, str]:
    """Direction of each of the environment's metrics, ``maximise`` or ``minimise``, by name.

    The headline is the first.
    """
    metrics = environment.spec.metrics or (headline_metric(environment),)
    return {
        str(metric): "maximise" if getattr(metric, "maximise", True) else "minimise"
        for metric in metrics
    }
