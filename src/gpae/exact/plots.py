"""Plots of the theory's tables."""

import itertools
import re
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gpae.estimators import BOOTSTRAPS, TRACE_SCHEMES, TraceScheme
from gpae.exact.report import TheoryReport

_MARKERS = "osD^vx"


def plot_theory(report: TheoryReport, directory: Path) -> list[Path]:
    """PNG files of the plots, named ``theory_*.png``; returns their paths.

    Args:
        report: from :func:`gpae.exact.report.compute_theory`.
        directory: made if missing.
    """
    directory.mkdir(parents=True, exist_ok=True)
    figures = {
        "theory_bias.png": _shift_figure(
            report, "advantage_error", "advantage error (reward units)"
        ),
        "theory_contraction.png": _shift_figure(report, "modulus", "contraction modulus"),
        "theory_variance.png": _variance_figure(report),
    }
    for name, figure in figures.items():
        FigureCanvasAgg(figure)
        figure.savefig(directory / name, dpi=120, metadata={"Software": None})
    return [directory / name for name in figures]


def _shift_figure(report: TheoryReport, quantity: str, label: str) -> Figure:
    """Quantity over the policy shift: one panel a bootstrap, one line a scheme."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, 2, sharey=True))
    for panel, bootstrap in zip(panels, BOOTSTRAPS, strict=True):
        for scheme, marker in zip(TRACE_SCHEMES.values(), itertools.cycle(_MARKERS), strict=False):
            rows = [r for r in report.shifts if (r.bootstrap, r.scheme) == (bootstrap, scheme.name)]
            panel.plot(
                [row.policy_shift for row in rows],
                [getattr(row, quantity) for row in rows],
                marker=marker,
                markersize=4,
                label=_label(scheme),
            )
        panel.set_title(f'bootstrap="{bootstrap}"')
        panel.set_xlabel("policy shift (behaviour from target)")
    if quantity == "modulus":
        for panel in panels:
            panel.axhline(report.settings.discount, color="black", linestyle=":", linewidth=1)
            panel.axhline(1, color="black", linewidth=1)
            panel.set_ylim(0, 3)
    panels[0].set_ylabel(label)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _label(scheme: TraceScheme) -> str:
    r"""Name and coefficient as mathematical text, such as ``individual: $\min(1, \rho^{i})$``."""
    powers = re.sub(r"\^(-?i)", r"^{\1}", scheme.formula)
    symbols = re.sub(r"\b(min|rho|eta)\b", r"\\\1", powers).replace(r"} \min", r"}\,\min")
    return f"{scheme.name}: ${symbols}$"


def _variance_figure(report: TheoryReport) -> Figure:
    """Variance with V(s) over variance with EQ^i by team size, one panel an estimate."""
    estimates = list(dict.fromkeys(row.lambda_ for row in report.variances))
    structures = list(dict.fromkeys(row.rewards for row in report.variances))
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, len(estimates), sharey=True))
    for panel, lambda_ in zip(panels, estimates, strict=True):
        for structure in structures:
            rows = [
                row
                for row in report.variances
                if (row.lambda_, row.rewards, row.baseline) == (lambda_, structure, "state")
            ]
            sizes, ratios = [row.num_agents for row in rows], [row.ratio for row in rows]
            panel.plot(sizes, ratios, marker="o", label=f"{structure} rewards")
        panel.axhline(1, color="black", linewidth=1)
        panel.set_title("exact Q" if lambda_ is None else rf"sampled, $\lambda$ = {lambda_:g}")
        panel.set_xlabel("agents N")
    panels[0].set_ylabel(r"gradient variance, $V(s)$ over $EQ^i$")
    panels[0].legend()
    return figure
