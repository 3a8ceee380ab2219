"""Wrong input of a user: one clear line, exit code 2, nothing written."""

import re

import pytest

NAMES = [
    ("task=smax/5m_vs_7m", "no task 'smax/5m_vs_7m' (did you mean smax/5m_vs_6m"),
    ("task=", "no task ''"),
    ("task=null", "no task"),
    ("task=[smax/3m]", "no task"),
    ("task.name=smax/4m", "no task 'smax/4m' (did you mean"),
    ("method=gpea", "no method 'gpea' (did you mean gpae?); `gpae methods` lists them all"),
    ("method=MAPPO", "no method 'MAPPO'"),
    ("method.name=mappo", "method.name=mappo does not fit the other settings: use method=mappo"),
    ("preset=relase", "no preset 'relase' (did you mean release?)"),
    ("foo=1", "no setting 'foo'"),
    ("seeed=1", "no setting 'seeed' (did you mean seed"),
    ("eta=1.1", "no setting 'eta' (did you mean method.eta?)"),
    ("method.etaa=1.1", "no setting 'method.etaa' (did you mean method.eta"),
    ("method.lambda=0.9", "(did you mean method.lambda_"),
    ("task.stop_prob=0.1", "no setting 'task.stop_prob' (did you mean task.stop_probability?)"),
    ("rollout.envs=4", "no setting 'rollout.envs' (did you mean rollout."),
    (
        "method.trace_scheme=doubled",
        "method.trace_scheme=doubled is not known (did you mean double?)",
    ),
    ("method.bootstrap=corect", "it is one of paper, corrected"),
    ("method.own_slot=mean", "it is one of policy, zeros"),
    ("network.core=mlp", "network.core=mlp is not known; it is one of feedforward, gru, lstm"),
    ("network.core=grru", "network.core=grru is not known (did you mean gru?); it is one of"),
    ("network.encoder=conv", "network.encoder=conv is not known; it is one of mlp"),
    ("window.mode=batch", "it is one of constant_batch, growing_batch"),
    ("evaluation.mode=best", "it is one of greedy, sampled, both"),
]

VALUES = [
    ("method.eta=-1", "method.eta=-1.0 must be positive"),
    ("method.eta=nan", "method.eta=nan must be positive"),
    ("method.eta=0", "method.eta=0.0 must be positive"),
    ("method.bootstrap_limit=0", "method.bootstrap_limit=0.0 must be positive"),
    ("method.lambda_=nan", "method.lambda_=nan must be from 0 to 1"),
    ("method.lambda_=1.01", "method.lambda_=1.01 must be from 0 to 1"),
    ("discount=-0.1", "discount=-0.1 must be from 0 to 1"),
    ("update.learning_rate=nan", "update.learning_rate=nan must be positive and finite"),
    ("update.learning_rate=inf", "update.learning_rate=inf must be positive and finite"),
    ("update.learning_rate=0", "update.learning_rate=0.0 must be positive and finite"),
    ("update.clip=-0.2", "update.clip=-0.2 must be positive and finite"),
    ("update.max_gradient_norm=inf", "must be positive and finite"),
    ("update.value_coefficient=inf", "must be finite and not negative"),
    ("update.entropy_coefficient=-1", "must be finite and not negative"),
    ("seed=-1", "seed=-1 must be a whole number from 0 up"),
    ("seed=4294967296", "seed=4294967296 must be at most 4294967295"),
    ("total_env_steps=0", "total_env_steps=0.0 must be a whole number from 1 up"),
    ("total_env_steps=1.5", "total_env_steps=1.5 must be a whole number from 1 up"),
    ("total_env_steps=inf", "must be a whole number"),
    ("total_env_steps=1e30", "total_env_steps=1e+30 is too many"),
    ("rollout.environments=0", "rollout.environments=0 must be a whole number from 1 up"),
    ("rollout.environments=-128", "must be a whole number from 1 up"),
    ("rollout.steps=0", "rollout.steps=0 must be a whole number from 1 up"),
    ("window.length=0", "window.length=0 must be a whole number from 1 up"),
    ("update.epochs=0", "update.epochs=0 must be"),
    ("update.minibatches=0", "update.minibatches=0 must be"),
    ("update.chunk=-1", "update.chunk=-1 must be a whole number from 0 up"),
    ("network.hidden_size=0", "network.hidden_size=0 must be"),
    ("evaluation.interval=0", "evaluation.interval=0.0 must be"),
    ("evaluation.interval=nan", "evaluation.interval=nan must be"),
    ("evaluation.episodes=-4", "evaluation.episodes=-4 must be"),
    ("run.checkpoint_interval=0", "run.checkpoint_interval=0.0 must be"),
    ("run.keep_checkpoints=0", "run.keep_checkpoints=0 must be"),
    ("run.updates_per_call=0", "run.updates_per_call=0 must be"),
    ("run.devices=-1", "run.devices=-1 must be"),
    ("run.folder=", "run.folder is empty"),
    ("task.stop_probability=2", "task smax/3m: stop_probability must be between 0 and 1, not 2"),
    ("task.max_steps=0", "task smax/3m: max_steps must be a whole number"),
    ("task.max_steps=many", "task smax/3m: max_steps must be a whole number"),
    ("task.walls_cause_death=3", "task smax/3m: walls_cause_death must be true or false"),
]

