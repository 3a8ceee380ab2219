"""MABrax's index tables are within the body's sizes, complete, and agree with Brax's model."""

import jax
import numpy as np
import pytest

from gpae.environments.mabrax import make_body
from gpae.environments.mabrax_tables import TEAMS, AgentTable, TeamTable
from gpae.errors import UserError

SIZES = {
    "halfcheetah": (17, 6),
    "ant": (27, 8),
    "walker2d": (17, 6),
    "hopper": (11, 3),
    "humanoid": (244, 17),
}
PLAIN_TEAMS = [team for team, table in TEAMS.items() if table.body != "humanoid"]


@pytest.mark.parametrize("table", TEAMS.values(), ids=TEAMS)
def test_every_index_is_inside_the_body_and_every_action_dimension_driven_once(table):
    size, action_size = SIZES[table.body]
    assert (table.observation_size, table.action_size) == (size, action_size)
    for agent in table.agents:
        assert set(agent.observed) <= set(range(size))
        assert len(set(agent.observed)) == len(agent.observed)
    driven = [action for agent in table.agents for action in agent.driven]
    assert sorted(driven) == list(range(action_size))


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        ([("hip", (0, 4), (0, 1))], "agent 0 (hip) observes index 4, but those of body are 0 to 3"),
        (
            [("hip", (0, -1), (0, 1))],
            "agent 0 (hip) observes index -1, but those of body are 0 to 3",
        ),
        (
            [("hip", (0,), (0, 1)), ("knee", (0,), (2,))],
            "agent 1 (knee) drives index 2, but those of body are 0 to 1",
        ),
        (
            [("hip", (0,), (0, 1)), ("knee", (0,), (1,))],
            "action dimension 1 of body is driven 2 times, by agent 0 and agent 1",
        ),
        ([("hip", (0,), (0, 1)), ("eye", (0,), ())], "agent 1 (eye) drives no action dimension"),
        ([("hip", (0,), (0,))], "action dimension 1 of body is driven by no agent"),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(agents, message):
    with pytest.raises(UserError) as error:
        TeamTable("body", 4, 2, tuple(AgentTable(*agent) for agent in agents))
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("team", "agent", "observed"),
    [
        ("walker2d-6x1", 4, [0, 1, 5, 6, 7, 8, 9, 10, 15]),
        ("ant-8x1", 1, [0, 1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 17, 18, 20]),
        ("hopper-3x1", 2, [0, 1, 3, 4, 5, 6, 7, 10]),
    ],
)
def test_the_tables_are_the_releases(team, agent, observed):
    assert list(TEAMS[team].agents[agent].observed) == observed


@pytest.mark.slow
@pytest.mark.parametrize("name", SIZES)
def test_sizes_are_those_of_brax(name):
    body = make_body(name, "positional")
    observation = jax.eval_shape(body.reset, jax.random.key(0)).obs
    assert (*observation.shape, body.action_size) == SIZES[name]


def test_a_body_that_brax_has_not_is_refused():
    with pytest.raises(UserError, match="Brax has no body 'hoper'"):
        make_body("hoper", "positional")


class Model:
    """Indices into a body's observation, derived from the links and joints of Brax's model."""

    def __init__(self, name):
        system = make_body(name, "positional").sys
        self.names = system.link_names
        self.parents = dict(enumerate(map(int, system.link_parents)))
        self.link_of = np.asarray(system.dof_link())
        self.driven = np.asarray(system.actuator.qd_id)
        horizontal = 2 if system.link_types[0] == "f" else 1
        self.num_positions = system.q_size() - horizontal

    def velocities(self, links):
        return {self.num_positions + int(d) for d in np.flatnonzero(np.isin(self.link_of, links))}

    def angles(self, links):
        return {index - len(self.link_of) for index in self.velocities(links)}

    def torso(self):
        angles = self.num_positions - len(self.link_of) + int((self.link_of == 0).sum())
        return set(range(angles)) | self.velocities([0])

    def forces(self, links):
        return {221 - self.num_positions + index for index in self.velocities(links)}

    def links_of(self, actions):
        return sorted({int(self.link_of[self.driven[action]]) for action in actions})

    def near(self, links):
        """The links themselves, and their parents, children and siblings, without the torso."""
        parents = {self.parents[link] for link in links}
        kin = {link for link, parent in self.parents.items() if parent in {*links, *parents}}
        return sorted((kin | parents) - {0, -1})


@pytest.mark.parametrize("team", PLAIN_TEAMS)
def test_agents_see_the_torso_what_they_drive_and_the_angles_beside_it(team):
    model = Model(TEAMS[team].body)
    for agent in TEAMS[team].agents:
        own = model.links_of(agent.driven)
        expected = model.torso() | model.angles(model.near(own)) | model.velocities(own)
        assert set(agent.observed) == expected


def test_the_humanoids_halves_see_what_they_drive_and_what_it_hangs_on():
    model = Model("humanoid")
    number = {name: index for index, name in enumerate(model.names)}
    arms = [
        number[f"{side}_{part}_arm"] for side in ("right", "left") for part in ("upper", "lower")
    ]
    thighs, shins = (
        [number[f"{side}_{p}"] for side in ("right", "left")] for p in ("thigh", "shin")
    )
    abdomen, torso = [number["lwaist"], number["pelvis"]], number["torso"]

    def by_link(links):
        return {45 + 10 * n + i for n in links for i in range(10)} | {
            155 + 6 * n + i for n in links for i in range(6)
        }

    upper, legs = TEAMS["humanoid-9|8"].agents
    for agent, own, angles, links in (
        (upper, abdomen + arms, thighs, [torso, *abdomen, *thighs, *arms]),
        (legs, thighs + shins, abdomen, thighs + shins),
    ):
        assert model.links_of(agent.driven) == sorted(own)
        expected = model.torso() | model.angles(own + angles) | model.velocities(own)
        assert set(agent.observed) == expected | by_link(links) | model.forces([torso, *own])
