"""Trainings that take turns, each in a process of its own."""

import multiprocessing
import os
from functools import partial
from types import SimpleNamespace

import pytest

from benchmarks.harness.alternation import Training, TrainingProcess, training_processes
from gpae.errors import UserError


@pytest.mark.slow
def test_a_training_is_made_and_updated_in_a_process_of_its_own():
    make = partial(SimpleNamespace, devices=["made up"], update=os.getpid)
    with training_processes({"one": make, "other": make}) as trainings:
        one, other = trainings["one"], trainings["other"]
        assert one.devices == ["made up"]
        assert one.update() == one.update() != other.update()
        assert os.getpid() not in (one.update(), other.update())


@pytest.mark.slow
def test_what_a_user_gets_wrong_is_raised_as_if_it_were_here():
    with pytest.raises(UserError, match="no-such-method"):
        TrainingProcess(partial(Training, ["method=no-such-method"]))


@pytest.mark.slow
def test_processes_are_ended_where_a_later_one_cannot_be_made():
    make = partial(SimpleNamespace, devices=[], update=os.getpid)
    makers = {"one": make, "other": partial(Training, ["method=no-such-method"])}
    with pytest.raises(UserError), training_processes(makers):
        pass
    assert multiprocessing.active_children() == []


@pytest.mark.slow
def test_a_process_that_is_killed_is_told_of_in_a_line():
    make = partial(SimpleNamespace, devices=[], update=os.abort)
    one_line = pytest.raises(UserError, match="was killed, as where memory does not suffice")
    with TrainingProcess(make) as killed, one_line:
        killed.update()
