"""Whole episodes played side by side, step by step, each in an environment of its own."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PyTree, UInt32

from gpae.environments.environment import (
    Actions,
    Environment,
    EnvironmentState,
    Observation,
    Step,
    taken_actions,
)
from gpae.networks import NetworkSettings, PolicyNetwork, apply_actor, initial_hidden_state, sample
from gpae.training.keys import Purpose, derive_each


@struct.dataclass
class EpisodesUnderWay:
    """Episodes at one moment: results stop changing once an episode is done.

    Attributes:
        time: Number of steps so far.
        environment_state: The environments' own states.
        observation: The observations.
        hidden_state: The policy network's hidden states.
        done: True where the episode has ended.
        results: Return, length and outcomes of each episode so far, by name.
    """

    time: Int[Array, ""]
    environment_state: EnvironmentState
    observation: Observation
    hidden_state: PyTree
    done: Bool[Array, " E"]
    results: dict[str, Float[Array, " E"]]


@struct.dataclass
class PlayedStep:
    """One step of every episode, those that are done included.

    Attributes:
        actions: The policy's own actions, or the ones carried out where a wrapper replaced them.
        log_probs: Their log-probabilities, or log-densities, under the policy.
        step: The environments' results.
    """

    actions: Actions
    log_probs: Float[Array, "E N"]
    step: Step


@dataclass(frozen=True)
class EpisodePlayer:
    """Plays episodes with the keys of evaluation, which touch no training key.

    Attributes:
        environment: The environment, unbatched.
        actor: The policy network.
        network: Its settings, for the hidden state's size.
        max_steps: Steps after which an episode without an end is cut off, unless the environment's
            time limit is longer.
        greedy: Take the most likely actions; else sample.
    """

    environment: Environment
    actor: PolicyNetwork
    network: NetworkSettings
    max_steps: int
    greedy: bool

    @property
    def longest(self) -> int:
        """Most steps of an episode."""
        return max(self.environment.spec.max_episode_steps or 0, self.max_steps)

    def begin(
        self, seed: UInt32[Array, ""], counter: Int[Array, ""], environments: Int[Array, " E"]
    ) -> EpisodesUnderWay:
        """Reset the environments.

        Args:
            seed: The seed of the episodes.
            counter: The number of the evaluation, from which its keys follow.
            environments: The numbers of the environments in it.
        """
        keys = derive_each(seed, Purpose.EVALUATION_RESET, counter, environments)
        environment_state, observation = jax.vmap(self.environment.reset)(keys)
        size, spec = environments.shape[0], self.environment.spec
        names = ("episode_return", "episode_length", *spec.metrics)
        return EpisodesUnderWay(
            time=jnp.int32(0),
            environment_state=environment_state,
            observation=observation,
            hidden_state=initial_hidden_state(self.network, size, spec.num_agents),
            done=jnp.zeros(size, bool),
            results={name: jnp.zeros(size) for name in names},
        )

    def advance(
        self,
        params: Any,
        seed: UInt32[Array, ""],
        counter: Int[Array, ""],
        environments: Int[Array, " E"],
        episodes: EpisodesUnderWay,
    ) -> tuple[EpisodesUnderWay, PlayedStep]:
        """Make one step in every environment; the arguments are those of :meth:`begin`."""
        limit = self.environment.spec.max_episode_steps or self.max_steps
        draw, observation = counter * limit + episodes.time, episodes.observation
        hidden_states, policy = apply_actor(
            self.actor,
            params,
            episodes.hidden_state,
            observation.observations[None],
            observation.available_actions[None],
            jnp.full((1, *episodes.done.shape), episodes.time == 0),
        )
        keys = derive_each(seed, Purpose.EVALUATION_ACTION, draw, environments)
        chosen = policy[0].mode() if self.greedy else sample(keys, policy[0])
        environment_state, step = jax.vmap(self.environment.step)(
            derive_each(seed, Purpose.EVALUATION_STEP, draw, environments),
            episodes.environment_state,
            policy[0].executed(chosen),
        )
        actions = taken_actions(chosen, step)
        after = EpisodesUnderWay(
            time=episodes.time + 1,
            environment_state=environment_state,
            observation=step.observation,
            hidden_state=jax.tree.map(lambda leaf: leaf[0], hidden_states),
            done=episodes.done | step.boundary,
            results=_added(episodes, step),
        )
        return after, PlayedStep(actions, policy[0].log_prob(actions), step)


def _added(episodes: EpisodesUnderWay, step: Step) -> dict[str, Float[Array, " E"]]:
    """The results after a step, those of episodes that were done unchanged."""
    running, results = ~episodes.done, episodes.results
    sums = {
        "episode_return": step.team_reward,
        "episode_length": jnp.ones_like(step.team_reward),
    }
    added = {name: results[name] + jnp.where(running, sums[name], 0.0) for name in sums}
    at_end = {
        name: jnp.where(running, outcome, results[name]) for name, outcome in step.outcomes.items()
    }
    return {**added, **at_end}
