"""The settings' reference: everything that can be set, as it is documented in one place."""

import re
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from gpae.config.compose import compose, describe
from gpae.config.reference import all_settings, page, show_settings
from gpae.errors import UserError
from gpae.methods import METHODS

PAGE = Path(__file__).parents[2] / "docs/settings.md"


def dotted(values, prefix=""):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from dotted(value, f"{prefix}{name}.")
        else:
            yield prefix + name


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS.names())
def test_every_setting_is_there_with_a_meaning(method):
    known = {
        setting.name: setting
        for setting in all_settings()
        if not setting.methods or method in setting.methods
    }
    asked = dotted(yaml.safe_load(describe(compose(["task=smax/3m", f"method={method}"]))))
    expected = {name for name in asked if not name.startswith("task.")} - {"method.name"}
    assert set(known) == expected
    assert all(len(setting.meaning) > 10 for setting in known.values())


def test_valid_values_are_those_of_the_checks():
    shown = {(each.name, each.methods): each.values for each in all_settings()}
    assert shown["window.mode", ()] == "constant_batch, growing_batch"
    assert shown["update.clip", ()] == "positive and finite"
    assert shown["profile", ()] == "true or false"
    assert shown["run.folder", ()] == ""
    assert shown["method.target_limit", ("gpae",)] == "positive"
    assert shown["method.double_q", ("qmix", "vdn")] == "true or false"


@pytest.mark.slow
def test_defaults_are_what_is_used():
    shown = {setting.name: setting.default for setting in all_settings() if not setting.methods}
    assert shown["window.length"] == "1"
    assert shown["run.folder"] == "null"
    assert shown["update.value_clip"] == "true"
    words = [f"{name}={value}" for name, value in shown.items()]
    assert compose(["task=smax/3m", "method=mappo", *words]) == compose(
        ["task=smax/3m", "method=mappo"]
    )


def test_the_page_is_up_to_date():
    assert PAGE.read_text() == page(), "python -m gpae.config.reference > docs/settings.md"


@pytest.mark.slow
def test_settings_are_found_by_a_part_of_their_name():
    console = Console(width=400)
    with console.capture() as capture:
        show_settings(console, "window.")
    lines = capture.get().splitlines()
    assert [line.split()[0] for line in lines] == ["setting", "window.length", "window.mode"]
    assert [re.split(r"\s{2,}", line)[1:3] for line in lines] == [
        ["methods", "default"],
        ["1", "a whole number from 1 up"],
        ["constant_batch", "constant_batch, growing_batch"],
    ]
    with pytest.raises(UserError, match="no setting's name contains 'widnow'"):
        show_settings(console, "widnow")
