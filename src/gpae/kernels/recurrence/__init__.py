"""A GRU over some steps: the reference, and its forms by backend.

=========================================  ========================================================
:mod:`gpae.kernels.recurrence.gru`         the arguments and the reference
:mod:`gpae.kernels.recurrence.loops`       few and large products in the gradient, in a cache
:mod:`gpae.kernels.recurrence.gpu`         few kernels a step
=========================================  ========================================================
"""

from gpae.kernels.recurrence import gpu, loops
from gpae.kernels.recurrence.gru import GruInputs, GruWeights, gru_hidden_states

__all__ = ["GruInputs", "GruWeights", "gpu", "gru_hidden_states", "loops"]
