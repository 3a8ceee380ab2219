"""Presets, groups, sweeps, and the way to a run folder and back."""

import math
from dataclasses import asdict

import pytest
import yaml

from gpae.config.compose import compose, describe, expand_sweep, from_dict, to_dict
from gpae.config.schema import Config
from gpae.config.whole_numbers import written_out
from gpae.errors import UserError
from gpae.methods import Gpae, Mappo
from gpae.runs.folder_names import new_folder


def test_the_defaults():
    config = compose([])
    assert config.task_name == "smax/3m"
    assert isinstance(config.method, Gpae)
    assert (config.window.length, config.rollout.environments, config.rollout.steps) == (
        4,
        128,
        128,
    )
    assert config.update.learning_rate == 2e-3


def test_the_release_preset_is_the_papers_release():
    config = compose(["preset=release"])
    update = config.update
    assert (update.learning_rate, update.epochs, update.minibatches) == (5e-4, 5, 1)
    assert (update.max_gradient_norm, update.adam_epsilon, update.clip) == (1.0, 1e-5, 0.2)
    assert config.network.layer_norm
    assert config.network.critic_embedding_size == 64


def test_a_method_brings_its_own_settings_and_window():
    config = compose(["method=mappo"])
    assert isinstance(config.method, Mappo)
    assert (config.window.length, config.method.trace_scheme) == (1, "joint")


def test_a_task_brings_its_own_settings():
    config = compose(["task=smax/5m_vs_6m", "task.stop_probability=0.05"])
    assert config.task_name == "smax/5m_vs_6m"
    assert config.task_settings["stop_probability"] == 0.05
    assert "name" not in config.task_settings


def test_overrides_win_over_presets_in_any_order():
    for overrides in (
        ["preset=release", "update.epochs=7"],
        ["update.epochs=7", "preset=release"],
    ):
        assert compose(overrides).update.epochs == 7


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("++seed=3", {"seed": 3}),
        ("++task.max_steps=5", {"task": compose([]).task | {"max_steps": 5}}),
        ("~discount", {"discount": 0.99}),
        ("hydra.job.name=other", {}),
        ("hydra/launcher=basic", {}),
    ],
)
def test_hydras_other_overrides_do_what_they_say(override, changed):
    assert asdict(compose([override])) == asdict(compose([])) | changed


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["method=mappo", "preset=release", "task=smax/1s1z", "seed=4294967295"],
        ["method.bootstrap=corrected", "method.bootstrap_limit=2.5", "run.devices=1"],
    ],
)
def test_a_configuration_survives_the_run_folder(overrides):
    config = compose(overrides)
    assert from_dict(yaml.safe_load(describe(config))) == config
    assert from_dict(to_dict(config)) == config


def test_infinity_survives_the_run_folder():
    config = from_dict(yaml.safe_load(describe(compose([]))))
    assert math.isinf(config.method.bootstrap_limit)


def test_where_a_run_lies_is_no_part_of_it():
    values = to_dict(compose(["run.folder=/somewhere", "run.root=/else"]))
    assert "folder" not in values["run"]
    assert "root" not in values["run"]


def test_a_sweep_is_every_combination_in_order():
    jobs = expand_sweep(["seed=0,1", "method=gpae,mappo", "discount=0.9"])
    assert jobs == [
        ["seed=0", "method=gpae", "discount=0.9"],
        ["seed=0", "method=mappo", "discount=0.9"],
        ["seed=1", "method=gpae", "discount=0.9"],
        ["seed=1", "method=mappo", "discount=0.9"],
    ]
    assert expand_sweep(["seed=range(0,3)"]) == [["seed=0"], ["seed=1"], ["seed=2"]]


@pytest.mark.parametrize(
    "overrides",
    [
        ["run={root:elsewhere}", "run={keep_checkpoints:5}"],
        ["run={root:elsewhere}", "run.root=here", "run={keep_checkpoints:5}"],
        ["run.root=here", "run={root:elsewhere}"],
        ["method={eta:1.05}", "method={lambda_:0.9}"],
        ["method.eta=1.05", "method={lambda_:0.9}", "method.eta=1.1"],
        ["task={stop_probability:0.1}", "task=smax/8m", "task={max_steps:50}"],
        ["discount=0.5", "seed=1", "discount=0.7"],
        ["method=mappo", "method={lambda_:0.9}", "method=ippo"],
    ],
)
def test_overrides_of_one_key_do_the_same_in_a_sweep(overrides):
    (job,) = expand_sweep(overrides)
    assert compose(job) == compose(overrides)


