"""Setting up JAX respects what is set already, and does without what it cannot have."""

import os
import subprocess
import sys

import pytest

from gpae.runs import RunFolder

pytestmark = pytest.mark.slow

_SET = ("JAX_NUM_CPU_DEVICES", "XLA_FLAGS", "JAX_COMPILATION_CACHE_DIR", "XDG_CACHE_HOME")


def prepared(code="", **environment):
    """The number of devices and the cache folder, in a process of its own."""
    script = (
        "from gpae.runs.devices import prepare_jax\n"
        f"import jax\n{code}\nprepare_jax(3)\nprepare_jax(1)\n"
        "print(len(jax.devices()), jax.config.jax_compilation_cache_dir)"
    )
    inherited = {name: value for name, value in os.environ.items() if name not in _SET}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**inherited, "JAX_PLATFORMS": "cpu", **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    devices, _, cache = result.stdout.strip().partition(" ")
    return int(devices), cache


@pytest.mark.parametrize(
    ("environment", "devices"),
    [
        ({}, 3),
        ({"JAX_NUM_CPU_DEVICES": "5"}, 5),
        ({"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}, 4),
    ],
)
def test_the_number_of_devices(environment, devices, tmp_path):
    found, cache = prepared(XDG_CACHE_HOME=str(tmp_path), **environment)
    assert found == devices
    assert cache == str(tmp_path / "gpae" / "xla")
    assert (tmp_path / "gpae" / "xla").is_dir()


def test_a_cache_that_is_set_stays(tmp_path):
    assert prepared(JAX_COMPILATION_CACHE_DIR=str(tmp_path / "own"))[1] == str(tmp_path / "own")


def test_a_cache_that_cannot_be_made_is_done_without(tmp_path):
    (tmp_path / "file").write_text("")
    assert prepared(XDG_CACHE_HOME=str(tmp_path / "file"))[1] == "None"


def test_devices_of_a_jax_that_has_started_stay(tmp_path):
    assert prepared("jax.devices()", XDG_CACHE_HOME=str(tmp_path))[0] == 1


@pytest.mark.parametrize(("asked", "noted"), [("4", True), ("2", False)])
def test_more_devices_than_there_are_are_noted(asked, noted, gpae, small, tmp_path):
    folder = tmp_path / "run"
    words = small(run__devices=asked, total_env_steps="32")
    result = gpae("train", *words, f"run.folder={folder}")
    assert (result.code, result.err) == (0, "")
    note = f"note: run.devices={asked} asks for more than there are"
    assert (note in result.out) == noted
    assert ("; 2 used" in result.out) == noted
    assert RunFolder.open(folder).config["run"]["devices"] == 2
