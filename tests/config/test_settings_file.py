"""Files of settings: a configuration comes back, words go first, errors take one line."""

from pathlib import Path

import pytest
import yaml

from gpae.config.compose import compose, to_dict
from gpae.config.settings_file import read_settings
from gpae.errors import UserError


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "settings.yaml"
        path.write_text(text if isinstance(text, str) else yaml.safe_dump(text))
        return read_settings(path)

    return write


@pytest.mark.parametrize(
    "words",
    [
        ["method=qmix", "task=smax/5m_vs_6m", "method.mixing_size=8"],
        ["method=dae", "task=mabrax/hopper-3x1", "method.eta=inf"],
        ["preset=release", "update.learning_rate=1e-5", "evaluation.mode=both"],
    ],
)
def test_a_runs_configuration_comes_back(words, written):
    config = to_dict(compose(words))
    assert to_dict(compose([], defaults=written(config).overrides)) == config


def test_words_go_before_the_file(written):
    file = written(
        "{method: gpae, seed: 3, method.eta: 1.5, run: {root: it's/a, keep_checkpoints: 5}}"
    )
    config = compose(["method.eta=2", "run.root=here"], defaults=file.overrides)
    assert (config.seed, config.method.eta, config.run.root) == (3, 2.0, "here")
    assert config.run.keep_checkpoints == 5
    assert compose([], defaults=file.overrides).run.root == "it's/a"


@pytest.mark.parametrize("number", ["1e1", "1.0e+1", "1E1", "1.0e1"])
def test_whole_numbers_may_be_in_scientific_notation(written, number):
    file = written(f"{{seed: {number}, rollout: {{steps: {number}}}, total_env_steps: {number}}}")
    config = compose(["preset=release"], defaults=file.overrides)
    assert (config.seed, config.rollout.steps, config.total_env_steps) == (10, 10, 10)


def test_fractions_in_scientific_notation_stay_what_they_are(written):
    file = written("{update.learning_rate: 5e-4, discount: 1.0, method.eta: 1.5e0}")
    assert file.overrides == ["update.learning_rate=0.0005", "discount=1.0", "method.eta=1.5"]


def test_a_method_may_be_a_mapping_with_a_name_or_without(written):
    named = written({"method": {"name": "dae", "beta": 0.25}, "imports": ["json"]})
    assert named.imports == ["json"]
    assert named.overrides == ["method=dae", "method.beta=0.25"]
    assert written({"method": {"eta": 1.5}}).overrides == ["method.eta=1.5"]


def test_only_what_a_file_changes_is_refused_where_it_has_no_use(written):
    same = written({"method": "qmix", "update": {"clip": 0.2}})
    assert compose([], defaults=same.overrides).method.name == "qmix"
    changed = written({"method": "qmix", "update": {"clip": 0.3}})
    with pytest.raises(UserError, match=r"update\.clip has no meaning with method=qmix"):
        compose([], defaults=changed.overrides)
    with pytest.raises(UserError, match=r"update\.clip has no meaning with method=qmix"):
        compose(["update.clip=0.2"], defaults=same.overrides)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- a\n- b", "is not a file of settings"),
        ("a: [1", "cannot read settings from"),
        ("imports: 3", "imports must be a list of modules"),
        ("", "is not a file of settings"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_line(written, text, line):
    with pytest.raises(UserError, match=line) as caught:
        written(text)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_one_line():
    with pytest.raises(UserError, match="cannot read settings from nowhere"):
        read_settings(Path("nowhere"))
