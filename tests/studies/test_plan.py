"""Plans: the order of runs, what is chosen, and what makes a run another one."""

import pytest

from gpae.config.compose import compose, to_dict
from gpae.errors import UserError
from gpae.runs import versions
from gpae.studies.identity import digest, identity
from gpae.studies.plan import make_plan


def names(runs):
    return [(run.cell.row.name, run.seed) for run in runs]


def test_the_cells_of_the_priority_come_first_then_the_others_each_once(study):
    first, second = make_plan(study).steps
    assert names(first) == [("two", 0)]
    assert names(second) == [("one", 0), ("one", 1), ("two", 1), ("odd", 0), ("odd", 1)]


def test_seeds_and_scale_replace_the_studys(study):
    plan = make_plan(study, seeds=3, scale=0.5)
    assert len(plan.runs) == 9
    config = plan.runs[0].config
    assert (config.total_env_steps, config.evaluation.interval) == (160, 48)
    assert {run.config.seed for run in plan.runs} == {0, 1, 2}


@pytest.mark.parametrize(
    ("only", "rows"),
    [
        (["one"], ["one"]),
        (["ONE", "two"], ["one", "two"]),
        (["beacon"], ["one", "two", "odd"]),
        (["*beacon o*"], ["one", "odd"]),
    ],
)
def test_only_chooses_cells_by_task_row_or_pattern(study, only, rows):
    assert [cell.row.name for cell in make_plan(study, only=only).cells] == rows


def test_a_pattern_that_fits_nothing_is_refused_in_a_line(study):
    with pytest.raises(UserError, match=r"^no task and row of the study fits --only three$"):
        make_plan(study, only=["three"])


def test_runs_share_a_program_if_they_differ_in_seeds_and_fractions_alone(study):
    programs = {run.cell.row.name: run.program for run in make_plan(study).runs}
    assert programs["one"] == programs["odd"] != programs["two"]


@pytest.fixture(scope="module")
def digest_of():
    recorded = versions()

    def compute(words=(), revision=1, **changed):
        config = to_dict(compose(["task=smax/3m", "method=gpae", *words]))
        return digest(identity(config, {**recorded, **changed}, revision))

    return compute


@pytest.mark.parametrize(
    "word",
    ["run.folder=here", "run.devices=1", "run.checkpoint_interval=1", "profile=true", "seed=7"],
)
def test_the_conduct_of_a_run_and_its_seed_are_not_in_the_digest(word, digest_of):
    assert digest_of([word]) == digest_of()


@pytest.mark.parametrize(
    "word",
    ["method.eta=1.5", "task.rules=0.1", "task.stop_probability=0.05", "total_env_steps=1e6",
     "evaluation.interval=1e5", "evaluation.mode=sampled", "discount=0.9"],
)  # fmt: skip
def test_what_changes_a_result_is_in_the_digest(word, digest_of):
    assert digest_of([word]) != digest_of()


def test_the_codes_revision_is_in_the_digest_and_the_commit_is_not(digest_of):
    assert digest_of(revision=2) != digest_of()
    assert digest_of(git={"commit": "other", "dirty": True}) == digest_of()


def test_the_simulators_version_is_in_the_digest_of_its_own_family():
    config = to_dict(compose(["task=mabrax/hopper-3x1", "method=gpae"]))
    other = {**versions(), "brax": "0.13.0"}
    assert digest(identity(config, other)) != digest(identity(config, versions()))


def test_whole_and_broken_numbers_of_one_value_are_one_setting():
    assert digest({"a": 1, "b": [True, "1"]}) == digest({"b": [True, "1"], "a": 1.0})
    assert digest({"a": 1}) != digest({"a": "1"})
    assert digest({"a": 1}) != digest({"a": True})
