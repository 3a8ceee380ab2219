"""Importing the library changes nothing in the process that imports it."""

import subprocess
import sys

SCRIPT = """
import gc
import signal
import threading

import jax

def process():
    return (
        gc.isenabled(), gc.get_threshold(), gc.get_freeze_count(), jax.config.values,
        threading.excepthook, signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM),
    )

before = process()
before = (*before[:3], dict(before[3]), *before[4:])
import gpae
for name in gpae.__all__:
    getattr(gpae, name)
import gpae.estimators, gpae.exact, gpae.environments, gpae.methods, gpae.networks
import gpae.config.compose, gpae.report.curves, gpae.runs.session, gpae.runs.sweeps
after = process()
assert after[:3] == before[:3], (before[:3], after[:3])
changed = {name for name in after[3] if after[3][name] != before[3].get(name, after[3][name])}
assert not changed, changed
assert after[4:] == before[4:]
"""


def test_neither_garbage_nor_jax_nor_signals_are_touched():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert (result.stderr, result.returncode) == ("", 0)


LAZY = """
import sys

import gpae

assert not {"jax", "numpy", "flax"} & set(sys.modules)
assert set(gpae.__all__) <= set(dir(gpae))
assert all(getattr(gpae, name) is not None for name in gpae.__all__)
assert not {"jaxmarl", "brax", "gymnax", "mujoco", "torch"} & set(sys.modules)
try:
    gpae.nothing
except AttributeError as error:
    assert str(error) == "module 'gpae' has no attribute 'nothing'", error
"""


def test_the_package_imports_its_names_when_they_are_used():
    result = subprocess.run([sys.executable, "-c", LAZY], capture_output=True, text=True)
    assert (result.stderr, result.returncode) == ("", 0)
