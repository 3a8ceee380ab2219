"""Imports of one module of a package without the rest, which leave ``sys.modules`` unchanged."""

import subprocess
import sys
import textwrap

import pytest

from gpae.environments.quiet_import import import_alone

pytestmark = pytest.mark.slow


def run(script: str) -> list[str]:
    """Output lines of a script that runs in an interpreter of its own."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    return result.stdout.split()


def test_smax_comes_without_the_rest_and_leaves_no_trace():
    assert run("""
        import sys
        from gpae.environments import make
        make("smax/3m")
        print(any(name.split(".")[0] in ("jaxmarl", "brax") for name in sys.modules))
    """) == ["False"]


def test_jaxmarl_can_be_imported_afterwards_and_its_maps_are_seen():
    assert run("""
        from gpae.environments.quiet_import import import_quietly
        from gpae.environments.smax import Smax

        alone = Smax("3m")
        import_quietly("jaxmarl")
        import jaxmarl.environments.smax

        smax = jaxmarl.environments.smax
        smax.register_scenario("ours", smax.map_name_to_scenario("2s3z"))
        print(Smax("ours").spec.num_agents, alone.spec.num_agents)
        print(jaxmarl.make("HeuristicEnemySMAX").num_allies > 0)
    """) == ["5", "3", "True"]


def test_what_is_imported_already_is_what_one_gets():
    import json.decoder

    assert import_alone("json.decoder") is json.decoder


def test_a_package_that_is_not_there():
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        import_alone("no_such_package.part")
