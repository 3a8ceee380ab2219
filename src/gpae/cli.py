"""Command line of gpae. Each command imports the heavy packages it needs when it runs."""

import argparse
import math
import shlex
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from gpae import __version__
from gpae.arguments import duration, whole_number
from gpae.errors import DivergedError, UserError
from gpae.extras import missing_extras
from gpae.garbage import collect_garbage_as_ever, without_garbage_collection
from gpae.search.command import add_search
from gpae.studies.command import add_study

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.config.schema import Config
    from gpae.runs import RunFolder
    from gpae.runs.deadline import Deadline
    from gpae.runs.session import Outcome
    from gpae.runs.system import System

_TRAIN_HELP = """\
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Command-line arguments after ``gpae``; those of this process if None.

    Returns:
        The exit code: 0; 2 for wrong input; 3 for a run that diverged; 130 for an immediate
        interrupt.
    """
    try:
        parsed = _parse(arguments)
        with missing_extras(f"gpae {parsed.name}"):
            return _carry_out(parsed)
    except UserError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130


def _carry_out(parsed: argparse.Namespace) -> int:
    from gpae.console import OutputConsole

    console = OutputConsole()
    if modules := getattr(parsed, "imports", None):
        from gpae.config.imports import import_modules

        import_modules(modules)
    command: Callable[[argparse.Namespace, Console], int] = parsed.command
    return command(parsed, console)


def _complain(message: str) -> None:
    """Print an error, in red if Rich is installed."""
    text = f"gpae: {message}"
    try:
        from gpae.console import complain
    except ModuleNotFoundError:
        print(text, file=sys.stderr)
    else:
        complain(text)


class _Parser(argparse.ArgumentParser):
    """Parser whose errors are one-line :class:`UserError` messages."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see `{self.prog} --help`")


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the arguments; overrides may precede and follow the flags of their command."""
    parser = _parser()
    parsed, rest = parser.parse_known_args(arguments)
    flags = [word for word in rest if word.startswith("-")]
    if flags or (rest and not hasattr(parsed, "overrides")):
        raise UserError(f"unknown argument {(flags or rest)[0]!r}; see `gpae --help`")
    if rest:
        parsed.overrides += rest
    return parsed


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="gpae",
        description="Per-agent advantage estimation for cooperative multi-agent learning.",
        epilog="exit codes: 0 done, or stopped as asked; 2 wrong input; 3 training diverged",
    )
    parser.add_argument("--version", action="version", version=f"gpae {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="name", required=True
    )
    _add_train(commands)
    _add_resume(commands)
    _add_evaluate(commands)
    _add_export(commands)
    _add_credit(commands)
    _add_curves(commands)
    add_study(commands)
    _add_imports(add_search(commands))
    tasks = commands.add_parser("tasks", help="list the tasks")
    tasks.add_argument("filter", nargs="?", default="", help="only names that contain this text")
    _add_imports(tasks)
    tasks.set_defaults(command=_tasks)
    settings = commands.add_parser("settings", help="list the settings with descriptions")
    settings.add_argument("filter", nargs="?", default="", help="only names that contain this text")
    _add_imports(settings)
    settings.set_defaults(command=_settings)
    methods = commands.add_parser("methods", help="list the methods and their properties")
    _add_imports(methods)
    methods.set_defaults(command=_methods)
    theory = commands.add_parser("theory", help="check the theory exactly on finite games")
    theory.add_argument("--seed", type=whole_number(0), default=0, help="seed of the random games")
    theory.add_argument("--output", type=Path, help="folder for the results as JSON and the plots")
    theory.set_defaults(command=_theory)
    return parser


def _add_train(commands: "argparse._SubParsersAction[_Parser]") -> None:
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
    _add_imports(train)
    train.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        help="settings in YAML, such as another run's config.yaml; those given as words go first",
    )
    train.add_argument("--cfg", action="store_true", help="print the configuration and stop")
    train.set_defaults(command=_train)


def _add_resume(commands: "argparse._SubParsersAction[_Parser]") -> None:
    resume = commands.add_parser("resume", help="continue a run from its newest checkpoint")
    resume.add_argument(
        "run", type=Path, nargs="+", help="a run's folder, or several, or a folder of run folders"
    )
    _add_imports(resume)
    _add_checkpoint(resume)
    resume.add_argument(
        "--budget", type=duration, metavar="TIME", help="stop again after this time, such as 13m"
    )
    resume.set_defaults(command=_resume)


