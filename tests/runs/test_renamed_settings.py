"""Runs of before a setting was renamed read as runs of now."""

from pathlib import Path

import yaml

from gpae.config.compose import from_dict
from gpae.runs import RunFolder
from gpae.runs.renamed_settings import with_present_names

ARCHIVES = Path(__file__).parents[2] / "results"


def test_a_former_name_becomes_the_present_one_in_its_place():
    former = {"seed": 1, "method": {"lambda_": 0.9, "traces": "joint", "eta": 1.0}, "other": None}
    present = with_present_names(former)
    assert present["method"] == {"lambda_": 0.9, "trace_scheme": "joint", "eta": 1.0}
    assert list(present["method"]) == ["lambda_", "trace_scheme", "eta"]
    assert (present["seed"], present["other"]) == (1, None)
    assert former["method"]["traces"] == "joint"


def test_the_same_name_elsewhere_and_the_present_name_are_kept():
    config = {"task": {"traces": 3}, "method": {"traces": "joint", "trace_scheme": "double"}}
    expected = {"task": {"traces": 3}, "method": {"trace_scheme": "double"}}
    assert with_present_names(config) == expected


def test_former_values_become_the_present_ones():
    former = {"network": {"kind": "recurrent"}, "method": {"own_slot": "probabilities"}}
    present = {"network": {"core": "gru"}, "method": {"own_slot": "policy"}}
    assert with_present_names(former) == present
    assert with_present_names({"network": {"kind": "feedforward"}})["network"] == {
        "core": "feedforward"
    }


def test_a_setting_that_a_method_no_longer_has_is_left_out():
    former = {"bootstrap": "paper", "bootstrap_limit": 2.0, "eta": 1.0}
    for method in ("mappo", "ippo", "dae"):
        present = with_present_names({"method": {"name": method, **former}})
        assert present == {"method": {"name": method, "eta": 1.0}}
    kept = {"method": {"name": "gpae", **former}}
    assert with_present_names(kept) == kept


def test_archived_runs_are_configurations_of_now():
    archived = [path.parent for path in ARCHIVES.glob("*/*/config.yaml")]
    assert {from_dict(RunFolder.open(folder).config).method.name for folder in archived} == {
        "gpae",
        "mappo",
    }


def test_archived_runs_are_read_with_their_scheme():
    archived = [path.parent for path in ARCHIVES.glob("*/*/config.yaml")]
    assert archived
    for folder in archived:
        kept = yaml.safe_load((folder / "config.yaml").read_text())["method"]
        method = RunFolder.open(folder).config["method"]
        assert method["trace_scheme"] == kept.get("traces", kept.get("trace_scheme"))
        assert "traces" not in method
        assert RunFolder.open(folder).config["network"]["core"] == "gru"
