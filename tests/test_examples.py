"""The examples run as they stand, and do what they say."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, folder, *words):
    command = [sys.executable, str(EXAMPLES / name), *words]
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_ones_own_environment_is_learnt(tmp_path):
    """The best return is the mean of ceil(distance / 2) over the places of the other, 10/7."""
    output = run("own_environment.py", tmp_path)
    (final,) = re.findall(r"final episode_return (-[\d.]+)", output)
    assert -2.0 < float(final) < -1.2


def test_ones_own_encoder_learns(tmp_path):
    output = run("own_encoder.py", tmp_path)
    (final,) = re.findall(r"final episode_return (-[\d.]+)", output)
    assert -2.0 < float(final) < -1.2


def test_ones_own_encoder_is_a_choice_of_the_command_line(tmp_path):
    words = ("train", "--cfg", "task=mine/meeting", "network.encoder=ring")
    assert "encoder: ring" in run("own_encoder.py", tmp_path, *words)


def test_ones_own_environment_is_a_task_of_the_command_line(tmp_path):
    output = run("own_environment.py", tmp_path, "tasks", "mine")
    assert "mine/meeting  2       two agents on a ring" in output