def _add_evaluate(commands: "argparse._SubParsersAction[_Parser]") -> None:
    evaluate = commands.add_parser("evaluate", help="evaluate a run's parameters on new episodes")
    evaluate.add_argument("run", type=Path, help="the run's folder")
    evaluate.add_argument(
        "--episodes",
        type=whole_number(1, 10**9),
        default=512,
        help="number of episodes (default: %(default)s)",
    )
    evaluate.add_argument(
        "--sampled",
        action="store_true",
        help="sample actions instead of taking the most likely ones",
    )
    evaluate.add_argument(
        "--best", action="store_true", help="evaluate the best parameters instead of the last ones"
    )
    _add_imports(evaluate)
    _add_checkpoint(evaluate)
    evaluate.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),
        default=0,
        help="seed of the episodes (default: %(default)s)",
    )
    evaluate.set_defaults(command=_evaluate)


def _add_export(commands: "argparse._SubParsersAction[_Parser]") -> None:
    export = commands.add_parser(
        "export", help="write a run's policy as safetensors and JSON, for other programs"
    )
    export.add_argument("run", type=Path, help="the run's folder")
    export.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="the folder of the two files"
    )
    export.add_argument(
        "--best", action="store_true", help="export the best parameters instead of the last ones"
    )
    _add_imports(export)
    _add_checkpoint(export)
    export.set_defaults(command=_export)


def _add_credit(commands: "argparse._SubParsersAction[_Parser]") -> None:
    credit = commands.add_parser(
        "credit", help="simulate the true credit of a run's agents, and judge its estimators"
    )
    credit.add_argument("run", type=Path, help="the run's folder")
    for name, number, meaning in (
        ("states", 64, "states to measure at, up to 2048"),
        ("repetitions", 64, "repetitions of the simulated truth"),
        ("samples", 32, "samples of each estimator"),
    ):
        credit.add_argument(
            f"--{name}",
            type=whole_number(2, 2048),
            default=number,
            help=f"{meaning} (default: %(default)s)",
        )
    _add_imports(credit)
    _add_checkpoint(credit)
    credit.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),
        default=0,
        help="seed of the measurement (default: %(default)s)",
    )
    credit.add_argument("--output", type=Path, help="folder for the results as JSON and a plot")
    credit.set_defaults(command=_credit)


def _add_imports(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="import a module that registers methods, tasks or networks",
    )


def _add_checkpoint(command: _Parser) -> None:
    command.add_argument(
        "--checkpoint",
        type=whole_number(0),
        metavar="UPDATE",
        help="the checkpoint of this update instead of the newest",
    )


def _add_curves(commands: "argparse._SubParsersAction[_Parser]") -> None:
    curves = commands.add_parser("curves", help="draw runs' learning curves, averaged over seeds")
    curves.add_argument("runs", type=Path, nargs="+", help="run folders")
    curves.add_argument("--output", type=Path, default=Path("curves.png"), help="the picture")
    curves.add_argument("--marl-eval", type=Path, help="also export the runs in marl-eval's layout")
    curves.add_argument("--metric", help="the metric (default: the headline metric)")
    curves.set_defaults(command=_curves)


def _train(parsed: argparse.Namespace, console: "Console") -> int:
    begun = time.time()
    with without_garbage_collection():
        from gpae.config.compose import compose, describe, expand_sweep, names_hydra
        from gpae.config.settings_file import SettingsFile, read_settings

        file = SettingsFile() if parsed.settings is None else read_settings(parsed.settings)
        make = partial(compose, imports=[*file.imports, *parsed.imports], defaults=file.overrides)
        with_hydra = names_hydra(parsed.overrides)
        if parsed.multirun and with_hydra and not parsed.cfg:
            return _sweep_with_hydra(parsed.overrides, partial(_train_job, make, begun))
        jobs = expand_sweep(parsed.overrides) if parsed.multirun else [parsed.overrides]
        configs = [make(job) for job in jobs]
    if parsed.cfg:
        for config in configs:
            _say(console, describe(config).rstrip())
        return 0
    if with_hydra:
        _say(console, "note: Hydra's own settings matter to sweeps alone, `gpae train -m`")
    if parsed.multirun:
        return _train_sweep(jobs, configs, begun, console)
    from gpae.runs.deadline import Deadline

    (config,) = configs
    _train_new(config, console, Deadline.of(config.run.budget, begun))
    return 0


class _BudgetSpent(KeyboardInterrupt):
    """The end of a sweep's time budget; nothing that Hydra catches, so that it ends the sweep."""


