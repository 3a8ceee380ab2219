"""What is allowed, but known to go wrong."""

import pytest

from gpae.config.compose import compose
from gpae.errors import UserError


@pytest.mark.parametrize("method", ["gpae", "coma"])
@pytest.mark.parametrize("traces", ["individual", "none"])
def test_corrected_bootstrap_without_contraction_is_cautioned(method, traces):
    overrides = [f"method={method}", "method.bootstrap=corrected", f"method.trace_scheme={traces}"]
    (line,) = compose(overrides).method.cautions()
    assert f"method.trace_scheme={traces} need not converge; joint, double" in line


def test_untruncated_traces_are_cautioned_with_the_printed_bootstrap():
    (line,) = compose(["method.trace_scheme=untruncated"]).method.cautions()
    assert line == (
        "method.bootstrap=paper with method.trace_scheme=untruncated need not converge; none, "
        "individual, joint, double, inner do (docs/theory.md)"
    )


@pytest.mark.parametrize(
    "overrides",
    [
        ["method.bootstrap=corrected", "method.trace_scheme=double"],
        ["method.bootstrap=corrected", "method.trace_scheme=joint"],
        ["method.bootstrap=corrected", "method.trace_scheme=inner"],
        ["method.bootstrap=corrected", "method.trace_scheme=untruncated"],
        ["method.bootstrap=paper", "method.trace_scheme=none"],
        ["method=mappo", "method.trace_scheme=none"],
    ],
)
def test_sound_combinations_are_not(overrides):
    assert compose(overrides).method.cautions() == []


def test_devices_asked_for_must_divide_the_environments():
    with pytest.raises(UserError, match=r"divisible by .*run.devices=3: try 96"):
        compose(["rollout.environments=100", "window.length=4", "run.devices=3"])
    assert compose(["run.devices=2"]).run.devices == 2