def test_settings_given_as_mappings_merge():
    config = compose(expand_sweep(["run={root:elsewhere}", "run={keep_checkpoints:5}"])[0])
    assert (config.run.root, config.run.keep_checkpoints) == ("elsewhere", 5)
    config = compose(["task=mabrax/ant-4x2", "task={max_episode_steps:9}", "method={eta:1.03}"])
    assert (config.task_name, config.task["max_episode_steps"]) == ("mabrax/ant-4x2", 9)
    assert (config.method.name, config.method.eta) == ("gpae", 1.03)
    assert config.network.core == "feedforward", "the preset of the task's family"


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("method={etaa:1}", r"no setting 'method.etaa' \(did you mean method.eta"),
        ("method={beta:1}", r"method.beta has no meaning with method=gpae: .* belongs to dae"),
        ("run={rot:here}", r"no setting 'run.rot' \(did you mean run.root"),
    ],
)
def test_an_unknown_setting_of_a_mapping_is_named(override, line):
    with pytest.raises(UserError, match=line):
        compose([override])


def test_choices_of_mappings_merge_with_other_overrides_of_the_group():
    jobs = expand_sweep(["run={root:a},{root:b}", "run={keep_checkpoints:5}", "seed=7", "seed=0,1"])
    found = [(config.run.root, config.seed) for config in map(compose, jobs)]
    assert found == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert {compose(job).run.keep_checkpoints for job in jobs} == {5}


def _named(**run):
    config = Config(task={"name": "smax/3m"}, method=Gpae(), seed=5)
    for name, value in run.items():
        setattr(config.run, name, value)
    return config


def test_new_folders_say_what_they_hold_and_never_collide(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda _: "20260101-000000")
    config = _named(root=str(tmp_path))
    names = []
    for _ in range(3):
        folder = new_folder(config)
        folder.mkdir()
        names.append(folder.name)
    first = "20260101-000000-smax-3m-gpae-seed5"
    assert names == [first, f"{first}-2", f"{first}-3"]


def test_a_folder_may_be_in_the_users_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert new_folder(_named(folder="~/mine")) == tmp_path / "mine"
    assert new_folder(_named(root="~/runs")).parent == tmp_path / "runs"


@pytest.mark.parametrize(
    ("override", "plain"),
    [
        ("rollout.steps=1e2", "rollout.steps=100"),
        ("rollout.steps=1.5E+2", "rollout.steps=150"),
        ("run={keep_checkpoints:1e1,root:runs}", "run={keep_checkpoints:10,root:runs}"),
        ("seed=1e0,2e1", "seed=1,20"),
        ("update.learning_rate=1.25e1", "update.learning_rate=12.5"),
    ],
)
def test_whole_numbers_may_have_an_exponent(override, plain):
    written = written_out(override)
    assert written == (override if plain.endswith("12.5") else plain)


@pytest.mark.parametrize(
    "override",
    ["update.learning_rate=5e-4", "run.root=runs/1e4", "run.root='1e4'", "rollout.steps=1.5"],
)
def test_other_numbers_stay_as_they_are_written(override):
    assert written_out(override) == override


def test_a_setting_of_whole_numbers_takes_an_exponent():
    config = compose(["rollout.steps=1e2", "update={epochs:2e0}", "task.max_steps=5e1"])
    assert (config.rollout.steps, config.update.epochs) == (100, 2)
    assert config.task_settings["max_steps"] == 50


def test_settings_of_one_method_in_a_sweep_over_several():
    jobs = expand_sweep(["method=mappo,dae", "method.dae.beta=0.3,0.5", "seed=0,1"])
    assert jobs == [
        ["method=mappo", "seed=0"],
        ["method=mappo", "seed=1"],
        ["method=dae", "method.beta=0.3", "seed=0"],
        ["method=dae", "method.beta=0.3", "seed=1"],
        ["method=dae", "method.beta=0.5", "seed=0"],
        ["method=dae", "method.beta=0.5", "seed=1"],
    ]
    assert [compose(job).method.name for job in jobs] == ["mappo"] * 2 + ["dae"] * 4


def test_a_single_run_takes_the_settings_of_its_method():
    words = ["method.dae.beta=0.25", "method.gpae.eta=1.5"]
    assert compose([*words, "method=dae"]).method.beta == 0.25
    assert compose(words).method.eta == 1.5


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("method.dea.beta=0.5", "method.dea.beta: no method 'dea' (did you mean dae?)"),
        ("method.dae.bta=0.5", "method.dae.bta: dae has no setting 'bta' (did you mean beta or"),
        ("method.mappo.beta=0.5", "method.mappo.beta: mappo has no setting 'beta'"),
    ],
)
def test_a_setting_that_the_named_method_lacks_is_refused(word, line):
    with pytest.raises(UserError) as caught:
        compose([word])
    assert str(caught.value).startswith(line)