def _sweep_with_hydra(overrides: list[str], train_job: Callable[[list[str]], float]) -> int:
    from gpae.runs.sweeps import sweep

    try:
        results = sweep(overrides, train_job)
    except _BudgetSpent:
        return 0
    return DivergedError.exit_code if any(map(math.isnan, results)) else 0


def _train_job(make: "Callable[[list[str]], Config]", begun: float, overrides: list[str]) -> float:
    """Train the runs of one Hydra job, and return the mean of their final headline metrics.

    The mean is NaN if a run diverged. A requested stop raises KeyboardInterrupt, which ends Hydra's
    sweep, and so does a budget that is spent.
    """
    from gpae.console import OutputConsole
    from gpae.runs.deadline import Deadline

    config, console = make(overrides), OutputConsole()
    deadline = Deadline.of(config.run.budget, begun)
    if deadline is not None and deadline.passed:
        _say(console, f"{deadline.reason}: not begun: {' '.join(overrides)}")
        raise _BudgetSpent
    try:
        outcomes = _train_new(config, console, deadline)
    except DivergedError as error:
        _complain(str(error))
        return math.nan
    if outcomes[0].stopped:
        raise _BudgetSpent if deadline is not None and deadline.passed else KeyboardInterrupt
    return statistics.fmean(outcome.final or 0.0 for outcome in outcomes)


def _train_sweep(
    jobs: list[list[str]], configs: "list[Config]", begun: float, console: "Console"
) -> int:
    """Train a sweep's runs in new folders, which are all created after all checks."""
    from gpae.runs.deadline import Deadline

    if len(configs) > 1 and any(config.run.folder for config in configs):
        raise UserError("run.folder names one folder: a sweep makes its own under run.root")
    words = [
        " ".join(job)
        for job, config in zip(jobs, configs, strict=True)
        for _ in range(config.seeds)
    ]
    runs = [run for config in configs for run in _of_one_seed(config)]
    for caution in dict.fromkeys(line for run in runs for line in run.method.cautions()):
        _say(console, f"note: {caution}")
    with without_garbage_collection():
        from gpae.runs.packing import prepare_runs

        prepare_runs(runs, console)
    folders = _new_folders(runs)
    for number, (asked, folder) in enumerate(zip(words, folders, strict=True), start=1):
        _say(console, f"run {number} of {len(runs)}: {asked}: {folder.path}")
    deadline = Deadline.of(configs[0].run.budget, begun)
    return _train_packed(list(zip(runs, folders, strict=True)), console, deadline)


def _train_packed(
    runs: "list[tuple[Config, RunFolder]]",
    console: "Console",
    deadline: "Deadline | None",
    population: str | None = None,
) -> int:
    """Train runs, together where that pays, and say how each of them ends."""
    from gpae.runs.packing import train_packed
    from gpae.runs.session import Failure, Outcome

    folders = [folder for _, folder in runs]

    def conclude(results: "dict[int, Outcome | Failure]") -> None:
        for number, result in results.items():
            if isinstance(result, Failure):
                _complain(result.message)
            elif result.finished:
                _show_end(folders[number], result, console)

    try:
        results = train_packed(
            runs,
            console,
            deadline=deadline,
            tracing=without_garbage_collection,
            population=population,
            on_end=conclude,
        )
    finally:
        collect_garbage_as_ever()
    _show_what_is_left(
        [
            (folder, result)
            for folder, result in zip(folders, results, strict=True)
            if isinstance(result, Outcome) and not result.finished
        ],
        console,
    )
    return max((each.exit_code for each in results if isinstance(each, Failure)), default=0)


def _show_what_is_left(left: "list[tuple[RunFolder, Outcome]]", console: "Console") -> None:
    """Say how runs go on that were stopped or not begun, with the learning curves so far."""
    for folder, outcome in left:
        _draw_curve(folder, outcome)
    parts: dict[bool, list[Outcome]] = {True: [], False: []}
    for folder, outcome in left:
        parts[folder.checkpoints_path.is_dir()].append(outcome)
    if begun := parts[True]:
        _say(console, _stop_in_words(begun[0]))
    if waiting := parts[False]:
        _say(console, f"runs of the sweep not begun: {len(waiting)}{_why(waiting[0])}")
    if left:
        _say(console, f"continue with: {_resume_command([folder for folder, _ in left])}")


