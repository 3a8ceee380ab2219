"""The command line. Nothing heavy is imported before a command is known to need it."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from gpae import __version__
from gpae.errors import UserError

if TYPE_CHECKING:
    from gpae.config.schema import Config
    from gpae.runs import RunFolder
    from gpae.runs.session import Outcome

_TRAIN_HELP = """\
Train a method on a task, in Hydra's syntax:

  gpae train task=smax/5m_vs_6m method=gpae seed=0 total_env_steps=1e7

groups    task=NAME      (gpae tasks)      what to learn
          method=NAME    (gpae methods)    how advantages are estimated
          preset=NAME    jaxmarl, release  network, batch and learning-rate settings

settings  method.traces=double|joint|individual|none   method.eta=1.02
          method.bootstrap=paper|corrected             method.lambda_=0.95
          window.length=M    reuse the last M rollouts; 1 is on-policy
          window.mode=constant_batch|growing_batch
          network.kind=recurrent|feedforward
          rollout.environments=128  rollout.steps=128  update.epochs=4  update.minibatches=4
          evaluation.interval=5e5   evaluation.episodes=128   evaluation.mode=greedy|sampled|both
          run.folder=PATH    run.checkpoint_interval=5e5
          task.SETTING=...   the task's own, such as task.stop_probability=0.05
          profile=true       time collection, estimation and update apart

  gpae train --cfg OVERRIDES...             print the whole configuration and stop
  gpae train -m seed=0,1,2 method=gpae,mappo     one run for each combination

