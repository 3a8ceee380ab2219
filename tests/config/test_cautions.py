"""What is allowed, but known to go wrong."""

import pytest

from gpae.config.checks import cautions
from gpae.config.compose import compose
from gpae.errors import UserError


@pytest.mark.parametrize("method", ["gpae", "coma"])
@pytest.mark.parametrize("traces", ["individual", "none"])
def test_corrected_bootstrap_without_contraction_is_cautioned(method, traces):
    overrides = [f"method={method}", "method.bootstrap=corrected", f"method.traces={traces}"]
    (line,) = cautions(compose(overrides))
    assert f"method.traces={traces} need not converge" in line


@pytest.mark.parametrize(
    "overrides",
    [
        ["method.bootstrap=corrected", "method.traces=double"],
        ["method.bootstrap=corrected", "method.traces=joint"],
        ["method.bootstrap=paper", "method.traces=none"],
        ["method=mappo", "method.bootstrap=corrected", "method.traces=none"],
    ],
)
def test_sound_combinations_are_not(overrides):
    assert cautions(compose(overrides)) == []


def test_devices_asked_for_must_divide_the_environments():
    with pytest.raises(UserError, match=r"divisible by .*run.devices=3: try 96"):
        compose(["rollout.environments=100", "window.length=4", "run.devices=3"])
    assert compose(["run.devices=2"]).run.devices == 2