def _train_new(
    config: "Config", console: "Console", deadline: "Deadline | None"
) -> "list[Outcome]":
    """Train in new folders, which are created after all checks."""
    for caution in config.method.cautions():
        _say(console, f"note: {caution}")
    system, memory = _put_together(config, range(config.seed, config.seed + config.seeds))
    if config.run.devices > system.population.devices_a_run:
        _say(
            console,
            f"note: run.devices={config.run.devices} asks for more than there are or than divide "
            f"the environments of a minibatch; {system.population.devices_a_run} used",
        )
    config.run.devices = system.population.devices_a_run
    system.check_initial_params()
    folders = _new_folders(_of_one_seed(config))
    for folder in folders:
        _say(console, f"run folder {folder.path}")
    _say(console, memory)
    outcomes = _train_to_the_end(system, folders, console, deadline=deadline)
    _conclude(folders, outcomes, console)
    return outcomes


def _train_to_the_end(
    system: "System",
    folders: "Sequence[RunFolder]",
    console: "Console",
    checkpoint: int | None = None,
    deadline: "Deadline | None" = None,
) -> "list[Outcome]":
    """Train with the process's garbage collector paused while JAX traces."""
    from gpae.runs.session import train

    try:
        return train(
            system,
            folders,
            console,
            checkpoint=checkpoint,
            tracing=without_garbage_collection,
            deadline=deadline,
        )
    finally:
        collect_garbage_as_ever()


def _put_together(config: "Config", seeds: Sequence[int]) -> "tuple[System, str]":
    """Build the system that trains these seeds, checked, and a line about the memory it needs."""
    from gpae.runs.devices import prepare_jax

    prepare_jax(config.run.devices, len(seeds), config.task_name)
    with without_garbage_collection():
        import gpae.runs.session  # noqa: F401 -- before garbage is looked for again
        from gpae.runs.memory import check_memory
        from gpae.runs.system import System

        system = System(config, seeds)
        system.check_environment()
        return system, check_memory(system.population, len(seeds))


def _of_one_seed(config: "Config") -> "list[Config]":
    """The configuration of each of a configuration's seeds."""
    from dataclasses import replace

    seeds = range(config.seed, config.seed + config.seeds)
    return [replace(config, seed=seed, seeds=1) for seed in seeds]


def _new_folders(configs: "Sequence[Config]") -> "list[RunFolder]":
    """Create a new folder for each configuration, or none at all."""
    from gpae.config.compose import to_dict
    from gpae.runs import RunFolder
    from gpae.runs.folder_names import new_folders

    return RunFolder.create_all(list(zip(new_folders(configs), map(to_dict, configs), strict=True)))


