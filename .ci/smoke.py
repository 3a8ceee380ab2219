"""A smoke run of one extra, from an installed wheel: ``python smoke.py core|train|smax|...``.

An extra without a run of its own here has its packages imported. ``--list`` names all that are
tried.
"""

import sys
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUNDLES = {"all", "browser", "cuda", "dev", "docs", "examples"}
TINY = {
    "total_env_steps": 64,
    "network": {"hidden_size": 8, "core": "feedforward"},
    "rollout": {"environments": 8, "steps": 4},
    "window": {"length": 1},
    "update": {"epochs": 1, "minibatches": 1},
    "evaluation": {"episodes": 2, "absolute": False},
}


def core():
    """The estimators and the exact games run with JAX, jaxtyping and NumPy alone."""
    import jax.numpy as jnp

    from gpae.cli import main
    from gpae.estimators import gpae
    from gpae.exact import random_game

    zeros = jnp.zeros((3, 2))
    advantages = gpae(
        jnp.ones(3), zeros, zeros, jnp.full(3, 0.5), jnp.zeros(3, bool), jnp.ones((3, 2))
    )
    assert advantages[:, 0].tolist() == [1.75, 1.5, 1.0]
    assert callable(random_game)
    assert find_spec("flax") is None
    assert main(["train"]) == 2


def train():
    """A run on an environment of one's own, its export, and the policy read again."""
    from gpae.cli import main

    sys.path.append(str(ROOT / "examples"))
    import_module("own_environment")
    trained("own", "mine/meeting")
    assert main(["settings", "window"]) == 0
    assert main(["train", "task=smax/3m"]) == 2


def smax():
    """A run on SMAX, and a team of the zoo evaluated."""
    from gpae.cli import main

    trained("battle", "smax/3m")
    assert main(["evaluate", "zoo/smax-3m-gpae", "--episodes", "8"]) == 0
    assert main(["zoo"]) == 0


def mabrax():
    """A run on MABrax."""
    trained("hopper", "mabrax/hopper-3x1")


def torch():
    """The estimators on PyTorch tensors."""
    import torch as pytorch
    from gpae.torch import gpae

    zeros = pytorch.zeros((3, 2))
    ended = pytorch.zeros(3, dtype=pytorch.bool)
    discounts = pytorch.full((3,), 0.5)
    advantages = gpae(pytorch.ones(3), zeros, zeros, discounts, ended, pytorch.ones((3, 2)))
    assert advantages[:, 0].tolist() == [1.75, 1.5, 1.0]


def trained(folder, task):
    """Train for a moment, export, and act with the export."""
    import numpy as np

    import gpae
    from gpae.cli import main

    run = gpae.train(task, progress=False, folder=Path(folder), **TINY)
    assert run.outcome.finished
    assert main(["export", folder, "--out", f"{folder}_policy"]) == 0
    policy = gpae.load_policy(f"{folder}_policy")
    shape = (policy.spec.num_agents, policy.spec.observation_size)
    assert len(policy.act(np.zeros(shape))[0]) == policy.spec.num_agents


def imports(extra):
    """Import the packages of an extra."""
    from gpae.extras import EXTRAS

    for package in EXTRAS[extra]:
        import_module(package)


def tried():
    """Core, and every extra that is no bundle of others."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return ["core", *(set(project["optional-dependencies"]) - BUNDLES)]


def main(extra):
    """Try what an extra brings."""
    import gpae

    assert "site-packages" in gpae.__file__, f"{gpae.__file__} is not of the wheel"
    runs = {each.__name__: each for each in (core, train, smax, mabrax, torch)}
    runs[extra]() if extra in runs else imports(extra)
    print(f"smoke run of {extra}: good")


if __name__ == "__main__":
    print(*sorted(tried())) if sys.argv[1] == "--list" else main(sys.argv[1])
