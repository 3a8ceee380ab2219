"""Policies of every kind with parameters at random, and run folders around them, untrained."""

import jax
import numpy as np
import pytest

from gpae.config.compose import compose, to_dict
from gpae.environments import ContinuousActions, DiscreteActions
from gpae.networks import NetworkSettings
from gpae.runs import Checkpoints, RunFolder
from gpae.runs.policy_spec import PolicySpec
from gpae.runs.team_policy import TeamPolicy

AGENTS, OBSERVED, ACTIONS = 3, 5, 4
SPACES = {
    "discrete": DiscreteActions(ACTIONS),
    "continuous": ContinuousActions(ACTIONS, -3.0, 5.0),
    "unbounded": ContinuousActions(ACTIONS, -np.inf, np.inf),
}


@pytest.fixture(scope="session")
def make_spec():
    def make(space="discrete", kind="actor", **network):
        settings = NetworkSettings(**{"hidden_size": 8, **network})
        method = "gpae" if kind == "actor" else "vdn"
        return PolicySpec("smax/3m", method, kind, AGENTS, OBSERVED, SPACES[space], settings)

    return make


def random_params(spec, seed):
    """Parameters of the size of 1, biases and scales too, so that each of them matters."""
    shapes, rng = spec.params_shapes(spec.policy_network()), np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: rng.normal(0.1, 0.5, leaf.shape).astype("f4"), shapes)


@pytest.fixture(scope="session")
def make_policy(make_spec):
    def make(*words, seed=0, **network):
        spec = make_spec(*words, **network)
        return TeamPolicy(spec, random_params(spec, seed), 8)

    return make


@pytest.fixture
def make_run(tmp_path):
    """A run folder with newest and best parameters; those of update 4 are half as large."""

    def make(newest, best=None, score=0.5):
        config = to_dict(compose(["task=smax/3m"]))
        folder = RunFolder.create(tmp_path / "run", config)
        newest.spec.write(folder.policy_path)
        best = best or newest
        for update in (4, 8):
            scaled = jax.tree.map(lambda leaf, update=update: leaf * update / 8, newest.params)
            state = {"params": {"actor": scaled}, "clock": {"update": np.int32(update)}}
            kept = {"params": {"actor": best.params}, "update": np.int32(3)}
            tree = {"state": state, "best": {**kept, "score": np.float32(score)}}
            Checkpoints(folder.checkpoints_path).save(update, tree)
        return folder.path

    return make


@pytest.fixture(scope="session")
def random_steps():
    """Observations and availability of some steps, each agent with one action at least."""

    def make(*batch, steps=6, seed=1):
        rng = np.random.default_rng(seed)
        shape = (steps, *batch, AGENTS)
        available = rng.random((*shape, ACTIONS)) < 0.6
        available[..., 0] |= ~available.any(-1)
        return rng.normal(size=(*shape, OBSERVED)).astype("f4"), available

    return make
