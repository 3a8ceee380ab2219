"""The number of parts of a minibatch."""

import jax
import pytest

from gpae.kernels import parts
from gpae.kernels.parts import number_of_parts

ENVIRONMENTS, FEATURES = 4, 100


@pytest.mark.parametrize(("fitting", "expected"), [(4, 1), (3.9, 2), (2, 2), (1.9, 4), (0.5, 4)])
def test_as_few_parts_as_fit(monkeypatch, fitting, expected):
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    monkeypatch.setattr(parts, "PART_FEATURES", fitting * FEATURES)
    assert number_of_parts(ENVIRONMENTS, FEATURES) == expected


def test_another_device_than_a_cpu_takes_all_at_once(monkeypatch):
    monkeypatch.setattr(parts, "PART_FEATURES", 1)
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
    assert number_of_parts(ENVIRONMENTS, FEATURES) == ENVIRONMENTS
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert number_of_parts(ENVIRONMENTS, FEATURES) == 1
