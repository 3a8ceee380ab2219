"""The first look: does it learn, at JaxMARL's settings, and does reuse pay at the release's.

``python -m gpae.studies.first runs/* --results FOLDER`` archives finished runs, draws them
and prints the table; without runs it works on what is archived.
"""

import sys
from collections.abc import Sequence

from gpae.studies.study import Panel, tell

COMMANDS = (
    "gpae train -m task=smax/1s1z preset=jaxmarl method=mappo,gpae window.length=1 "
    "total_env_steps=5e5 evaluation.interval=1e5 seed=0,1,2",
    "gpae train -m task=smax/3m preset=jaxmarl method=mappo,gpae window.length=1 "
    "total_env_steps=1e6 evaluation.interval=1e5 seed=0,1,2",
    "gpae train -m task=smax/1s1z preset=release method=gpae window.length=1,4 "
    "total_env_steps=5e5 evaluation.interval=1e5 seed=0,1,2",
)
"""The study's runs."""

PANELS = (
    Panel("smax/3m", "jaxmarl", 2e-3, 1_000_000),
    Panel("smax/1s1z", "jaxmarl", 2e-3, 500_000),
    Panel("smax/1s1z", "release", 5e-4, 500_000),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Archive the runs given, then report on what is archived."""
    return tell(__doc__, PANELS, "results/first", arguments)


if __name__ == "__main__":
    sys.exit(main())
