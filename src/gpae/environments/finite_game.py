"""Finite team games, whose values are known exactly, as environments."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from gpae.environments.environment import (
    DiscreteActions,
    EnvironmentSpec,
    EnvironmentState,
    Observation,
    Step,
)
from gpae.exact import TeamGame


@dataclass(frozen=True, eq=False)
class FiniteGame:
    """Environment of a :class:`~gpae.exact.TeamGame`, fully observed, that never terminates.

    Every agent observes the game's state, one-hot, and an episode begins in a uniformly drawn one.
    Rewards are the game's expected ones; its discount is the learner's business.

    Attributes:
        game: The game.
        max_steps: The time limit in transitions; None for no time limit.
    """

    game: TeamGame
    max_steps: int | None = None

    @property
    def spec(self) -> EnvironmentSpec:
        """The game's sizes."""
        game = self.game
        return EnvironmentSpec(
            name="exact/finite_game",
            num_agents=game.num_agents,
            observation_size=game.num_states,
            state_size=game.num_states,
            actions=DiscreteActions(game.num_actions),
            max_episode_steps=self.max_steps,
            early_truncation=False,
        )

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin in a state of the game drawn uniformly."""
        return self.state_at(jax.random.randint(key, (), 0, self.game.num_states))

    def state_at(self, place: Int[Array, ""] | int) -> tuple[EnvironmentState, Observation]:
        """Begin in the given state of the game."""
        state = {"place": jnp.int32(place), "time": jnp.int32(0)}
        return state, self._observation(state)

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Int[Array, " N"]
    ) -> tuple[EnvironmentState, Step]:
        """Draw the successor by the game's transitions."""
        entry = (state["place"], *actions.astype(jnp.int32))
        odds = jnp.log(jnp.asarray(self.game.transitions, jnp.float32)[entry])
        time = state["time"] + 1
        successor = {"place": jax.random.categorical(key, odds).astype(jnp.int32), "time": time}
        over = time >= self.max_steps if self.max_steps is not None else jnp.array(False)
        return successor, Step(
            observation=self._observation(successor),
            actions=actions,
            reward=jnp.asarray(self.game.rewards, jnp.float32)[entry],
            terminated=jnp.array(False),
            truncated=over,
            outcomes={},
            forced=jnp.zeros(self.game.num_agents, bool),
        )

    def _observation(self, state: EnvironmentState) -> Observation:
        game = self.game
        seen = jax.nn.one_hot(state["place"], game.num_states)
        return Observation(
            observations=jnp.tile(seen, (game.num_agents, 1)),
            state=seen,
            available_actions=jnp.ones((game.num_agents, game.num_actions), bool),
            alive=jnp.ones(game.num_agents, bool),
        )
