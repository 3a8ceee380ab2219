"""Report of the lab: all its tables, and the JSON file of them."""

import dataclasses
import json
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import gpae
from gpae.exact.control_variate_tables import (
    FormVarianceRow,
    QCorrectedRow,
    VBootstrappedRow,
    form_variance_table,
    q_corrected_table,
    v_bootstrapped_table,
)
from gpae.exact.tables import (
    OperatorRow,
    Settings,
    VarianceRow,
    WeightRow,
    operator_table,
    variance_table,
    weight_table,
)

POLICY_SHIFTS = (0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class TheoryReport:
    """All tables of ``gpae theory``.

    Attributes:
        settings: games and parameters.
        operators: scheme x bootstrap, at the settings' policy shift.
        shifts: the same rows for each of ``POLICY_SHIFTS``.
        variances: team size x baseline.
        weights: team size x limit of the corrected bootstrap's weight.
        form_variances: team size x estimator, this library's own among them.
        v_bootstrapped: that estimator by scheme, at the settings' policy shift.
        q_corrected: likewise.
    """

    settings: Settings
    operators: list[OperatorRow]
    shifts: list[OperatorRow]
    variances: list[VarianceRow]
    weights: list[WeightRow]
    form_variances: list[FormVarianceRow]
    v_bootstrapped: list[VBootstrappedRow]
    q_corrected: list[QCorrectedRow]


def compute_theory(settings: Settings) -> TheoryReport:
    """Report with every table.

    Args:
        settings: games and parameters.
    """
    shifted = [dataclasses.replace(settings, policy_shift=shift) for shift in POLICY_SHIFTS]
    return TheoryReport(
        settings=settings,
        operators=operator_table(settings),
        shifts=[row for each in shifted for row in operator_table(each)],
        variances=variance_table(settings),
        weights=weight_table(settings),
        form_variances=form_variance_table(settings),
        v_bootstrapped=v_bootstrapped_table(settings),
        q_corrected=q_corrected_table(settings),
    )


def save_theory(report: TheoryReport, directory: Path) -> Path:
    """JSON file ``theory.json`` of settings, versions and every row; returns its path.

    Args:
        report: from :func:`compute_theory`.
        directory: made if missing.
    """
    directory.mkdir(parents=True, exist_ok=True)
    versions = {
        "gpae": gpae.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    command = f"gpae theory --seed {report.settings.seed}"
    content = {"command": command, "versions": versions, **dataclasses.asdict(report)}
    path = directory / "theory.json"
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    return path
