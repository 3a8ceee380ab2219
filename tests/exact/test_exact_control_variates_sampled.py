"""V-bootstrapped and Q-corrected on simulated trajectories: moments as computed, and the tables."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from gpae import estimators, exact
from gpae.exact.control_variate_tables import ESTIMATORS
from gpae.exact.policies import joint_factor

ROOT = Path(__file__).resolve().parents[2]
LENGTH, GAMMA, LAMBDA = 25, 0.6, 0.9


@pytest.fixture(scope="module")
def drawn(make_case):
    """A case of two agents with a wrong Q, and trajectories of both its policies."""
    case = make_case(3, num_agents=2, num_states=3, discount=GAMMA, shift=0.4)
    rng = np.random.default_rng(0)
    wrong = case.action_values + 0.5 * rng.normal(size=case.game.rewards.shape)
    sampled = {
        name: exact.sample_trajectories(rng, case.game, policy, num=100_000, length=LENGTH)
        for name, policy in (("old", case.behaviour), ("new", case.target))
    }
    return case, exact.Critics.of(wrong, case.target, case.agent), sampled


def sampled_advantages(sampled, form, critics, table):
    """``A_0`` of every trajectory by the definition, ``[E]``."""
    control = critics.state[sampled.states] if form == "v_bootstrapped" else None
    control = sampled.lookup(critics.action) if control is None else control
    values, traces = critics.state[sampled.states], sampled.lookup(table)
    total = 0.0
    for t in reversed(range(LENGTH)):
        error = sampled.rewards[t] + GAMMA * values[t + 1] - control[t]
        total = error + GAMMA * traces[t + 1] * total
    return total + control[0] - sampled.lookup(critics.agent)[0]


@pytest.mark.slow
@pytest.mark.parametrize("form", exact.FORMS)
@pytest.mark.parametrize("scheme", ["none", "joint", "double", "untruncated"])
def test_sampled_off_policy_advantages_have_the_computed_mean_and_variance(drawn, form, scheme):
    case, critics, sampled = drawn
    table = exact.traces(scheme, case.target, case.behaviour, case.agent, lambda_=LAMBDA)
    parts = case.game, case.behaviour, form, critics, table
    expected = exact.expected_advantages(*parts)
    samples = sampled_advantages(sampled["old"], form, critics, table)
    deviation = samples - sampled["old"].lookup(expected)[0]
    chances = joint_factor(case.behaviour) * 4
    weighted = deviation**2 * sampled["old"].lookup(chances)[0]
    error = weighted.std() / np.sqrt(weighted.size)
    variance = exact.form_variance(*parts)
    assert abs(weighted.mean() - variance) < 4 * error
    assert error < 0.05 * variance
    for entry in np.ndindex(expected.shape):
        states, actions = sampled["old"].states[0], sampled["old"].actions[0]
        here = deviation[(states == entry[0]) & (actions == entry[1:]).all(-1)]
        assert abs(here.mean()) < 4.5 * here.std() / np.sqrt(here.size)


@pytest.mark.slow
@pytest.mark.parametrize("form", exact.FORMS)
def test_sampled_policy_gradients_vary_as_computed(drawn, form):
    case, critics, sampled = drawn
    new, policy = sampled["new"], case.target[case.agent]
    table = np.full(case.game.rewards.shape, LAMBDA)
    samples = sampled_advantages(new, form, critics, table)
    states, own = new.states[0], new.actions[0, :, case.agent]
    gradients = np.zeros((len(states), *policy.shape))
    score = np.eye(policy.shape[1])[own] - policy[states]
    gradients[np.arange(len(states)), states] = score * samples[:, None]
    density = exact.occupancy(case.game, case.target)[:, None, None] * joint_factor(case.target)
    weights = new.lookup(density * density.size)[0]
    mean = (weights[:, None, None] * gradients).mean(axis=0)
    squares = weights * (gradients**2).sum(axis=(1, 2))
    expected = exact.form_gradient_variance(
        case.game, case.target, case.agent, form, critics, lambda_=LAMBDA
    )
    error = squares.std() / np.sqrt(squares.size)
    assert abs(squares.mean() - (mean**2).sum() - expected) < 5 * error
    assert error < 0.03 * expected


@pytest.mark.parametrize("form", exact.FORMS)
def test_at_lambda_zero_both_are_the_one_step_form(drawn, form):
    """r + gamma V(s') - EQ^i: its variance is that of gamma V(s')."""
    case, critics, _ = drawn
    nothing = np.zeros(case.game.rewards.shape)
    found = exact.form_variance(case.game, case.target, form, critics, nothing)
    following = case.game.transitions @ critics.state
    squares = case.game.transitions @ critics.state**2
    expected = GAMMA**2 * (joint_factor(case.target) * (squares - following**2)).sum() / 3
    assert found == pytest.approx(expected, rel=1e-10)


def test_a_variance_that_diverges_is_infinite(make_case):
    case = make_case(0, shift=2.0)
    critics = exact.Critics.of(case.action_values, case.target, case.agent)
    table = exact.traces("untruncated", case.target, case.behaviour, case.agent)
    for form in exact.FORMS:
        found = exact.form_variance(case.game, case.behaviour, form, critics, table)
        assert found == np.inf


def archived(table):
    saved = json.loads((ROOT / "results/theory/theory.json").read_text())
    return exact.Settings(**saved["settings"]), saved[table]


def assert_rows(found, saved):
    assert len(found) == len(saved)
    for row, expected in zip(found, saved, strict=True):
        found_row = vars(row)
        assert found_row.keys() == expected.keys()
        for name, value in expected.items():
            is_number = isinstance(value, float)
            close = pytest.approx(value, rel=1e-6, abs=1e-9) if is_number else value
            assert found_row[name] == close, name


@pytest.mark.parametrize("team_size", [2, 4, pytest.param(6, marks=pytest.mark.slow)])
def test_archived_variances_are_computed_again(team_size):
    settings, saved = archived("form_variances")
    found = exact.form_variance_table(settings, team_sizes=(team_size,))
    assert_rows(found, [row for row in saved if row["num_agents"] == team_size])


@pytest.mark.slow
@pytest.mark.parametrize("table", ["v_bootstrapped", "q_corrected"])
def test_archived_errors_by_scheme_are_computed_again(table):
    settings, saved = archived(table)
    assert_rows(getattr(exact, f"{table}_table")(settings), saved)


def documented(first_cell):
    """Cells of the rows of ``docs/theory.md`` whose first cell begins with a word."""
    lines = (ROOT / "docs/theory.md").read_text().splitlines()
    rows = [re.split(r"\s*\|\s*", line.strip(" |")) for line in lines if line.startswith("|")]
    return [row for row in rows if row[0].startswith(first_cell)]


def test_the_documents_show_the_archived_variances():
    _, saved = archived("form_variances")
    ratios = {(r["rewards"], r["num_agents"], r["estimator"]): r["ratio"] for r in saved}
    for rewards in ("joint", "additive"):
        (cells,) = documented(f"{rewards}, 2 / 4 / 6")
        expected = [
            " / ".join(f"{ratios[rewards, n, name]:.2f}" for n in (2, 4, 6))
            for name in ESTIMATORS[1:]
        ]
        assert cells[1:] == expected


def shown(number):
    if number is None:
        return "∞"
    return "0" if abs(number) < 1e-9 else f"{number:.3f}"


@pytest.mark.parametrize("table", ["v_bootstrapped", "q_corrected"])
def test_the_documents_show_the_archived_errors(table):
    _, saved = archived(table)
    short = {"v_bootstrapped": "V: ", "q_corrected": "Q: "}[table]
    cells = {row[0].removeprefix(short): row[1:] for row in documented(short)}
    for row in saved:
        _, _, *numbers = row.values()
        assert cells[row["scheme"]] == list(map(shown, numbers)), row["scheme"]
    assert len(cells) == len(saved) == 1 + len(estimators.TRACE_SCHEMES)
