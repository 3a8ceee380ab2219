"""First study: learning with the jaxmarl preset, and sample reuse with the release preset.

``python -m gpae.studies.first runs/* --results FOLDER`` archives finished runs, draws their curves
and prints the table; without runs it reports on the archived ones.
"""

import sys
from collections.abc import Sequence

from gpae.studies.study import Panel, study_command

COMMANDS = (
    "gpae train -m task=smax/1s1z preset=jaxmarl method=mappo,gpae window.length=1 "
    "total_env_steps=5e5 evaluation.interval=1e5 seed=0,1,2",
    "gpae train -m task=smax/3m preset=jaxmarl method=mappo,gpae window.length=1 "
    "total_env_steps=1e6 evaluation.interval=1e5 seed=0,1,2",
    "gpae train -m task=smax/1s1z preset=release method=gpae window.length=1,4 "
    "total_env_steps=5e5 evaluation.interval=1e5 seed=0,1,2",
)
"""Commands that make the study's runs."""

PANELS = (
    Panel("smax/3m", "jaxmarl", 2e-3, 1_000_000),
    Panel("smax/1s1z", "jaxmarl", 2e-3, 500_000),
    Panel("smax/1s1z", "release", 5e-4, 500_000),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Archive the given runs, then report on all archived ones."""
    return study_command(__doc__, PANELS, "results/first", arguments)


if __name__ == "__main__":
    sys.exit(main())