A run goes to a new folder under runs/. Ctrl-C finishes the update, writes a checkpoint and leaves;
`gpae resume FOLDER` continues bit for bit.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words after ``gpae``; those of this process when None.

    Returns:
        The exit code: 0, or 2 for an error the user can mend, 3 for a run that diverged, 130 for an
        interrupt that was not waited for.
    """
    parsed = _parser().parse_args(arguments)
    errors = Console(stderr=True)
    try:
        command: Callable[[argparse.Namespace, Console], int] = parsed.command
        return command(parsed, Console())
    except UserError as error:
        errors.print(f"gpae: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        errors.print("gpae: interrupted", style="red")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gpae",
        description="Per-agent advantage estimation for cooperative multi-agent learning.",
    )
    parser.add_argument("--version", action="version", version=f"gpae {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(commands)
    _add_resume(commands)
    _add_evaluate(commands)
    _add_curves(commands)
    tasks = commands.add_parser("tasks", help="list the tasks")
    tasks.add_argument("filter", nargs="?", default="", help="only names that contain this")
    tasks.set_defaults(command=_tasks)
    methods = commands.add_parser("methods", help="list the methods and what tells them apart")
    methods.set_defaults(command=_methods)
    theory = commands.add_parser("theory", help="check the theory exactly on finite games")
    theory.add_argument("--seed", type=int, default=0, help="seed of the random games")
    theory.add_argument("--output", type=Path, help="folder for the rows as JSON and the plots")
    theory.set_defaults(command=_theory)
    return parser


def _add_train(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    train = commands.add_parser(
        "train",
        help="train a method on a task",
        description=_TRAIN_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings to override")
    train.add_argument(
        "-m", "--multirun", action="store_true", help="sweep over comma-separated values"
    )
    train.add_argument("--cfg", action="store_true", help="print the configuration and stop")
    train.set_defaults(command=_train)


def _add_resume(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    resume = commands.add_parser("resume", help="continue a run from its newest checkpoint")
    resume.add_argument("run", type=Path, help="the run's folder")
    resume.add_argument("--checkpoint", type=int, metavar="UPDATE", help="an earlier checkpoint")
    resume.set_defaults(command=_resume)


def _add_evaluate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    evaluate = commands.add_parser("evaluate", help="evaluate a run's parameters on new episodes")
    evaluate.add_argument("run", type=Path, help="the run's folder")
    evaluate.add_argument("--episodes", type=int, default=512, help="number of episodes")
    evaluate.add_argument(
        "--sampled", action="store_true", help="sample actions; else the most likely"
    )
    evaluate.add_argument("--best", action="store_true", help="the best parameters, not the last")
    evaluate.add_argument("--checkpoint", type=int, metavar="UPDATE", help="an earlier checkpoint")
    evaluate.add_argument("--seed", type=int, default=0, help="seed of the episodes")
    evaluate.set_defaults(command=_evaluate)


def _add_curves(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    curves = commands.add_parser(
        "curves", help="draw runs' learning curves, seeds of a kind together"
    )
    curves.add_argument("runs", type=Path, nargs="+", help="run folders")
    curves.add_argument("--output", type=Path, default=Path("curves.png"), help="the picture")
    curves.add_argument("--marl-eval", type=Path, help="also export the runs in marl-eval's layout")
    curves.add_argument("--metric", help="the metric; by default the headline")
    curves.set_defaults(command=_curves)


def _train(parsed: argparse.Namespace, console: Console) -> int:
    from gpae.config.compose import compose, describe, expand_sweep

    jobs = expand_sweep(parsed.overrides) if parsed.multirun else [parsed.overrides]
    configs = [compose(job) for job in jobs]
    if parsed.cfg:
        for config in configs:
            sys.stdout.write(describe(config))
        return 0
    if len(configs) > 1 and any(config.run.folder for config in configs):
        raise UserError("run.folder names one folder: a sweep makes its own under run.root")
    for number, (job, config) in enumerate(zip(jobs, configs, strict=True), start=1):
        if len(configs) > 1:
            console.print(f"run {number} of {len(configs)}: {' '.join(job)}", highlight=False)
        if not _train_new(config, console):
            return 0
    return 0


def _train_new(config: "Config", console: Console) -> bool:
    """Train in a new folder; whether it came to its end."""
    from gpae.config.compose import to_dict
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax
    from gpae.runs.folder_names import new_folder

    prepare_jax()
    from gpae.runs.session import train

    folder = RunFolder.create(new_folder(config), to_dict(config))
    console.print(f"run folder {folder.path}", highlight=False, soft_wrap=True)
    return _conclude(folder, train(config, folder, console), console)


def _resume(parsed: argparse.Namespace, console: Console) -> int:
    from gpae.config.compose import from_dict
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    folder = RunFolder.open(parsed.run)
    config = from_dict(folder.config)
    prepare_jax()
    from gpae.runs.session import train

    _conclude(folder, train(config, folder, console, checkpoint=parsed.checkpoint), console)
    return 0


def _conclude(folder: "RunFolder", outcome: "Outcome", console: Console) -> bool:
    """Draw the curve, and say how the session ended; whether the run is complete."""
    from gpae.report.curves import learning_curve

    learning_curve(folder.path, folder.curve_path)
    if not outcome.finished:
        console.print(
            f"stopped at {outcome.env_steps:,} env steps; continue with: gpae resume {folder.path}",
            highlight=False,
            soft_wrap=True,
        )
        return False
    lines = [
        f"final {outcome.metric} {outcome.final:.3f}",
        *([f"absolute {outcome.metric} {outcome.absolute:.3f}"] * (outcome.absolute is not None)),
        f"run folder {folder.path}",
        f"learning curve {folder.curve_path}",
    ]
    console.print("\n".join(lines), highlight=False, soft_wrap=True)
    return True


def _evaluate(parsed: argparse.Namespace, console: Console) -> int:
    from gpae.config.compose import from_dict
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    if parsed.episodes < 1:
        raise UserError(f"--episodes {parsed.episodes} must be at least 1")
    folder = RunFolder.open(parsed.run)
    config = from_dict(folder.config)
    prepare_jax()
    from gpae.report.statistics import summarise
    from gpae.runs.session import evaluate

    episodes, update = evaluate(
        config,
        folder,
        episodes=parsed.episodes,
        greedy=not parsed.sampled,
        best=parsed.best,
        checkpoint=parsed.checkpoint,
        seed=parsed.seed,
    )
    mode = "sampled" if parsed.sampled else "greedy"
    console.print(
        f"{folder.path}, update {update}, {parsed.episodes} {mode} episodes",
        highlight=False,
        soft_wrap=True,
    )
    for name, values in episodes.items():
        summary = summarise(values)
        console.print(
            f"{name:>16}  mean {summary.mean:.4f}  std {summary.std:.4f}", highlight=False
        )
    return 0


def _curves(parsed: argparse.Namespace, console: Console) -> int:
    from gpae.report.curves import compare_curves
    from gpae.report.grouping import group_runs
    from gpae.report.marl_eval import export

    groups = group_runs(parsed.runs)
    compare_curves(groups, parsed.output, parsed.metric)
    console.print(
        f"curves of {len(parsed.runs)} runs in {parsed.output}", highlight=False, soft_wrap=True
    )
    if parsed.marl_eval is not None:
        export(parsed.runs, parsed.marl_eval)
        console.print(f"marl-eval records in {parsed.marl_eval}", highlight=False, soft_wrap=True)
    return 0


def _tasks(parsed: argparse.Namespace, console: Console) -> int:
    from rich.table import Table

    from gpae.environments import all_tasks

    table = Table("task", "agents", "what", box=None, pad_edge=False)
    chosen = [task for task in all_tasks() if parsed.filter in task.name]
    if not chosen:
        raise UserError(f"no task's name contains {parsed.filter!r}; `gpae tasks` lists them all")
    for task in chosen:
        agents = "" if task.num_agents is None else str(task.num_agents)
        table.add_row(task.name, agents, task.description)
    console.print(table)
    return 0


def _methods(parsed: argparse.Namespace, console: Console) -> int:
    from rich.table import Table

    from gpae.methods import METHOD_PROPERTIES

    table = Table(
        "method", "credit", "off-policy", "additional bias (lambda = 1)", "source", box=None
    )
    for name, properties in METHOD_PROPERTIES.items():
        yes_no = [
            "yes" if flag else "no" for flag in (properties.off_policy, properties.additional_bias)
        ]
        table.add_row(name, properties.credit, *yes_no, properties.source)
    console.print(table)
    return 0


def _theory(parsed: argparse.Namespace, console: Console) -> int:
    from gpae.exact import theory

    theory.run(console, parsed.output, parsed.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
