"""Results as Markdown, from documents with numbers that can be checked by hand."""

import json

import pytest

from benchmarks.harness import table
from benchmarks.harness.documents import new_document, read_document, write_document
from benchmarks.harness.spread import Spread
from gpae.errors import UserError


def start(offset):
    numbers = ("built", "state", "first_update", "compilation", "evaluation", "xla")
    return {name: number + offset for number, name in enumerate(numbers)}


def case(task="smax/3m", length=1, cold=True, memory="window", **overrides):
    """200 env steps an update, a peak of 8 GFLOP/s."""
    words = [f"task={task}", "method=gpae", f"window.length={length}", "rollout.steps=2"]
    warm = {
        "startup": start(0),
        "peak_memory": 2**30,
        "config": {
            "task": {"name": task},
            "method": {"name": "gpae"},
            "window": {"length": length},
            "evaluation": {"interval": 1000.0},
        },
        "env_steps": 200,
        "gradient_steps": 16,
        "seconds": {
            "update": [1.0, 2.0, 4.0],
            "phases": {"collect": [0.5, 0.5], "update": [0.2, 0.2]},
            "evaluate": [1.0, 1.0],
            "evaluated_steps": [50, 50],
        },
        "memory": {memory: 2**20, "state": 2**21, "batch": 2**22},
        "work": {
            "collect": {"forward": 10**9, "backward": 0, "recomputed": 0},
            "update": {"forward": 2 * 10**8, "backward": 3 * 10**8, "recomputed": 10**8},
            "acting": {"forward": 2 * 10**7, "backward": 0, "recomputed": 0},
        },
        "gemm": {"512": 4e9, "1024": 8e9},
    }
    words += [f"{name}={value}" for name, value in overrides.items()]
    first = {"startup": start(10), "peak_memory": 3 * 2**30} if cold else None
    return {"overrides": words, "load_average": 0.0, "cold": first, "warm": warm}