def _resume(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.runs.deadline import Deadline
    from gpae.runs.folder import refuse_repeated, runs_at, same_but_for_seeds

    deadline = Deadline.of(parsed.budget)
    folders = [folder for path in parsed.run for folder in runs_at(path)]
    refuse_repeated(folders)
    configs = [from_dict(folder.config, parsed.imports) for folder in folders]
    if len(folders) > 1 and parsed.checkpoint is None:
        _note_changes(folders, configs, console)
        together = None if len(parsed.run) < len(folders) else str(len(folders))
        return _train_packed(list(zip(configs, folders, strict=True)), console, deadline, together)
    same_but_for_seeds(folders)
    system, _ = _put_together(configs[0], [each.seed for each in configs])
    _note_changes(folders, configs, console, system.population.devices_a_run)
    outcomes = _train_to_the_end(system, folders, console, parsed.checkpoint, deadline)
    _conclude(folders, outcomes, console)
    return 0


def _note_changes(
    folders: "Sequence[RunFolder]",
    configs: "Sequence[Config]",
    console: "Console",
    devices: int | None = None,
) -> None:
    """Say by what runs may not continue bit for bit.

    Args:
        folders: The runs.
        configs: Their configurations.
        console: Where it is said.
        devices: Over how many each is now split; None where that is said elsewhere.
    """
    for folder, config in zip(folders, configs, strict=True):
        changes = _changes(folder, config.run.devices, devices or config.run.devices)
        if changes:
            _say(console, f"note: may not continue bit for bit: {'; '.join(changes)}")


def _changes(folder: "RunFolder", devices_before: int, devices: int) -> list[str]:
    """Differences from the versions and devices that the run began with."""
    from gpae.runs import changed_versions, versions

    recorded = folder.versions()
    changes = changed_versions(recorded, versions(recorded.get("smax_rules", "0.2")))
    if devices_before not in (0, devices):
        changes.append(f"devices: {devices_before} -> {devices}")
    return changes


def _conclude(
    folders: "Sequence[RunFolder]", outcomes: "Sequence[Outcome]", console: "Console"
) -> None:
    """Draw the learning curves, and print the session's results."""
    ended = list(zip(folders, outcomes, strict=True))
    if outcomes[0].finished:
        for folder, outcome in ended:
            _show_end(folder, outcome, console)
        return
    for folder, outcome in ended:
        _draw_curve(folder, outcome)
    _say(console, f"{_stop_in_words(outcomes[0])}; continue with: {_resume_command(folders)}")


def _stop_in_words(outcome: "Outcome") -> str:
    return f"stopped at {outcome.env_steps:,} env steps{_why(outcome)}"


def _why(outcome: "Outcome") -> str:
    """The reason of a stop, where it is more than a signal's name."""
    reason = outcome.reason or ""
    return f", as {reason}" if " " in reason else ""


def _resume_command(folders: "Sequence[RunFolder]") -> str:
    return shlex.join(["gpae", "resume", *(str(folder.path) for folder in folders)])


def _draw_curve(folder: "RunFolder", outcome: "Outcome") -> None:
    from gpae.report.curves import learning_curve

    if outcome.final is not None:
        learning_curve(folder.path, folder.curve_path)


def _show_end(folder: "RunFolder", outcome: "Outcome", console: "Console") -> None:
    """Draw a complete run's learning curve, and print its results."""
    from gpae.console import shown

    _draw_curve(folder, outcome)
    for name, value in (("final", outcome.final), ("absolute", outcome.absolute)):
        if value is not None:
            _say(console, f"{name} {outcome.metric} {shown(value)}")
    _say(console, f"run folder {folder.path}")
    if outcome.final is not None:
        _say(console, f"learning curve {folder.curve_path}")


def _say(console: "Console", text: str) -> None:
    from gpae.console import say

    say(console, text)


def _evaluate(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.console import shown
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    folder = RunFolder.open(parsed.run)
    config = from_dict(folder.config, parsed.imports)
    prepare_jax(config.run.devices, task=config.task_name)
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
    _say(console, f"{folder.path}, update {update}, {parsed.episodes} {mode} episodes")
    for name, values in episodes.items():
        spread = f"mean {shown(values.mean(), 4)}  std {shown(values.std(), 4)}"
        _say(console, f"{name:>16}  {spread}")
    return 0


def _export(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.runs.export import export_policy
    from gpae.runs.team_policy import load_policy

    policy = load_policy(parsed.run, best=parsed.best, checkpoint=parsed.checkpoint)
    for path in export_policy(policy.spec, policy.params, policy.update, parsed.out):
        _say(console, f"written {path}, of update {policy.update}")
    return 0


def _credit(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    folder = RunFolder.open(parsed.run)
    config = from_dict(folder.config, parsed.imports)
    prepare_jax(config.run.devices, task=config.task_name)
    from gpae.report.credit import save_credit, show_credit
    from gpae.runs.credit import CreditSettings, measure_credit

    settings = CreditSettings(parsed.states, parsed.repetitions, parsed.samples, parsed.seed)
    say = partial(_say, console)
    report = measure_credit(config, folder, settings, checkpoint=parsed.checkpoint, say=say)
    show_credit(report, console)
    if parsed.output is not None:
        for path in save_credit(report, parsed.output):
            say(f"written {path}")
    return 0


def _curves(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.report.curves import compare_curves
    from gpae.report.grouping import group_runs
    from gpae.report.marl_eval import export

    groups = group_runs(parsed.runs)
    compare_curves(groups, parsed.output, parsed.metric)
    _say(console, f"curves of {len(parsed.runs)} runs in {parsed.output}")
    if parsed.marl_eval is not None:
        export(parsed.runs, parsed.marl_eval)
        _say(console, f"marl-eval records in {parsed.marl_eval}")
    return 0


def _tasks(parsed: argparse.Namespace, console: "Console") -> int:
    from rich.table import Column, Table

    from gpae.environments import all_tasks

    table = Table(Column("task", no_wrap=True), "agents", "description", box=None, pad_edge=False)
    chosen = [task for task in all_tasks() if parsed.filter in task.name]
    if not chosen:
        raise UserError(f"no task's name contains {parsed.filter!r}; `gpae tasks` lists them all")
    for task in chosen:
        agents = "" if task.num_agents is None else str(task.num_agents)
        table.add_row(task.name, agents, task.description)
    console.print(table)
    return 0


def _settings(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.reference import show_settings

    show_settings(console, parsed.filter)
    return 0


def _methods(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.report.methods import show_methods

    show_methods(console)
    return 0


def _theory(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.exact import theory
    from gpae.runs.files import disk_errors

    with disk_errors(f"write to {parsed.output}"):
        if parsed.output is not None:
            parsed.output.mkdir(parents=True, exist_ok=True)
        theory.run(console, parsed.output, parsed.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
