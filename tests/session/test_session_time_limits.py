"""Environments whose episodes end at other times than their stated time limit."""

import dataclasses

import numpy as np
import pytest

from gpae.environments import make

pytestmark = pytest.mark.slow


@pytest.fixture
def states(monkeypatch):
    """Change what the toy task's spec states."""
    beacon = type(make("toy/beacon"))
    stated = beacon.spec.fget

    def install(**changes):
        spec = property(lambda self: dataclasses.replace(stated(self), **changes))
        monkeypatch.setattr(beacon, "spec", spec)

    return install


def test_a_lost_successor_stops_training_in_one_line(gpae, small, states, tmp_path):
    states(max_episode_steps=50)
    result = gpae("train", *small(), f"run.folder={tmp_path}/run")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "toy/beacon truncated episodes before its max_episode_steps of 50" in result.err


@pytest.mark.parametrize("max_steps", [4, 10_000])
def test_cut_off_episodes_are_recorded_and_mentioned_once(
    gpae, small, states, evaluations, tmp_path, max_steps
):
    states(max_episode_steps=None, early_truncation=True)
    folder = tmp_path / "run"
    result = gpae("train", *small(evaluation__max_steps=max_steps), f"run.folder={folder}")
    records = evaluations(folder)
    cut_off = [episode for record in records for episode in record.get("cut_off", [])]
    mentions = result.out.count("cut off after 4 steps without an end (evaluation.max_steps)")
    assert mentions == (max_steps == 4)
    assert sum(cut_off) > 0 if max_steps == 4 else cut_off == []
    for record in records:
        lengths = np.array(record["episode_length"])
        cut = np.array(record.get("cut_off", np.zeros_like(lengths)), bool)
        assert (lengths <= max_steps).all()
        assert (lengths[cut] == max_steps).all()
