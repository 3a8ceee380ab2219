"""The command ``gpae train``: one run, or a sweep."""

import argparse
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.cli.hydra_sweep import sweep_with_hydra, train_job
from gpae.cli.new_runs import train_new
from gpae.cli.options import add_imports
from gpae.cli.output import say
from gpae.cli.parser import Commands
from gpae.cli.sweep import train_sweep
from gpae.garbage import without_garbage_collection

if TYPE_CHECKING:
    from rich.console import Console

_HELP = """\
Train a method on a task, in Hydra's syntax:

  gpae train task=smax/5m_vs_6m method=gpae seed=0 total_env_steps=1e7

groups    task=NAME      (gpae tasks)      the environment
          method=NAME    (gpae methods)    the learning method
          preset=NAME    jaxmarl, release, mabrax    network, batch and learning-rate settings;
                                           by default those of the task's family

settings  method.trace_scheme=double|joint|individual|inner|untruncated|none
          method.bootstrap=paper|corrected    method.eta=1.02    method.lambda_=0.95
          window.length=M    reuse the last M rollouts; 1 is on-policy
          window.mode=constant_batch|growing_batch
          network.core=gru|lstm|feedforward
          rollout.environments=128  rollout.steps=128  update.epochs=4  update.minibatches=4
          evaluation.interval=5e5   evaluation.episodes=128   evaluation.mode=greedy|sampled|both
          run.folder=PATH    run.checkpoint_interval=5e5
          run.population=auto|N    the most runs of a sweep that are made together
          run.budget=13m     stop with a checkpoint when the time is up, to go on later
          task.SETTING=...   settings of the task, such as task.stop_probability=0.05
          profile=true       time collection, estimation and update separately
          (qmix and vdn have settings of their own: docs/q_learning.md)

  gpae settings                             all settings, with descriptions
  gpae train --cfg OVERRIDES...             print the whole configuration and stop
  gpae train -m seed=0,1,2 method=gpae,mappo     one run for each combination; those
                                           that share a program together
  gpae train -m hydra/launcher=... hydra/sweeper=...    a sweep by Hydra's plugins
  gpae train seeds=N                             seeds seed to seed+N-1 together, in one process

A run goes to a new folder under runs/. Ctrl-C finishes the current call (up to
run.updates_per_call updates), writes a checkpoint and leaves;
`gpae resume FOLDER` continues bit for bit.
"""


def add_train(commands: Commands) -> None:
    """Register ``gpae train``."""
    train = commands.add_parser(
        "train",
        help="train a method on a task",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings to override")
    train.add_argument(
        "-m", "--multirun", action="store_true", help="sweep over comma-separated values"
    )
    add_imports(train)
    train.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings in YAML, such as another run's config.yaml; those given as words go first",
    )
    train.add_argument("--cfg", action="store_true", help="print the configuration and stop")
    train.set_defaults(command=_train)


def _train(parsed: argparse.Namespace, console: "Console") -> int:
    begun = time.time()
    with without_garbage_collection():
        from gpae.config.compose import compose, describe, expand_sweep, names_hydra
        from gpae.config.settings_file import SettingsFile, read_settings

        file = SettingsFile() if parsed.settings is None else read_settings(parsed.settings)
        make = partial(compose, imports=[*file.imports, *parsed.imports], defaults=file.overrides)
        with_hydra = names_hydra(parsed.overrides)
        if parsed.multirun and with_hydra and not parsed.cfg:
            return sweep_with_hydra(parsed.overrides, partial(train_job, make, begun))
        jobs = expand_sweep(parsed.overrides) if parsed.multirun else [parsed.overrides]
        configs = [make(job) for job in jobs]
    if parsed.cfg:
        for config in configs:
            say(console, describe(config).rstrip())
        return 0
    if with_hydra:
        say(console, "note: Hydra's own settings matter to sweeps alone, `gpae train -m`")
    if parsed.multirun:
        return train_sweep(jobs, configs, begun, console)
    from gpae.runs.deadline import Deadline

    (config,) = configs
    train_new(config, console, Deadline.of(config.run.budget, begun))
    return 0
