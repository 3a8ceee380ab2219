"""Declared studies: what the files may say, and that the paper's are whole."""

import pytest

from gpae.errors import UserError
from gpae.studies.declaration import find_study, read_study, study_names
from gpae.studies.plan import make_plan
from gpae.studies.printed import printed_numbers

GRIDS = [name for name in study_names() if find_study(name).suites]


def test_every_table_and_figure_with_results_is_declared():
    assert study_names() == ["fig1", "fig2", "fig4", "overhead", "table2", "table3", "table4"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seeds: 2", "seeds: two", "seeds"),
        ("seeds: 2", "seeds: 0", "seeds, total_env_steps and evaluation_interval"),
        ("seeds: 2", "sedes: 2", "sedes"),
        ("title: A small study", "", "it has no title"),
        ("name: two", "name: one", "each row needs a name of its own, not 'one'"),
        ("{name: two,", "{name: two, base: other,", "no suite has settings called 'other'"),
        ("{name: two,", "{name: two, tasks: [smax/*],", "no task is called smax/*"),
        ("rows: [two]", "rows: [three]", "priority: no row is called 'three'"),
        ("over: [two]", "over: [three]", "claim 'one is better' names a row or a measure"),
        ("source: training", "source: dreams", "source is one of evaluation, training"),
        ("tasks: [toy/beacon]", "tasks: [toy/beakon]", "no task 'toy/beakon'"),
        ("title: A small study", "title: [", "is no YAML"),
        ("", "", "it must be a mapping"),
    ],
)
def test_what_a_file_may_not_say_is_refused_in_a_line(old, new, said, toy, declared):
    assert old in declared
    with pytest.raises(UserError) as caught:
        read_study("small", declared.replace(old, new, 1) if old else "- one")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_study_is_refused_with_the_closest(tmp_path):
    with pytest.raises(UserError, match=r"no study 'tabel2' \(did you mean table2"):
        find_study("tabel2")
    with pytest.raises(UserError, match="cannot read the study"):
        find_study(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize(("name", "numbers"), [("table2", 72), ("table3", 8), ("table4", 16)])
def test_every_printed_number_has_a_cell_that_is_no_control(name, numbers):
    study = find_study(name)
    printed = printed_numbers(study.printed)
    cells = {(task, row.name) for _, task, row in study.cells() if not row.control}
    found = [
        (measure, task, row)
        for measure, tasks in printed.values.items()
        for task, rows in tasks.items()
        for row in rows
    ]
    assert len(found) == numbers
    assert {(task, row) for _, task, row in found} == cells
    assert {measure for measure, _, _ in found} <= {measure.name for measure in study.measures}


@pytest.mark.parametrize(
    ("name", "measure", "task", "row", "value"),
    [
        ("table2", "performance", "smax/10m_vs_11m", "DAE", (25.0, 8.2)),
        ("table2", "performance", "smax/smacv2_5_units", "VDN", (39.4, 2.9)),
        ("table2", "performance", "mabrax/hopper-3x1", "COMA", (709, 203)),
        ("table2", "performance", "mabrax/humanoid-9|8", "GPAE (off)", (445, 4)),
        ("table2", "performance", "mabrax/ant-8x1", "QMIX", None),
        ("table3", "performance", "smax/3s5z_vs_3s6z", "No Correction", (74.9,)),
        ("table4", "trace gap", "smax/3s5z_vs_3s6z", "eta = 1.056", (-0.0067,)),
        ("table4", "performance", "smax/5m_vs_6m", "eta = 1.15", (39.4,)),
    ],
)
def test_numbers_are_the_papers(name, measure, task, row, value):
    assert printed_numbers(name).value(measure, task, row) == value


def test_table_2_has_every_method_on_every_task_and_q_learning_on_smax():
    cells = [(task, row.name) for _, task, row in find_study("table2").cells() if not row.control]
    assert len(cells) == 6 * 7 + 6 * 5
    assert not [task for task, row in cells if row in ("QMIX", "VDN") and "mabrax" in task]


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", GRIDS)
def test_every_cell_is_a_configuration_of_its_own(name):
    cells = make_plan(find_study(name)).cells
    assert len({cell.digest for cell in cells}) == len(cells)


@pytest.mark.slow
def test_tables_3_and_4_share_their_printed_row_with_table_2():
    def digest_of(name, row):
        (cell,) = make_plan(find_study(name), only=[f"*5m_vs_6m {row}".lower()]).cells
        return cell.digest

    assert digest_of("table2", "GPAE (off)") == digest_of("table3", "DT-ISR")
    assert digest_of("table2", "GPAE (off)") == digest_of("table4", "eta = 1.056")
