"""The numbers of docs/credit.md are those of the raw data, and these those of the arrays."""

import json
from pathlib import Path

import numpy as np
import pytest

from gpae.credit.statistics import calibration, rank_correlation, scaled_error, sign_agreement

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "results/credit"
PAGE = (ROOT / "docs/credit.md").read_text()
TASKS = ("3m", "1s1z")
COLUMNS = (
    "rank_correlation",
    "rank_correlation_of_mean",
    "sign_agreement_of_mean",
    "scaled_error_of_mean",
    "squared_bias",
    "variance",
    "share_between_agents",
    "gradient_variance_ratio",
    "gradient_signal_ratio",
)


def measured(task):
    return json.loads((FOLDER / f"judged_{task}/credit.json").read_text())


def work_over_mappo(task, name):
    work = json.loads((FOLDER / "operations.json").read_text())[task]
    return sum(work[name].values()) / sum(work["mappo"].values())


def own_estimators(task):
    return list(measured(task)["gradient_steps"])


@pytest.mark.parametrize("task", TASKS)
def test_every_row_of_the_page_is_the_measured_one(task):
    data = measured(task)
    for name in own_estimators(task):
        row = data["estimators"][name]
        cells = [f"{row[column]:.3f}" for column in COLUMNS]
        cells.append(f"{data['calibration'][name]['r_squared']:.3f}")
        cells.append(f"{work_over_mappo(task, name):.2f}")
        assert f"| `{name}` | {' | '.join(cells)} |" in PAGE, name
    truth = data["estimators"]["truth"]
    assert (
        f"On {task} there are {truth['pairs']:.0f} pairs; the true advantages' variance is "
        f"{truth['variance']:.4f}, of which {truth['noise']:.4f} is noise"
    ) in " ".join(PAGE.split())


@pytest.mark.parametrize("task", TASKS)
def test_the_measured_numbers_are_those_of_the_arrays(task):
    data, arrays = measured(task), np.load(FOLDER / f"judged_{task}/credit.npz")
    acting, truth = arrays["truth/acting"], arrays["truth/advantages"]
    for name in own_estimators(task):
        row, samples = data["estimators"][name], arrays[f"advantages/{name}"]
        single = [rank_correlation(each[acting], truth[acting]) for each in samples.swapaxes(0, 1)]
        assert np.mean(single) == pytest.approx(row["rank_correlation"], abs=2e-3)
        mean = samples.mean(1)[acting]
        assert rank_correlation(mean, truth[acting]) == pytest.approx(
            row["rank_correlation_of_mean"], abs=2e-3
        )
        assert sign_agreement(mean, truth[acting]) == pytest.approx(row["sign_agreement_of_mean"])
        assert scaled_error(mean, truth[acting]) == pytest.approx(
            row["scaled_error_of_mean"], abs=1e-3
        )
        spread = samples.swapaxes(1, 2)[acting].var(-1, ddof=1).mean() / truth[acting].var()
        assert spread == pytest.approx(row["variance"], rel=1e-3)
        ratio = (
            arrays[f"gradient_variance/{name}"].mean() / arrays["gradient_variance/mappo"].mean()
        )
        assert ratio == pytest.approx(row["gradient_variance_ratio"], rel=1e-3)
        line = calibration(
            arrays[f"baselines/{name}"][acting], arrays["truth/expected_values"][acting]
        )
        assert line["r_squared"] == pytest.approx(data["calibration"][name]["r_squared"], abs=1e-3)