def cells(text, row):
    """A table's row by heading; 0 is the first below the headings."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines()]
    return dict(zip(lines[0], lines[2 + row], strict=True))


def tables(document):
    return table.render(document).split("\n\n")[1:]


@pytest.fixture
def bench():
    return new_document("bench", cases=[case(), case("smax/8m", 4)])


def test_rates_are_medians_with_quartiles(bench):
    row = cells(tables(bench)[0], 0)
    assert row["env steps/s"] == "100 (75 to 150)"
    assert row["collect, env steps/s"] == "400"
    assert row["update, env steps/s"] == "1,000"
    assert row["evaluate, env steps/s"] == "50"
    assert row["gradient steps/update"] == "16"
    # Every 1000 env steps, which take 10 s, there is an evaluation of 1 s.
    assert row["evaluation, of the time"] == f"{1 / 11:.2%}"
    assert "estimate, env steps/s" not in row


def test_a_row_says_what_its_case_was(bench):
    first, second = (cells(tables(bench)[0], number) for number in (0, 1))
    assert [first[name] for name in ("task", "method", "M")] == ["smax/3m", "gpae", "1"]
    assert [second[name] for name in ("task", "method", "M")] == ["smax/8m", "gpae", "4"]
    assert "settings" not in first


def test_settings_are_shown_where_cases_differ():
    cases = [case(epochs=1), case(epochs=3), case(epochs=1, memory="buffer")]
    document = new_document("bench", cases=cases)
    rows = [cells(tables(document)[0], number) for number in range(3)]
    assert [row["settings"] for row in rows] == ["epochs=1", "epochs=3", "epochs=1"]
    assert [row["M"] for row in rows] == ["1", "1", "-"]


def test_operations_are_of_useful_work_and_relative_to_the_best_product(bench):
    row = cells(tables(bench)[1], 0)
    assert row["GEMM peak, GFLOP/s"] == "8"
    assert row["collect, GFLOP/s (of peak)"] == "2.0 (25%)"
    assert row["update, GFLOP/s (of peak)"] == "2.5 (31%)"
    assert row["evaluate, GFLOP/s (of peak)"] == "1.0 (12%)"
    assert row["recomputed in update"] == "+20%"


def test_starts_and_memory(bench):
    row = cells(tables(bench)[2], 0)
    assert row["first update, s, cold"] == "12.0"
    assert row["first update, s, warm"] == "2.0"
    assert row["compile, s, cold"] == "13.0"
    assert row["window or buffer"] == "1.0 MiB"
    assert row["update batch"] == "4.0 MiB"
    assert row["peak memory, cold"] == "3.0 GiB"
    assert row["peak memory, warm"] == "1.0 GiB"


def test_without_a_cold_start_there_is_no_table_of_starts():
    row = cells(tables(new_document("bench", cases=[case(cold=False)]))[2], 0)
    assert row["peak memory, warm"] == "1.0 GiB"
    assert not [heading for heading in row if "cold" in heading or "first update" in heading]


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "bench"},
        {"kind": "compare", "ours": "", "against": "", "pairs": []},
        {"kind": "learning", "ours": "", "against": "", "runs": {}},
    ],
)
def test_results_without_anything_finished_are_refused(document):
    with pytest.raises(UserError, match="hold too little for a table"):
        table.render(new_document(**document))


def test_a_curve_that_was_not_begun_is_left_out():
    text = table.render(new_document("scaling", curves={"agents": [case()], "window": []}))
    assert [line for line in text.splitlines() if line.startswith("###")] == ["### agents"]


def test_scaling_has_a_table_a_curve():
    curves = {"agents": [case("smax/3m"), case("smax/8m")], "window": [case(length=4)]}
    text = table.render(new_document("scaling", curves=curves))
    assert [line for line in text.splitlines() if line.startswith("###")] == [
        "### agents",
        "### window",
    ]
    row = cells("\n".join(line for line in text.splitlines() if line.startswith("|")), 0)
    # Collection asks for 1 GFLOP and the update for 0.5, over 200 env steps; 100 of them a second.
    assert row["needed, MFLOP/env step"] == "7.5"
    assert row["useful GFLOP/s"] == "0.8"


def side(rate):
    return {"short": 1.0, "long": 2.0, "rate": rate}


def test_comparisons_give_each_pair_and_their_middle():
    pairs = [{"ours": side(rate), "against": side(100.0)} for rate in (300.0, 200.0, 250.0)]
    document = new_document("compare", ours="a", against="b", steps=[1, 2], pairs=pairs)
    text = tables(document)[-1]
    assert [cells(text, number)["ratio"] for number in range(4)] == [
        "3.00",
        "2.00",
        "2.50",
        "2.50 (2.25 to 2.75)",
    ]
    assert cells(text, 3)["ours, env steps/s"] == "250 (225 to 275)"


def test_kernels_are_compared_call_by_call():
    seconds = {"GAE": {"ours": [1e-6, 2e-6], "rlax": [2e-6, 8e-6]}}
    document = new_document("estimators", shapes="2 steps", seconds=seconds)
    row = cells(tables(document)[-1], 0)
    assert row["gpae, microseconds"] == "2"
    assert row["rlax, microseconds"] == "5"
    assert row["ratio of times"] == "0.38 (0.31 to 0.44)"


def test_overheads_are_ratios_within_rounds():
    document = new_document(
        "overhead",
        reference="plain",
        common=["task=x"],
        variants={"plain": "a=1", "costly": "a=2"},
        seconds={"plain": [1.0, 2.0, 4.0], "costly": [1.5, 2.0, 5.0]},
    )
    text = table.render(document)
    assert "| plain | `a=1` | 2.00 | 1.000 (1.000 to 1.000) |" in text
    assert "| costly | `a=2` | 2.00 | 1.250 (1.125 to 1.375) |" in text


def test_seeds_are_compared_round_by_round():
    document = new_document(
        "seeds",
        common=["task=x"],
        cases={"tiny": "a=1"},
        seconds={"tiny, 4 seeds": {"alone": [2.0, 4.0, 9.0], "together": [1.0, 1.0, 3.0]}},
    )
    text = table.render(document)
    assert "tiny: `a=1`." in text
    assert "| tiny, 4 seeds | 4.000 | 1.000 | 3.00 (2.50 to 3.50) |" in text


def test_memory_has_a_column_a_window():
    needs = [{"window": 2**20 * size, "batch": 2**21 * size, "state": 0} for size in (1, 4)]
    windows = dict(zip(("M = 1", "M = 4"), needs, strict=True))
    document = new_document("memory", common=["a=1"], tasks={"smax/3m": windows})
    text = table.render(document)
    assert "| task | window, M = 1 | window, M = 4 | update batch, M = 1 |" in text
    assert "| smax/3m | 1.0 MiB | 4.0 MiB | 2.0 MiB |" in text


def test_quartiles_interpolate():
    assert Spread.of([1.0, 2.0, 3.0, 4.0]) == Spread(median=2.5, low=1.75, high=3.25)


def test_a_document_is_valid_json_and_comes_back(tmp_path):
    path = tmp_path / "new" / "result.json"
    document = new_document("bench", cases=[], eta=float("inf"), sizes={512: (1, 2)})
    write_document(path, document)
    assert "Infinity" not in path.read_text()
    read = read_document(path)
    assert read["eta"] == "inf"
    assert read["sizes"] == {"512": [1, 2]}
    assert read["versions"] == json.loads(json.dumps(document["versions"]))
    assert "/" not in read["command"].split()[0]


@pytest.mark.parametrize("contents", [b"", b"[]", b"{}", b"3", b"\x89PNG"])
def test_what_is_no_result_is_refused_in_a_line(tmp_path, contents, capsys):
    path = tmp_path / "other.json"
    path.write_bytes(contents)
    assert table.main([str(path)]) == 2
    assert capsys.readouterr().err == f"{path} is no benchmark's result\n"


def test_a_result_that_does_not_say_where_it_is_from_is_refused():
    with pytest.raises(UserError, match="these results of kind 'memory' hold too little"):
        table.render({"kind": "memory"})


def test_a_kind_without_a_table_is_refused():
    with pytest.raises(UserError, match="no table for results of kind 'other'"):
        table.render(new_document("other"))
