"""Finite team games solved exactly: the estimators' expectations, biases and variances.

Values, the per-agent operators of Eq. 4 and 6 with their fixed points and contraction moduli, and
the variances of advantages and of the policy gradient are computed from a game's tables in float64,
without sampling.
"""

from gpae.exact.games import TeamGame, matrix_game, named_games, random_game, switching_game
from gpae.exact.off_policy import bootstrap_weights, traces
from gpae.exact.operators import (
    Operator,
    build_operator,
    contraction_modulus,
    fixed_point,
    spectral_radius,
)
from gpae.exact.policies import importance_ratios, mixed_policy, softmax_policy
from gpae.exact.sampling import Trajectories, sample_trajectories
from gpae.exact.tables import (
    OperatorRow,
    Settings,
    VarianceRow,
    WeightRow,
    operator_table,
    variance_table,
    weight_table,
)
from gpae.exact.values import action_values, expected_values, occupancy, state_values
from gpae.exact.variance import (
    BASELINES,
    advantage_variance,
    gradient_variance,
    weight_variance,
)

__all__ = [
    "BASELINES",
    "Operator",
    "OperatorRow",
    "Settings",
    "TeamGame",
    "Trajectories",
    "VarianceRow",
    "WeightRow",
    "action_values",
    "advantage_variance",
    "bootstrap_weights",
    "build_operator",
    "contraction_modulus",
    "expected_values",
    "fixed_point",
    "gradient_variance",
    "importance_ratios",
    "matrix_game",
    "mixed_policy",
    "named_games",
    "occupancy",
    "operator_table",
    "random_game",
    "sample_trajectories",
    "softmax_policy",
    "spectral_radius",
    "state_values",
    "switching_game",
    "traces",
    "variance_table",
    "weight_table",
    "weight_variance",
]
