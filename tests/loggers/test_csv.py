"""CSV files: a row an update or an evaluation, columns as they come, rows dropped on resuming."""

import csv

from gpae.runs import MetricsWriter


def rows(run, name):
    with (run.path / f"{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_rows_are_the_records(make_run, sitting):
    run = sitting(make_run("csv"), [1, 2], status="finished", value=0.1 + 0.2)
    first, second = rows(run, "metrics")
    assert first == {"env_steps": "100", "gradient_steps": "5.0", "train/win_rate": repr(0.1 + 0.2)}
    assert second["env_steps"] == "200"
    assert rows(run, "evaluations") == [{"env_steps": "200", "evaluation/greedy/win_rate": "0.75"}]
    assert rows(run, "results") == [{"result": "absolute/greedy/win_rate", "value": "0.75"}]


def test_a_new_column_is_added_and_a_missing_value_is_empty(make_run):
    run = make_run("csv")
    with MetricsWriter(run) as writer:
        writer.write({"update": 1, "env_steps": 100, "a": 1.5})
        writer.write({"update": 2, "env_steps": 200, "b": 2.5})
        writer.write({"update": 3, "env_steps": 300, "b": 3.5, "a": float("nan")})
    assert (run.path / "metrics.csv").read_text() == (
        "env_steps,a,b\n100,1.5,\n200,,2.5\n300,nan,3.5\n"
    )


def test_a_run_that_goes_on_equals_one_without_a_stop(make_run, sitting):
    straight = sitting(make_run("csv", name="straight"), [1, 2, 3, 4])
    run = make_run("csv")
    sitting(run, [1, 2, 3], value=0.9)
    sitting(run, [1, 2, 3, 4], resume=0)
    for name in ("metrics", "evaluations"):
        assert rows(run, name) == rows(straight, name)
    assert [row["train/win_rate"] for row in rows(run, "metrics")] == ["0.5"] * 4
