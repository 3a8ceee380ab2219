"""Collection of whole trajectories: T steps from the start of an episode on."""

from jaxtyping import Array, Int

from gpae.networks import NetworkSettings, initial_hidden_state
from gpae.training.collection import (
    CollectionPlan,
    EpisodeTotals,
    begin,
    collect,
    record_truncations,
)
from gpae.training.keys import Clock
from gpae.training.q_learning.exploration import Explorer
from gpae.training.q_learning.state import Trajectories


def collect_trajectories(
    plan: CollectionPlan,
    network: NetworkSettings,
    explorer: Explorer,
    clock: Clock,
    environments: Int[Array, " E"],
) -> tuple[Trajectories, EpisodeTotals]:
    """Reset every environment and act for T steps.

    Args:
        plan: The constants; its actor is epsilon-greedy.
        network: The Q-network's settings.
        explorer: The parameters to act with, and epsilon.
        clock: Seed and number of updates made, from which the keys of every step follow.
        environments: The environments' numbers in the whole run, from which their keys follow.

    Returns:
        One trajectory an environment, and the totals of the episodes that ended in them.
    """
    agents = plan.environment.spec.num_agents
    hidden_states = {"actor": initial_hidden_state(network, environments.size, agents)}
    collector = begin(plan, clock.seed, environments, hidden_states, clock.update)
    collector, rollout, _, totals = collect(plan, explorer, collector, clock, environments)
    steps, last = rollout.steps, plan.steps - 1
    # Every rollout begins an episode, so one that is still under way at the end leaves a slot free.
    under_way = ~collector.first
    truncations = record_truncations(
        rollout.truncations, collector.observation, under_way, last, plan.steps
    )
    trajectories = Trajectories(
        observation=steps.observation,
        first=steps.first,
        actions=steps.actions,
        rewards=steps.rewards,
        terminated=steps.terminated,
        truncations=truncations,
    )
    return trajectories, totals
