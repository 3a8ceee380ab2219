"""Help, listings and the printed configuration, which cost little."""

import subprocess
import sys

import pytest
import yaml

from gpae import __version__
from gpae.cli import main

HEAVY = {"jax", "jaxlib", "flax", "optax", "hydra", "omegaconf", "matplotlib", "numpy", "jaxmarl"}


def modules_after(code):
    script = f"import sys\n{code}\nsys.stderr.write(' '.join(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120
    )
    return result.stdout, set(result.stderr.split())


def test_importing_the_command_line_imports_nothing_heavy():
    assert modules_after("import gpae.cli")[1] & HEAVY == set()


def test_listing_tasks_imports_no_simulator_and_starts_no_device():
    code = (
        "from gpae.cli import main\nmain(['tasks', '5m_vs'])\n"
        "import jax._src.xla_bridge as bridge\nassert not bridge.backends_are_initialized()"
    )
    out, modules = modules_after(code)
    assert "smax/5m_vs_6m" in out
    assert "5 marines vs 6 marines" in out
    assert "smax/3m" not in out
    assert "jaxmarl" not in modules


def test_the_methods_and_their_properties(gpae):
    result = gpae("methods")
    assert result.code == 0
    rows = [line.split() for line in result.out.splitlines() if line.strip()]
    declared = {row[0]: row[1:] for row in rows if len(row) == 4}
    assert declared == {
        "gpae": ["n-step", "yes", "no"],
        "mappo": ["none", "no", "no"],
        "ippo": ["none", "no", "no"],
        "dae": ["n-step", "no", "yes"],
        "coma": ["1-step", "no", "no"],
        "v_bootstrapped": ["n-step", "yes", "no"],
        "q_corrected": ["n-step", "yes", "no"],
        "qmix": ["implicit", "yes", "-"],
        "vdn": ["implicit", "yes", "-"],
    }
    assert "gpae: Kim et al., AAMAS 2026; off-policy, exact only with bootstrap=corrected" in (
        result.out
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], ["train", "resume", "evaluate", "curves", "tasks", "methods", "theory"]),
        (["train", "--help"], ["task=smax/5m_vs_6m", "window.length", "gpae resume", "-m"]),
        (["resume", "--help"], ["--checkpoint"]),
        (["evaluate", "--help"], ["--episodes", "--sampled", "--best", "--seed"]),
        (["--version"], [__version__]),
    ],
)
def test_help(words, said, capsys):
    with pytest.raises(SystemExit) as leaving:
        main(words)
    assert leaving.value.code == 0
    out = capsys.readouterr().out
    assert [word for word in said if word not in out] == []
    assert max(map(len, out.splitlines())) <= 100


def test_every_override_in_the_help_of_train_is_one(gpae, capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    words = capsys.readouterr().out.split()
    examples = [word.partition("|")[0] for word in words if "=" in word and "," not in word]
    concrete = [word for word in examples if not word.rpartition("=")[2].strip(".").isupper()]
    concrete = [word for word in concrete if not word.endswith("...")]
    assert len(concrete) > 12
    result = gpae("train", "--cfg", *concrete)
    assert (result.code, result.err) == (0, "")


def test_the_configuration_is_printed_and_nothing_is_run(gpae, tmp_path):
    result = gpae("train", "--cfg", "method=mappo", "preset=release", "seed=7")
    config = yaml.safe_load(result.out)
    assert (result.code, config["seed"], config["method"]["name"]) == (0, 7, "mappo")
    assert config["update"]["learning_rate"] == 5e-4
    assert list(tmp_path.iterdir()) == []


def test_overrides_may_stand_on_both_sides_of_a_flag(gpae):
    result = gpae("train", "method=mappo", "-m", "seed=0,1", "--cfg", "discount=0.9")
    first, second = result.out.split("task:")[1:]
    configs = [yaml.safe_load("task:" + part) for part in (first, second)]
    assert [config["seed"] for config in configs] == [0, 1]
    assert {config["discount"] for config in configs} == {0.9}


def shell(command):
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
@pytest.mark.parametrize("words", ["tasks", "methods", "train --cfg"])
def test_a_reader_who_leaves_is_no_error(words):
    result = shell(f"{sys.executable} -m gpae.cli {words} | true")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.slow
def test_work_goes_on_when_its_reader_has_left():
    script = (
        "import sys; from gpae.console import OutputConsole; console = OutputConsole(); "
        "[console.print('x' * 1000) for _ in range(1000)]; sys.stderr.write('went on')"
    )
    result = shell(f'{sys.executable} -c "{script}" | true')
    assert (result.returncode, result.stderr) == (0, "went on")


def test_settings_of_a_file_are_printed_with_those_of_words(tmp_path, capsys):
    path = tmp_path / "settings.yaml"
    path.write_text("method: dae\nupdate: {epochs: 7}\nseed: 4\n")
    main(["train", "--settings", str(path), "--cfg", "seed=5"])
    values = yaml.safe_load(capsys.readouterr().out)
    assert (values["method"]["name"], values["update"]["epochs"], values["seed"]) == ("dae", 7, 5)
