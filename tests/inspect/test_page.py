"""The page holds its data bit for bit, and nothing that would ask for more."""

import re

import numpy as np
import pytest

from gpae.environments import ContinuousActions, DiscreteActions, EnvironmentSpec
from gpae.errors import UserError
from gpae.inspect.arrays import packed, unpacked
from gpae.inspect.page import document_of, render_page, write_page
from gpae.inspect.steps import affordable_interval, chosen_steps, episodes_a_step


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.arange(6, dtype=np.float32).reshape(1, 2, 3) / 7, np.float32),
        (np.array([1.5, -np.inf, np.nan]), np.float32),
        (np.array([[-1, 2**31 - 1]]), np.int32),
        (np.array([True, False]), np.uint8),
        (np.zeros((0, 3)), np.float32),
        (np.arange(12.0).reshape(3, 4).T, np.float32),
    ],
)
def test_an_array_comes_back_as_it_was(array, dtype):
    found = unpacked(packed(array))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array.astype(dtype))


def test_the_page_holds_its_document_whatever_is_in_it(made):
    hostile = {**made.document, "subtitle": "</script><script>alert(1)</script> {{data}} \\1"}
    page = render_page(hostile)
    assert document_of(page) == hostile
    assert "</script><script>alert" not in page


def test_the_page_names_no_address_outside_itself(made):
    page = render_page(made.document)
    assert "default-src 'none'" in page
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert re.findall(r"(?:src|href|url)\s*[=(]", markup) == []
    assert "Permission is hereby granted, free of charge" in page


def test_the_page_has_no_place_left_to_fill(made):
    assert re.findall(r"\{\{\w+\}\}", render_page(made.document)) == []


def test_a_page_that_cannot_be_written_is_one_line(made, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_page(made.document, tmp_path / "file" / "page.html")


def test_a_large_team_and_a_long_episode_stay_small(made_large):
    assert len(render_page(made_large.document)) < 4e6


def test_truth_is_at_every_so_many_steps_and_where_an_action_was_forced():
    np.testing.assert_array_equal(chosen_steps(10, 4), [0, 4, 8])
    np.testing.assert_array_equal(chosen_steps(10, 4, np.array([8, 5])), [0, 4, 5, 8])
    np.testing.assert_array_equal(chosen_steps(1, 4), [0])


@pytest.mark.parametrize(
    ("actions", "expected"),
    [(DiscreteActions(8), 32 * (3 * 8 + 1)), (ContinuousActions(2), 32 * (3 * 17 + 1))],
)
def test_the_cost_of_a_step_is_every_alternative_of_every_agent(actions, expected):
    spec = EnvironmentSpec("toy/any", 3, 4, 5, actions, 100)
    assert episodes_a_step(spec, 32) == expected


@pytest.mark.parametrize(
    ("steps", "cost", "every"), [(75, 800, 1), (76, 800, 2), (1000, 30272, 505)]
)
def test_the_interval_is_the_least_that_is_affordable(steps, cost, every):
    assert affordable_interval(steps, cost) == every
