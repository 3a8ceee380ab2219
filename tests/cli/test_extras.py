"""The core needs no extra; a missing package is one line that names its extra."""

import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from gpae.errors import UserError
from gpae.extras import EXTRAS, missing_extras

pytestmark = pytest.mark.slow

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"

DISTRIBUTIONS = {
    "PIL": "pillow",
    "hydra": "hydra-core",
    "imageio_ffmpeg": "imageio-ffmpeg",
    "mlflow": "mlflow-skinny",
    "orbax": "orbax-checkpoint",
    "yaml": "pyyaml",
}
"""Distributions with another name than what is imported."""

THROUGH_OTHERS = {"omegaconf"}
"""Packages that a dependency's own dependencies install."""

OPTIONAL = sorted(name for packages in EXTRAS.values() for name in packages)

BLOCK = """
import sys

class Blocker:
    def __init__(self, blocked):
        self.blocked = set(blocked)

    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root in self.blocked:
            raise ModuleNotFoundError(f"No module named {root!r}", name=root)

sys.meta_path.insert(0, Blocker(%r))
"""


def run_without(blocked, script):
    """Run a script in an interpreter that finds none of the blocked packages."""
    return subprocess.run(
        [sys.executable, "-c", BLOCK % (list(blocked),) + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=120,
    )


def command_without(blocked, *words):
    return run_without(
        blocked, f"from gpae.cli import main\nraise SystemExit(main({list(words)!r}))"
    )


def requirements(extra):
    """The names of the distributions that an extra asks for, in lower case."""
    declared = tomllib.loads(PYPROJECT.read_text())["project"]["optional-dependencies"][extra]
    names = (entry.partition(">")[0].partition("<")[0].lower() for entry in declared)
    return {name for name in names if not name.startswith("gpae[")}


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_optional_package_is_in_the_extra_that_is_named_for_it(extra):
    named = {
        DISTRIBUTIONS.get(name, name).lower() for name in EXTRAS[extra].keys() - THROUGH_OTHERS
    }
    assert named == requirements(extra)


def test_the_science_needs_the_core_alone():
    # SciPy is JAX's own requirement, and is always there.
    result = run_without(
        [name for name in OPTIONAL if name != "scipy"],
        """
        import jax.numpy as jnp
        import numpy as np
        from gpae.estimators import gae
        from gpae.exact import random_game

        ones = jnp.ones(3)
        print(gae(ones, ones, ones, 0.5 * ones, jnp.zeros(3, bool), 1.0).tolist())
        sizes = {"num_states": 2, "num_agents": 3, "num_actions": 2}
        print(random_game(np.random.default_rng(0), **sizes, discount=0.9).num_agents)
        """,
    )
    assert result.stderr == ""
    assert result.stdout == "[0.875, 0.75, 0.5]\n3\n"


HOPPER = ["train", "task=mabrax/hopper-3x1", "method=gpae"]


@pytest.mark.parametrize(
    ("blocked", "words", "subject", "name", "extra"),
    [
        (OPTIONAL, ["train"], "gpae train", "Rich", "train"),
        (["flax"], ["train"], "gpae train", "Flax", "train"),
        (["matplotlib"], ["theory"], "gpae theory", "Matplotlib", "train"),
        (["jaxmarl"], ["train", "task=smax/3m"], "task smax/3m", "JaxMARL", "smax"),
        (["jaxmarl"], ["train", "task=jaxmarl/hanabi"], "task jaxmarl/hanabi", "JaxMARL", "smax"),
        (["brax"], HOPPER, "task mabrax/hopper-3x1", "Brax", "mabrax"),
        (["mujoco"], HOPPER, "task mabrax/hopper-3x1", "MuJoCo", "mabrax"),
    ],
)
def test_what_is_missing_is_one_line_that_names_the_extra(
    tmp_path, blocked, words, subject, name, extra
):
    result = command_without(blocked, *words, *[f"run.root={tmp_path}"] * (words[0] == "train"))
    line = f"gpae: {subject} needs {name}, which is not installed: pip install 'gpae[{extra}]'\n"
    assert (result.stderr, result.returncode) == (line, 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["train", "--help"]])
def test_help_needs_no_extra(words):
    result = command_without(OPTIONAL, *words)
    assert (result.stderr, result.returncode) == ("", 0)
    assert "gpae" in result.stdout


@pytest.mark.parametrize("blocked", [["jaxmarl", "gymnax"], ["brax", "mujoco"]])
def test_listing_tasks_needs_no_simulator(blocked):
    result = command_without(blocked, "tasks", "3x1")
    assert (result.stderr, result.returncode) == ("", 0)
    assert "mabrax/hopper-3x1" in result.stdout


def test_smax_needs_no_brax():
    script = "from gpae.environments import make; print(make('smax/3m').spec.num_agents)"
    result = run_without(EXTRAS["mabrax"], script)
    assert (result.stdout, result.stderr) == ("3\n", "")


def test_mabrax_needs_no_jaxmarl():
    script = "from gpae.environments import make; print(make('mabrax/hopper-3x1').spec.num_agents)"
    result = run_without(EXTRAS["smax"], script)
    assert (result.stdout, result.stderr) == ("3\n", "")


def test_a_package_that_no_extra_installs_is_not_explained_away():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"), missing_extras("this"):
        import no_such_package  # noqa: F401


def test_a_module_missing_inside_an_optional_package_names_the_package():
    with (
        pytest.raises(UserError, match=r"this needs Orbax, .*'gpae\[train\]'"),
        missing_extras("this"),
    ):
        raise ModuleNotFoundError("No module named 'orbax.checkpoint'", name="orbax.checkpoint")


def test_torch_missing_is_one_line_of_an_import_error():
    result = run_without(
        ["torch"],
        """
        try:
            import gpae.torch
        except ImportError as error:
            print(error)
        """,
    )
    line = "gpae.torch needs PyTorch, which is not installed: pip install 'gpae[torch]'\n"
    assert (result.stdout, result.stderr) == (line, "")
