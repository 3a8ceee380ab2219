"""Pilot study: MAPPO and GPAE, with and without sample reuse, on two hard maps of SMAX.

``python -m gpae.studies.pilot runs/* --results FOLDER`` archives finished runs, draws their curves
and prints the table; without runs it reports on the archived ones.
"""

import sys
from collections.abc import Sequence

from gpae.studies.study import Panel, study_command

_COMMON = (
    "gpae train -m task=smax/5m_vs_6m,smax/10m_vs_11m preset=jaxmarl total_env_steps=2e6 "
    "evaluation.interval=1e5 seed=0,1 "
)
COMMANDS = (
    f"{_COMMON}method=mappo,gpae window.length=1",
    f"{_COMMON}method=mappo method.trace_scheme=joint window.length=4",
    f"{_COMMON}method=gpae method.trace_scheme=double method.bootstrap=paper,corrected "
    "window.length=4",
)
"""Commands that make the study's runs."""

PANELS = tuple(
    Panel(task, "jaxmarl", 2e-3, 2_015_232) for task in ("smax/5m_vs_6m", "smax/10m_vs_11m")
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Archive the given runs, then report on all archived ones."""
    return study_command(__doc__, PANELS, "results/pilot", arguments, "episode_return")


if __name__ == "__main__":
    sys.exit(main())
