"""GPAE in a plain PPO loop of one's own, in PyTorch on a PettingZoo game: ``python ppo_torch.py``.

Three agents spread over three landmarks (MPE's simple spread). It needs ``pip install
'gpae[torch]' mpe2``; of this library it uses the estimators alone, in :func:`estimate`.
"""

import numpy as np
from mpe2 import simple_spread_v3
from torch.distributions import Categorical
from torch.nn.functional import one_hot

import gpae.torch as estimators
import torch
from torch import nn

GAMMA, LAMBDA, CLIP, ENTROPY = 0.95, 0.95, 0.2, 0.01


def mlp(inputs, outputs):
    layers = nn.Linear(inputs, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh()
    return nn.Sequential(*layers, nn.Linear(64, outputs))


class Team(nn.Module):
    """A policy that the agents share, and a critic EQ^i(s, a^-i) of each of them."""

    def __init__(self, agents, observation_size, actions):
        super().__init__()
        self.agents, self.actions = agents, actions
        self.actor = mlp(observation_size + agents, actions)
        self.critic = mlp(agents * (observation_size + actions + 1), 1)

    def policy(self, observations):
        """Each agent's policy of its own observation and its id, [..., N]."""
        return Categorical(logits=self.actor(torch.cat([observations, self.ids(observations)], -1)))

    def values(self, observations, actions, policy):
        """EQ^i of all observations and the others' actions; the own slot has the policy, [..., N].

        Agent i's own action is nowhere in its input: that is what makes EQ^i its baseline.
        """
        taken = one_hot(actions, self.actions).float()[..., None, :, :]
        own = torch.eye(self.agents, dtype=torch.bool)[..., None]
        joint_action = torch.where(own, policy.probs.detach()[..., None, :, :], taken).flatten(-2)
        state = observations.flatten(-2)[..., None, :].expand(*joint_action.shape[:-1], -1)
        inputs = torch.cat([state, joint_action, self.ids(observations)], -1)
        return self.critic(inputs)[..., 0]

    def ids(self, observations):
        return torch.eye(self.agents).expand(*observations.shape[:-2], -1, -1)


class Games:
    """Several games side by side, which begin again where they end."""

    def __init__(self, count, length, seed):
        self.games = [simple_spread_v3.parallel_env(max_cycles=length) for _ in range(count)]
        begun = [game.reset(seed=seed + number)[0] for number, game in enumerate(self.games)]
        self.observations = np.stack([stacked(by_agent) for by_agent in begun])

    def step(self, actions):
        """The team's rewards, true successors, terminations and truncations, each [E, ...]."""
        results = [step_game(*each) for each in zip(self.games, actions.tolist(), strict=True)]
        self.observations, *rest = (np.stack(each) for each in zip(*results, strict=True))
        return rest


def step_game(game, actions):
    """The observations to act on next, the reward, the successor, and how the episode ended."""
    given = dict(zip(game.possible_agents, actions, strict=True))
    by_agent, rewards, terminated, truncated, _ = game.step(given)
    ended = all(terminated.values()), all(truncated.values())
    following = game.reset()[0] if any(ended) else by_agent
    return stacked(following), np.mean(list(rewards.values())), stacked(by_agent), *ended


def stacked(by_agent):
    return np.stack(list(by_agent.values()))


@torch.no_grad()
def collect(team, games, steps):
    """Play some steps; every array is [T, E, ...]."""
    played = []
    for _ in range(steps):
        observations = torch.as_tensor(games.observations, dtype=torch.float32)
        policy = team.policy(observations)
        actions = policy.sample()
        rewards, successors, terminated, truncated = games.step(actions.numpy())
        played.append(
            {
                "observations": observations,
                "actions": actions,
                "log_probs": policy.log_prob(actions),
                "rewards": torch.as_tensor(rewards, dtype=torch.float32),
                "successors": torch.as_tensor(successors, dtype=torch.float32),
                "terminated": torch.as_tensor(terminated),
                "boundaries": torch.as_tensor(terminated | truncated),
            }
        )
    return {name: torch.stack([step[name] for step in played]) for name in played[0]}


@torch.no_grad()
def estimate(team, rollout):
    """Per-agent advantages and value targets: the place where GPAE comes into the loop.

    At the successor the others act as they did on the next step; where no next step follows, at
    the end of an episode and of the rollout, their actions are drawn from the policy.
    """
    policy = team.policy(rollout["observations"])
    values = team.values(rollout["observations"], rollout["actions"], policy)
    next_policy = team.policy(rollout["successors"])
    next_actions = next_policy.sample()
    follows = ~rollout["boundaries"][:-1, ..., None]
    next_actions[:-1] = torch.where(follows, rollout["actions"][1:], next_actions[:-1])
    log_ratios = policy.log_prob(rollout["actions"]) - rollout["log_probs"]  # 0: on-policy
    advantages = estimators.gpae(
        rollout["rewards"],
        values,
        team.values(rollout["successors"], next_actions, next_policy),
        discounts=GAMMA * (~rollout["terminated"]).float(),
        boundaries=rollout["boundaries"],
        traces=estimators.traces("double", log_ratios, LAMBDA),
    )
    return advantages, estimators.value_targets(values, advantages, log_ratios)


def update(team, optimiser, rollout, advantages, targets, epochs):
    """Clipped policy gradients and regression; advantages are normalised over all agents."""
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
    for _ in range(epochs):
        policy = team.policy(rollout["observations"])
        ratio = (policy.log_prob(rollout["actions"]) - rollout["log_probs"]).exp()
        clipped = ratio.clamp(1 - CLIP, 1 + CLIP)
        actor_loss = -torch.minimum(ratio * advantages, clipped * advantages).mean()
        values = team.values(rollout["observations"], rollout["actions"], policy)
        critic_loss = (values - targets).square().mean()
        loss = actor_loss + 0.5 * critic_loss - ENTROPY * policy.entropy().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(team.parameters(), 1.0)
        optimiser.step()


def train(updates=100, environments=16, steps=50, epochs=8, length=25, seed=0):
    """Train a team; it and the mean reward of each update's steps."""
    torch.manual_seed(seed)
    games = Games(environments, length, seed)
    team = Team(*games.observations.shape[1:], actions=5)
    optimiser = torch.optim.Adam(team.parameters(), lr=1e-3)
    rewards = []
    for number in range(updates):
        rollout = collect(team, games, steps)
        update(team, optimiser, rollout, *estimate(team, rollout), epochs)
        rewards.append(float(rollout["rewards"].mean()))
        if number % 10 == 9:
            print(f"update {number + 1}: mean reward of a step {np.mean(rewards[-10:]):.3f}")
    return team, rewards


if __name__ == "__main__":
    torch.set_num_threads(1)  # faster, as the networks are small
    train()
