"""States at which an agent's action was replaced."""

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.credit import CreditStates, collect_forced_states, states
from gpae.errors import UserError


@pytest.fixture
def acted(monkeypatch):
    """Have an act's moments tagged by time and environment, with given forced agents."""

    def install(forced):
        steps, environments, _ = forced.shape
        tags = 10 * jnp.arange(steps)[:, None] + jnp.arange(environments)
        moments = CreditStates(tags, tags, tags == 0, {}, tags, jnp.asarray(forced))
        monkeypatch.setattr(states, "act", lambda *_, **__: states.Play(moments, ()))

    return install


def test_states_are_those_with_a_forced_agent_evenly_picked(acted):
    forced = np.zeros((6, 2, 3), bool)
    for agent, (time, environment) in enumerate([(0, 1), (2, 0), (5, 1)]):
        forced[time, environment, agent] = True
    acted(forced)
    every = collect_forced_states(None, {}, count=10)
    assert every.actions.tolist() == [1, 20, 51]
    assert jnp.asarray(every.forced).argmax(-1).tolist() == [0, 1, 2]
    assert collect_forced_states(None, {}, count=2).actions.tolist() == [1, 51]


def test_an_act_without_a_forced_action_is_refused_in_a_line(acted):
    acted(np.zeros((6, 2, 3), bool))
    with pytest.raises(UserError, match=r"^no action was forced in 2048 steps$"):
        collect_forced_states(None, {}, count=2)
