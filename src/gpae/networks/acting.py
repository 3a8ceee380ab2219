"""What acts on observations, be it a policy network or a Q-network."""

from typing import Any, Protocol


class PolicyNetwork(Protocol):
    """Anything whose ``apply`` takes and gives what :func:`~gpae.networks.apply_actor` does."""

    def apply(self, params: Any, /, *inputs: Any) -> Any:
        """The hidden states after each step, and the policy of each step and agent."""
