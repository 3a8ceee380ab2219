"""`gpae credit`: a run's credit measured from its folder, shown and written."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.credit import CreditStates, collect_states

pytestmark = pytest.mark.slow


def test_credit_of_a_run_is_measured_shown_and_written(gpae, straight, contents, tmp_path):
    folder = straight("mappo")[0]
    before = contents(folder)
    words = ("--states", "6", "--repetitions", "4", "--samples", "3", "--output", str(tmp_path))
    result = gpae("credit", str(folder), *words)
    assert (result.code, result.err) == (0, "")
    assert "truth" in result.out
    assert "calls" in result.out
    written = json.loads((tmp_path / "credit.json").read_text())
    assert set(written["estimators"]) == {"mappo", "mappo, lambda 0", "mappo, lambda 1", "truth"}
    assert written["estimators"]["truth"]["pairs"] == 12
    assert (tmp_path / "credit.png").read_bytes().startswith(b"\x89PNG")
    assert set(np.load(tmp_path / "credit.npz")["truth/acting"].shape) == {6, 2}
    assert contents(folder) == before


def test_critics_are_trained_on_the_runs_data_and_runs_are_put_together(
    gpae, straight, contents, tmp_path, monkeypatch
):
    """Of two runs, the second measurement is the first one again."""
    from gpae.runs import credit

    measured = []
    measure = credit.measure_credit
    monkeypatch.setattr(
        credit,
        "measure_credit",
        lambda *a, **k: (
            measured[0] if measured else measured.append(measure(*a, **k)) or measured[0]
        ),
    )
    folder, name = straight("mappo")[0], "q_corrected method.lambda_=0"
    before = contents(folder)
    words = ("--states", "4", "--repetitions", "2", "--samples", "2", "--batches", "2")
    critics = ("--critics", name, "--output", str(tmp_path))
    result = gpae("credit", str(folder), str(folder), *words, *critics)
    assert (result.code, result.err) == (0, "")
    assert f"training {name}: 2 of 2 calls" in result.out
    together = json.loads((tmp_path / "credit_runs.json").read_text())
    assert set(together["estimators"]) >= {name, "mappo of the run", "truth"}
    each = [json.loads((tmp_path / run / "credit.json").read_text()) for run in together["runs"]]
    assert len(each) == 2
    variance = each[0]["estimators"][name]["variance"]
    assert together["estimators"][name]["variance"]["mean"] == pytest.approx(variance)
    assert each[0]["gradient_steps"][name] == measured[0].gradient_steps[name] > 0
    assert contents(folder) == before
    refused = gpae("credit", str(folder), "--critics", "mapo", "--output", str(tmp_path / "new"))
    assert refused.code == 2
    assert "no critic 'mapo'" in refused.err
    assert not (tmp_path / "new").exists()


def test_the_gap_of_a_run_is_the_mates_mean_advantage_less_the_forced_agents(
    gpae, straight, monkeypatch
):
    from gpae.config.compose import from_dict
    from gpae.runs import RunFolder, credit

    def forced(learner, params, *, count, seed):
        found = collect_states(learner, params, count=count, seed=seed)
        agents = jax.nn.one_hot(jnp.arange(count) % 2, 2).astype(bool)
        return CreditStates(**{**vars(found), "forced": agents})

    truths = []
    true_credit = credit.true_credit
    monkeypatch.setattr(credit, "collect_forced_states", forced)
    monkeypatch.setattr(
        credit, "true_credit", lambda *a, **k: truths.append(true_credit(*a, **k)) or truths[-1]
    )
    folder = RunFolder.open(straight("recurrent gpae")[0])
    settings = credit.CreditSettings(states=6, repetitions=4, samples=3)
    found = credit.measure_forced_gap(
        from_dict(folder.config), folder, settings, say=lambda line: None
    )
    advantages = truths[0].advantages.mean
    signs = np.where(np.arange(6) % 2 == 0, -1.0, 1.0)
    gaps = signs * (advantages[:, 0] - advantages[:, 1])
    assert found["true_gap"] == pytest.approx(gaps.mean())
    assert found["standard_error"] == pytest.approx(gaps.std(ddof=1) / 6**0.5)
    assert found["states"] == 6.0
    assert np.isfinite(found["estimated_gap"])
