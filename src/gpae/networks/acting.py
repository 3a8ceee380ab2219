"""What acts on observations, be it a policy network or a Q-network."""

from typing import Any, Protocol


class PolicyNetwork(Protocol):
    """Anything whose ``apply`` takes and gives what :func:`~gpae.networks.apply_actor` does."""

    def apply(self, parameters: Any, /, *inputs: Any) -> Any:
        """The memories after each step, and the policy of each step and agent."""
