"""Array types of the lab: N agents, S states, A actions of each agent."""

import numpy as np
from jaxtyping import Float

Policy = Float[np.ndarray, "N S A"]
"""A factored team policy: a distribution over own actions for each agent and state."""

Ratios = Float[np.ndarray, "N S A"]
"""A positive factor for each agent, state and own action, such as an importance ratio."""

Table = Float[np.ndarray, "S *A"]
"""A function of state and joint action, ``[S, A^1, ..., A^N]``: agent ``i`` owns axis ``1 + i``.

The axis of an agent whose action the function ignores has length one, so that tables broadcast.
"""

StateTable = Float[np.ndarray, " S"]
"""A function of the state."""
