"""A setting that a method has no use for is refused for it, whichever way it is asked for."""

import pytest

from gpae.config.compose import compose, expand_sweep
from gpae.errors import UserError
from gpae.methods import METHODS


def of_methods():
    """Parameters (method, setting) of every setting that a method does not use."""
    return [
        pytest.param(name, setting, id=f"{name}-{setting}")
        for name in METHODS
        for setting in sorted(METHODS[name].unused_settings)
    ]


def value_of(setting):
    """A setting's own default, which is refused like any other value; a group's as a tree."""
    value = compose(["method=mappo"])
    for part in setting.split("."):
        value = getattr(value, part)
    return value


@pytest.mark.parametrize(("method", "setting"), of_methods())
def test_what_a_method_declares_unused_is_refused(method, setting):
    value = value_of(setting)
    if "." not in setting:
        setting, value = f"{setting}.{next(iter(vars(value)))}", next(iter(vars(value).values()))
    with pytest.raises(UserError) as caught:
        compose([f"method={method}", f"{setting}={value}"])
    assert str(caught.value) == f"{setting} has no meaning with method={method}: leave it out"


@pytest.mark.parametrize(
    ("method", "setting", "owners"),
    [
        ("mappo", "method.bootstrap=corrected", "gpae, coma"),
        ("ippo", "method.bootstrap=paper", "gpae, coma"),
        ("dae", "method.bootstrap_limit=2", "gpae, coma"),
        ("coma", "method.beta=0.5", "dae"),
        ("gpae", "method.agent_values=true", "mappo"),
        ("vdn", "method.mixing_size=8", "qmix"),
        ("gpae", "method.epsilon_start=0.5", "qmix, vdn"),
        (
            "qmix",
            "method.lambda_=0.5",
            "coma, dae, gpae, ippo, mappo, q_corrected, v_bootstrapped",
        ),
    ],
)
def test_a_setting_of_another_method_is_refused_with_its_owners(method, setting, owners):
    name = setting.partition("=")[0]
    with pytest.raises(UserError) as caught:
        compose([f"method={method}", setting])
    line, _, named = str(caught.value).rstrip(")").partition(" (it belongs to ")
    assert line == f"{name} has no meaning with method={method}: leave it out"
    owned, _, advice = named.partition("; in a sweep over methods write method.")
    assert set(owners.split(", ")) == set(owned.split(", "))
    assert advice == f"{owned.split(', ')[0]}.{name.removeprefix('method.')}"


@pytest.mark.parametrize(
    ("setting", "method"),
    [
        ("window.length=4", "qmix"),
        ("update.clip=0.1", "qmix"),
        ("network.critic_embedding_size=64", "qmix"),
        ("method.bootstrap=corrected", "qmix"),
        ("method.double_q=false", "gpae"),
    ],
)
def test_a_sweep_says_which_of_its_methods_has_no_use_for_a_setting(setting, method):
    jobs = expand_sweep(["method=gpae,qmix", setting])
    with pytest.raises(UserError, match=f"has no meaning with method={method}"):
        [compose(job) for job in jobs]


def test_each_of_several_mappings_is_looked_into():
    with pytest.raises(UserError, match=r"update\.clip has no meaning with method=qmix"):
        compose(["method=qmix", "update={clip:0.1}", "update={epochs:3}"])


def test_a_sweep_over_methods_that_all_use_a_setting_is_allowed():
    jobs = expand_sweep(["method=gpae,coma", "method.bootstrap=corrected", "window.length=2"])
    configs = [compose(job) for job in jobs]
    assert [config.method.bootstrap for config in configs] == ["corrected", "corrected"]
    assert [config.window.length for config in configs] == [2, 2]
