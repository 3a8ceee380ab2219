"""Acting with an exported policy and nothing but NumPy: ``python examples/numpy_policy.py FOLDER``.

``gpae export RUN --out FOLDER`` writes what this reads. It knows the encoder ``mlp``, the cores
``gru``, ``lstm`` and ``feedforward``, and every other setting of ``network.*``; encoders and cores
of one's own it does not.
"""

import json
import sys
from pathlib import Path

import numpy as np


class NumpyPolicy:
    """The team's greedy policy. Observations are [N, O] or [E, N, O], availability [..., N, A]."""

    def __init__(self, folder):
        self.spec = json.loads(Path(folder, "policy.json").read_text())
        self.network = self.spec["network"]
        known = self.network["encoder"] == "mlp", self.network["core"] in self.CORES
        assert all(known), f"this example does not know the networks of {folder}"
        raw = Path(folder, "policy.safetensors").read_bytes()
        start = 8 + int.from_bytes(raw[:8], "little")
        entries = json.loads(raw[8:start])
        entries.pop("__metadata__", None)
        self.arrays = {
            name.removeprefix("params/network/"): np.frombuffer(
                raw[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]], "<f4"
            ).reshape(entry["shape"])
            for name, entry in entries.items()
        }

    def initial_state(self, *batch):
        """The state an episode begins with; where one ends, begin with this again."""
        shape = (*batch, self.spec["num_agents"], self.network["hidden_size"])
        return np.zeros(shape, np.float32), np.zeros(shape, np.float32)

    def act(self, observations, available, state):
        """The actions, [..., N] or [..., N, A], and the next state."""
        x = self.norm("encoder/observation/LayerNorm_0", np.asarray(observations, np.float32))
        x = self.dense("encoder/observation/Dense_0", x)
        x = self.activated("encoder", x + self.arrays.get("encoder/agent_id/embedding", 0.0))
        x, state = self.CORES[self.network["core"]](self, x, *state)
        if self.network["head_hidden"]:
            x = self.hidden("head/Hidden_0", x)
        x, space = self.dense("head/Dense_0", x), self.spec["actions"]
        if space["kind"] == "discrete":
            return np.where(available, x, -np.inf).argmax(-1), state
        low = -np.inf if space["low"] is None else space["low"]
        high = np.inf if space["high"] is None else space["high"]
        if self.network["squash_actions"]:
            x = low + (high - low) * (1.0 + np.tanh(x)) / 2.0
        return np.where(available, np.clip(x, low, high), 0.0), state

    def gru(self, x, h, unused):
        reset = sigmoid(self.dense("core/ir", x) + self.dense("core/hr", h))
        keep = sigmoid(self.dense("core/iz", x) + self.dense("core/hz", h))
        new = np.tanh(self.dense("core/in", x) + reset * self.dense("core/hn", h))
        h = (1.0 - keep) * new + keep * h
        return h, (h, unused)

    def lstm(self, x, cell, h):
        i, f, g, o = (
            self.dense(f"core/cell/i{gate}", x) + self.dense(f"core/cell/h{gate}", h)
            for gate in "ifgo"
        )
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(cell)
        return h, (cell, h)

    def feedforward(self, x, *state):
        return self.hidden("core/Hidden_0", x), state

    CORES = {"gru": gru, "lstm": lstm, "feedforward": feedforward}  # noqa: RUF012

    def dense(self, name, x):
        """A layer that all agents share, [F, H], or one for each of them, [N, F, H]."""
        product = (x[..., None, :] @ self.arrays[f"{name}/kernel"])[..., 0, :]
        return product + self.arrays.get(f"{name}/bias", 0.0)

    def norm(self, name, x):
        """Layer normalisation, where the policy has one of this name."""
        if not self.network["layer_norm"]:
            return x
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6)
        return x * self.arrays[f"{name}/scale"] + self.arrays[f"{name}/bias"]

    def activated(self, name, x):
        return self.norm(f"{name}/LayerNorm_0", np.maximum(x, 0.0))

    def hidden(self, name, x):
        return self.activated(name, self.dense(f"{name}/Dense_0", x))


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


if __name__ == "__main__":
    policy = NumpyPolicy(sys.argv[1])
    agents, space = policy.spec["num_agents"], policy.spec["actions"]
    observations = np.zeros((agents, policy.spec["observation_size"]))
    available = np.ones((agents, space["size"]), bool)
    actions, _ = policy.act(observations, available, policy.initial_state())
    print(f"actions where all observations are 0: {actions.tolist()}")
