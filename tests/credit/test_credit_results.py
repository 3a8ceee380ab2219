"""The numbers of the first trial are those of its raw data."""

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "results/credit"
COLUMNS = (
    "rank_correlation",
    "rank_correlation_of_mean",
    "sign_agreement",
    "scaled_error",
    "squared_bias",
    "variance",
    "share_between_agents",
)


def test_the_page_shows_the_raw_data():
    page = (FOLDER / "README.md").read_text()
    data = json.loads((FOLDER / "true_credit_3m/credit.json").read_text())
    rows = data["estimators"]
    for shown, name in (
        ("gpae, lambda .95", "gpae"),
        ("gpae, lambda 0",) * 2,
        ("gpae, lambda 1",) * 2,
    ):
        cells = " | ".join(f"{rows[name][column]:.3f}" for column in COLUMNS)
        assert f"| {shown} | {cells} |" in page
    truth, line = rows["truth"], data["calibration"]
    assert f"| {truth['share_between_agents']:.3f} |" in page
    assert f"{truth['variance']:.5f}, of which {truth['noise']:.5f}" in page
    assert f"{truth['pairs']:.0f} pairs" in page
    assert f"slope {line['slope']:.3f}, intercept {line['intercept']:.3f}" in page
    assert f"R^2 {line['r_squared']:.3f}" in page