TYPES = [
    ("seed=1.5", "seed"),
    ("seed=one", "seed"),
    ("seed=[1]", "seed"),
    ("seed=???", "seed"),
    ("total_env_steps=many", "total_env_steps"),
    ("total_env_steps=null", "total_env_steps"),
    ("rollout.environments=1.5", "rollout.environments"),
    ("profile=maybe", "profile"),
    ("update=3", "update"),
    ("network=null", "network"),
    ("run.root=null", "run.root"),
    ("seed=${nowhere}", "nowhere"),
]

SYNTAX = [
    ("foo", "cannot read 'foo': settings are given as key=value"),
    ("a=b=c", "cannot read 'a=b=c'"),
    ("run.folder=~/runs", "cannot read 'run.folder=~/runs'"),
    ("seed=choice(1,2", "cannot read 'seed=choice(1,2'"),
    ("", "cannot read ''"),
    ("+foo=1", "no setting 'foo'; `gpae train --cfg` prints them all"),
    ("++method.foo=1", "no setting 'method.foo'"),
    ("+window.lenght=3", "no setting 'window.lenght' (did you mean window.length"),
    ("+task.max_stepz=5", "smax/3m has no setting 'max_stepz' (did you mean max_steps?)"),
    ("+seed=3", "Could not append to config. An item is already at 'seed'"),
    ("~nothing", "Could not delete from config. 'nothing' does not exist"),
    ("~task", "~task: every run has one task, chosen as task=NAME"),
    ("~task.name", "~task.name: every run has one task, chosen as task=NAME"),
    ("+preset=release", "+preset=release: every run has one preset, chosen as preset=NAME"),
    ("task@foo=smax/3m", "no setting 'task@foo' (did you mean task?)"),
    ("hydra=1", "Config group override must be a string or a list"),
    ("hydra.foo=1", "no setting 'hydra.foo'"),
    ("hydra/launcher=absent", "Could not find 'hydra/launcher/absent'"),
    ("seed=0,1", "seed=0,1 names several values: use `gpae train -m` to sweep"),
    ("seed=range(0,3)", "use `gpae train -m` to sweep"),
    ("--config-name=x", "unknown argument '--config-name=x'"),
]


@pytest.mark.parametrize(("override", "message"), [*NAMES, *VALUES, *TYPES, *SYNTAX])
def test_an_override_that_cannot_be(override, message, refused):
    assert message in refused("train", override)


