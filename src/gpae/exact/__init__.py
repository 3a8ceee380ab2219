"""Finite team games solved exactly: the estimators' expectations, biases and variances.

Values, the per-agent operators of Eq. 4 and 6 with their fixed points and contraction moduli, and
the variances of advantages and of the policy gradient are computed from a game's tables in float64,
without sampling; so are two estimators of this library's own, which are not the paper's.
"""

from gpae.exact.control_variate_tables import (
    FormVarianceRow,
    QCorrectedRow,
    VBootstrappedRow,
    decomposed_critic,
    form_variance_table,
    q_corrected_table,
    v_bootstrapped_table,
)
from gpae.exact.control_variates import (
    FORMS,
    Critics,
    Form,
    action_value_operator,
    agent_values_of,
    decomposed_operator,
    expected_advantages,
    form_gradient_variance,
    form_variance,
    state_value_operator,
)
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
    "FORMS",
    "Critics",
    "Form",
    "FormVarianceRow",
    "Operator",
    "OperatorRow",
    "QCorrectedRow",
    "Settings",
    "TeamGame",
    "Trajectories",
    "VBootstrappedRow",
    "VarianceRow",
    "WeightRow",
    "action_value_operator",
    "action_values",
    "advantage_variance",
    "agent_values_of",
    "bootstrap_weights",
    "build_operator",
    "contraction_modulus",
    "decomposed_critic",
    "decomposed_operator",
    "expected_advantages",
    "expected_values",
    "fixed_point",
    "form_gradient_variance",
    "form_variance",
    "form_variance_table",
    "gradient_variance",
    "importance_ratios",
    "matrix_game",
    "mixed_policy",
    "named_games",
    "occupancy",
    "operator_table",
    "q_corrected_table",
    "random_game",
    "sample_trajectories",
    "softmax_policy",
    "spectral_radius",
    "state_value_operator",
    "state_values",
    "switching_game",
    "traces",
    "v_bootstrapped_table",
    "variance_table",
    "weight_table",
    "weight_variance",
]
