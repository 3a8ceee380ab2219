from dataclasses import dataclass

import numpy as np
import pytest

from gpae import exact


@dataclass(frozen=True)
class Case:
    """A random game with a target and a behaviour policy, and the true values of one agent."""

    game: exact.TeamGame
    target: np.ndarray
    behaviour: np.ndarray
    agent: int

    @property
    def action_values(self):
        return exact.action_values(self.game, self.target)

    @property
    def true_values(self):
        return exact.expected_values(self.action_values, self.target, self.agent)

    @property
    def advantages(self):
        return self.action_values - self.true_values

    def operator(self, scheme, bootstrap, lambda_=1.0, eta=1.05, limit=np.inf):
        policies = self.target, self.behaviour
        traces = exact.traces(scheme, *policies, self.agent, lambda_=lambda_, eta=eta)
        weights = exact.bootstrap_weights(bootstrap, *policies, self.agent, limit=limit)
        return exact.build_operator(self.game, *policies, self.agent, traces, weights)


def draw_case(seed, num_agents=3, num_actions=2, num_states=4, discount=0.9, shift=0.7):
    rng = np.random.default_rng([7, seed])
    game = exact.random_game(
        rng,
        num_states=num_states,
        num_agents=num_agents,
        num_actions=num_actions,
        discount=discount,
    )
    logits, noise = rng.normal(size=(2, num_agents, num_states, num_actions))
    target, behaviour = exact.softmax_policy(logits), exact.softmax_policy(logits + shift * noise)
    return Case(game, target, behaviour, seed % num_agents)


@pytest.fixture(scope="session")
def make_case():
    return draw_case


@pytest.fixture(params=range(6))
def case(request):
    return draw_case(request.param, num_actions=2 + request.param % 2)
