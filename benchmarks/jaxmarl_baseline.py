"""JaxMARL's own recurrent MAPPO script for SMAX, run as it stands in a checkout of JaxMARL.

    python benchmarks/jaxmarl_baseline.py JAXMARL/baselines/MAPPO/mappo_rnn_smax.py \\
        --map 5m_vs_6m --steps 524288

The script keeps its own settings but for the map, the environment steps and the seed. Its
experiment tracker is replaced by one that sends nothing anywhere, and can write what the script
reports after each update to a file of JSON lines.
"""

import argparse
import json
import os
import runpy
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

_VIRTUAL_DEVICES = ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES")
"""The script uses one device: what would split a CPU into several is not passed on to it."""


Record = Callable[[dict[str, Any]], None]


def writer(log: Path | None) -> Record:
    """A record of metrics as JSON lines in a file; of nothing where there is no file."""
    if log is None:
        return lambda metrics: None
    stream = log.open("w", encoding="utf-8")

    def record(metrics: dict[str, Any]) -> None:
        line = {name: float(value) for name, value in metrics.items()}
        print(json.dumps(line), file=stream, flush=True)

    return record


def silent_tracker(record: Record) -> types.ModuleType:
    """A module in the place of ``wandb``, with the two functions that the script calls."""
    tracker: Any = types.ModuleType("wandb")
    tracker.init = lambda **_: None
    tracker.log = record
    return tracker


def run(script: Path, settings: list[str], record: Record) -> None:
    """Run the script in this process, to the end of its last update.

    Args:
        script: The script.
        settings: Its overrides, in Hydra's syntax.
        record: Called with what the script reports, after each update.
    """
    for name in _VIRTUAL_DEVICES:
        os.environ.pop(name, None)
    sys.modules["wandb"] = silent_tracker(record)
    with tempfile.TemporaryDirectory(prefix="jaxmarl-baseline-") as folder:
        sys.argv = [
            str(script),
            *settings,
            f"hydra.run.dir={folder}",
            "hydra.output_subdir=null",
            "hydra/job_logging=none",
            "hydra/hydra_logging=none",
        ]
        runpy.run_path(str(script), run_name="__main__")

    import jax

    jax.effects_barrier()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("script", type=Path, help="mappo_rnn_smax.py in a checkout of JaxMARL")
    parser.add_argument("overrides", nargs="*", help="other settings of the script: NUM_ENVS=64")
    parser.add_argument("--map", default="5m_vs_6m", help="the SMAX map (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=2**19, help="environment steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="what the script reports, as JSON lines")
    parsed = parser.parse_args()
    if not parsed.script.is_file():
        parser.error(f"{parsed.script} is no file")
    return parsed


if __name__ == "__main__":
    parsed = arguments()
    settings = [
        f"MAP_NAME={parsed.map}",
        f"TOTAL_TIMESTEPS={parsed.steps}",
        f"SEED={parsed.seed}",
        *parsed.overrides,
    ]
    run(parsed.script.resolve(), settings, writer(parsed.log))
