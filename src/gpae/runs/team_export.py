"""A run's team as a folder that can be passed on: policy, critics, configuration and card."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from gpae import __version__
from gpae.config.commands import training_command
from gpae.config.schema import Config
from gpae.runs.export import export_policy, write_critics
from gpae.runs.files import disk_errors, write_atomically
from gpae.runs.folder import RunFolder
from gpae.runs.learnt_params import learnt_params
from gpae.runs.session import evaluate
from gpae.runs.system import System
from gpae.runs.versions import versions
from gpae.zoo import CARD, Card
from gpae.zoo.cards import mean_interval

SEED = 1_000_000
"""Seed of the card's episodes, which no run's own evaluation has by default."""

_SIMULATORS = {"smax": "jaxmarl", "jaxmarl": "jaxmarl", "mabrax": "brax"}
"""The package that decides a task's dynamics, by the task's family."""


def export_team(
    config: Config,
    folder: RunFolder,
    output: Path,
    *,
    episodes: int,
    best: bool = False,
    checkpoint: int | None = None,
) -> Card:
    """Write a run's team into a folder and evaluate what was written.

    ``gpae.load_policy``, ``gpae evaluate`` and ``gpae credit`` take the folder like the run's.

    Args:
        config: The run's configuration.
        folder: The run.
        output: The folder to make, which holds no export yet.
        episodes: Number of greedy episodes of the evaluation, 2 at least.
        best: Export the parameters of the best evaluation, not the checkpoint's own.
        checkpoint: Which checkpoint; the newest when None.

    Returns:
        The card, which is written beside the parameters.

    Raises:
        UserError: The parameters cannot be read, the folder holds an export, or the disk refused.
    """
    system = System(config)
    shapes = system.population.state_shapes.params
    params, update = learnt_params(folder, shapes, best=best, checkpoint=checkpoint)
    export_policy(system.policy_spec, params["actor"], update, output)
    write_critics(params, output)
    with disk_errors(f"write to {output}"):
        for path in (folder.config_path, folder.versions_path):
            shutil.copyfile(path, output / path.name)
    card = _measured(config, RunFolder.open(output), system, update, episodes)
    with disk_errors(f"write to {output}"):
        write_atomically(output / CARD, card.as_json().encode())
    return card


def _measured(
    config: Config, exported: RunFolder, system: System, update: int, episodes: int
) -> Card:
    """The card of an exported team, after playing its episodes."""
    played, _ = evaluate(
        config,
        exported,
        episodes=episodes,
        greedy=True,
        best=False,
        checkpoint=None,
        seed=SEED,
    )
    values = [float(value) for value in played[system.metric]]
    low, high = mean_interval(values)
    return Card(
        task=config.task_name,
        method=config.method.name,
        env_steps=update * system.budget.env_steps,
        metric=system.metric,
        mean=sum(values) / len(values),
        low=low,
        high=high,
        episodes=episodes,
        evaluation_seed=SEED,
        date=datetime.now(UTC).date().isoformat(),
        versions=_versions(config.task_name.partition("/")[0]),
        command=training_command(config),
    )


def _versions(family: str) -> dict[str, str]:
    found, simulator = versions(), _SIMULATORS.get(family)
    named = {name: found[name] for name in ("jax", simulator) if name is not None}
    return {"gpae": __version__, **named}
