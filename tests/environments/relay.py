"""A small game with PettingZoo's parallel interface, whose every number says whose it is."""

import numpy as np
from gymnasium.spaces import Box, Discrete

AGENTS = ("a", "b", "c")


class Relay:
    """Agents of different spaces; b leaves after two steps; the seed decides how episodes end.

    An episode of an even seed terminates after three steps, one of an odd seed is truncated after
    four. Observations are ``seed + time / 10 + row / 100``; c sees the time as one of six
    categories, counted from 1. The reward of row i is ``10 ** i`` times its action, whose first one
    is number 1 for c. An information masks c's last action at odd times.
    """

    def __init__(self, alike=False, error=None):
        if error is not None:
            raise ValueError(error)
        self.possible_agents, self.alike = list(AGENTS), alike
        self.resets = 0

    def observation_space(self, agent):
        return {"a": Box(-1, 1, (2,)), "b": Box(-1, 1, (3, 1)), "c": Discrete(6, start=1)}[agent]

    def action_space(self, agent):
        return {"a": Discrete(2), "b": Discrete(3), "c": Discrete(4, start=1)}[agent]

    def reset(self, seed=None, options=None):
        self.seed, self.time, self.agents = seed % 1000, 0, list(AGENTS)
        self.resets += 1
        return self._seen(), {}

    def step(self, actions):
        assert set(actions) == set(self.agents)
        self.time += 1
        over = self.time == 3 and self.seed % 2 == 0
        late = self.time == 4
        gone = {agent: over or (agent == "b" and self.time == 2) for agent in self.agents}
        cut = dict.fromkeys(self.agents, late)
        rewards = {
            agent: 1.0 if self.alike else float(10 ** AGENTS.index(agent) * actions[agent])
            for agent in self.agents
        }
        seen = {agent: each for agent, each in self._seen().items() if agent in self.agents}
        self.agents = [agent for agent in self.agents if not (gone[agent] or late)]
        mask = np.array([1, 1, 1, self.time % 2 == 0], np.int8)
        return seen, rewards, gone, cut, {"c": {"action_mask": mask}}

    def state(self):
        return np.array([self.seed, self.time], np.float64)

    def _seen(self):
        number = self.seed + self.time / 10
        return {
            "a": np.full(2, number),
            "b": np.full((3, 1), number + 0.01),
            "c": self.time + 1,
        }


def parallel_env(**arguments):
    return Relay(**arguments)