def test_an_override_without_a_name(refused):
    assert "'=1'" in refused("train", "=1")


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["method=dae", "method.beta=2"], "method.beta=2.0 must be from 0 to 1"),
        (["method=dae", "method.reward_models=0"], "method.reward_models=0 must be a whole number"),
        (
            ["method=coma", "method.own_action_samples=0"],
            "method.own_action_samples=0 must be a whole number from 1 up",
        ),
    ],
)
def test_a_methods_own_setting_out_of_range(overrides, message, refused):
    assert message in refused("train", *overrides)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["rollout.environments=100", "window.length=4", "update.minibatches=4"],
            "rollout.environments=100 must be divisible by window.length=4 x update.minibatches=4: "
            "try 96",
        ),
        (
            ["rollout.environments=3", "window.length=4", "update.minibatches=1"],
            "rollout.environments=3 must be divisible by window.length=4: try 4",
        ),
        (
            ["rollout.environments=6", "window.mode=growing_batch", "update.minibatches=4"],
            "must be divisible by update.minibatches=4: try 8",
        ),
        (
            ["rollout.steps=128", "update.chunk=48"],
            "update.chunk=48 must divide rollout.steps=128, or be 0 for all of it",
        ),
        (["rollout.steps=8", "update.chunk=16"], "update.chunk=16 must divide rollout.steps=8"),
    ],
)
def test_settings_that_do_not_fit_together(overrides, message, refused):
    assert message in refused("train", *overrides)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=0,1", "run.folder=x"], "run.folder names one folder"),
        (["seed=0,one"], "seed=one"),
        (["method=gpae,mapo"], "no method 'mapo' (did you mean mappo"),
        (["task.stop_probability=0.1,2"], "stop_probability must be between 0 and 1, not 2"),
    ],
)
def test_a_sweep_is_checked_before_any_run_begins(words, message, refused):
    assert message in refused("train", "-m", *words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "required: COMMAND; see `gpae --help`"),
        (["trian"], "invalid choice: 'trian'"),
        (["--fast"], "COMMAND"),
        (["train", "--fast"], "unknown argument '--fast'"),
        (["tasks", "smax", "more"], "unknown argument 'more'"),
        (["tasks", "zzz"], "no task's name contains 'zzz'"),
        (["methods", "all"], "unknown argument 'all'"),
        (["resume"], "required: run; see `gpae resume --help`"),
        (["resume", "nowhere"], "nowhere is not a run: there is no such folder"),
        (["resume", "."], "is not a run: it has no config.yaml and no versions.json"),
        (["resume", ".", "--checkpoint", "x"], "'x' is not a whole number from 0 up"),
        (["resume", ".", "--checkpoint", "-1"], "'-1' is not a whole number from 0 up"),
        (["evaluate", "nowhere"], "nowhere is not a run: there is no such folder"),
        (["evaluate", ".", "--episodes", "0"], "'0' is not a whole number from 1 to 1000000000"),
        (["evaluate", ".", "--episodes", "1.5"], "'1.5' is not a whole number from 1 to"),
        (["evaluate", ".", "--seed", "-1"], "'-1' is not a whole number from 0 to 4294967295"),
        (["evaluate", ".", "--seed", "4294967296"], "not a whole number from 0 to 4294967295"),
        (["evaluate", "x" * 300], "File name too long"),
        (["curves"], "required: runs"),
        (["curves", "nowhere"], "nowhere is not a run: there is no such folder"),
        (["theory", "--seed", "x"], "'x' is not a whole number from 0 up"),
    ],
)
def test_words_that_are_no_command(words, message, refused):
    assert message in refused(*words)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("task=glob(smax/*)", "task=glob(smax/*) cannot be swept over: list the values"),
        ("update.learning_rate=interval(1e-4,1e-3)", "cannot be swept over: list the values"),
        ("seed=range(0,3,0)", "seed=range(0,3,0) cannot be swept over"),
        ("seed=range(3,0)", "seed=range(3,0) gives no values"),
    ],
)
def test_sweeps_that_cannot_be(word, message, refused):
    assert message in refused("train", "-m", word)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("run.folder='~no-such-user/run'", "begins with a home folder that is not known"),
        ("run.root='~no-such-user'", "begins with a home folder that is not known"),
        ("run.root=" + 300 * "x", "File name too long"),
    ],
)
def test_folders_that_cannot_be(word, message):
    from gpae.config.compose import compose
    from gpae.errors import UserError
    from gpae.runs.folder_names import new_folder

    with pytest.raises(UserError, match=message):
        new_folder(compose(["task=smax/3m", word]))


def test_a_folder_that_cannot_be_made(refused, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert "cannot" in refused("theory", "--output", tmp_path / "file" / "theory")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("[1, 2]", "is damaged: it is not a YAML mapping"),
        ("seed: 0", "names no known method: None"),
        ("method: gpae", "the run's configuration"),
        ("method: {name: qtran}", "names no known method: 'qtran'"),
        ("method: {name: [1]}", "names no known method"),
        ("method: {name: gpae}", "task.name is missing"),
        ("{method: {name: gpae}, task: {name: smax/9m}}", "no task 'smax/9m'"),
        ("{method: {name: gpae}, task: {name: smax/3m, speed: 2}}", "has no setting 'speed'"),
        ("{method: {name: gpae, eta: -1}, task: {name: smax/3m}}", "method.eta=-1.0"),
        ("{method: {name: gpae}, task: {name: smax/3m}, seed: x}", "does not fit"),
        ("{method: {name: gpae}, task: {name: smax/3m}, speed: 2}", "does not fit"),
        ("method: {name: own}", "no known method: 'own'; if a module registers it, name it with"),
        (
            "{method: {name: gpae}, task: {name: mine/meeting}}",
            "no task 'mine/meeting'; `gpae tasks` lists them all; if a module registers it, name "
            "it with --import",
        ),
        (
            "{method: {name: gpae}, task: {name: smax/3m}, network: {core: mine}}",
            "lstm; if a module registers it, name it with --import",
        ),
        (
            "{method: {name: gpae}, task: {name: smax/3m}, network: {encoder: mine}}",
            "mlp, cnn; if a module registers it, name it with --import",
        ),
        (
            "{method: {name: gpae, trace_scheme: mine}, task: {name: smax/3m}}",
            "untruncated; if a module registers it, name it with --import",
        ),
        (
            "{method: {name: gpae}, task: {name: smax/3m}, imports: [no_lab.methods]}",
            "the module no_lab.methods cannot be imported: No module named 'no_lab'; install it, "
            "or put its folder on PYTHONPATH",
        ),
    ],
)
@pytest.mark.parametrize("command", ["resume", "evaluate"])
def test_a_run_whose_configuration_was_spoilt(command, config, message, refused, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_text(config)
    (run / "versions.json").write_text("{}")
    assert message in refused(command, run)


def test_the_message_is_plain_text(refused):
    assert "'a[red]b'" in re.sub(r"\s+", " ", refused("train", "a[red]b"))
