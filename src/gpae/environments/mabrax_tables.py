"""Index tables of the MABrax tasks: each agent's share of a Brax body's observation and action.

An agent drives some of the body's joints. It observes the torso's position and velocity, the angles
of its own and the neighbouring joints, and the angular velocities of its own joints.

The tables are those of the paper's release, and JaxMARL's where the release has none, with their
errors corrected (``docs/environments.md`` lists them). They index Brax's observation: all positions
but the root's horizontal ones, then all velocities, both in the order of the joints.

=========== ========================================================= =============== ==========
body        positions                                                 velocities      actions
=========== ========================================================= =============== ==========
halfcheetah 0-1 torso; 2-4 back thigh, shin, foot; 5-7 front          8-10; 11-13;    as angles
                                                                      14-16
walker2d    0-1 torso; 2-4 right thigh, leg, foot; 5-7 left           8-10; 11-13;    as angles
                                                                      14-16
hopper      0-1 torso; 2-4 thigh, leg, foot                           5-7; 8-10       as angles
ant         0-4 torso; 5-12 hip and ankle of legs 1, 2, 3, 4          13-18; 19-26    legs 4, 1,
                                                                                      2, 3
humanoid    0-4 torso; 5-7 abdomen; 8-11 right hip and knee; 12-15    22-27; 28-30;   as angles,
            left; 16-21 arms                                          31-34; 35-38;   abdomen y
                                                                      39-44           first
=========== ========================================================= =============== ==========

The humanoid's observation is longer. Its eleven links are torso, waist, pelvis, right thigh and
shin, left thigh and shin, right upper and lower arm, left upper and lower arm. Ten inertia elements
about the centre of mass for each link (45-154) are followed by six velocity elements for each
(155-220), and by the actuators' forces in the order of the velocities (221-243).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from gpae.errors import UserError


@dataclass(frozen=True)
class AgentTable:
    """Index table of one agent.

    Attributes:
        name: Names of the joints it drives, for messages.
        observed: Indices into the body's observation, in the order of the agent's observation.
        driven: Indices into the body's action, in the order of the agent's action dimensions.
    """

    name: str
    observed: tuple[int, ...]
    driven: tuple[int, ...]


@dataclass(frozen=True)
class TeamTable:
    """Partition of a body among the agents of a team.

    Attributes:
        body: The body's name in Brax.
        observation_size: Length of the body's observation.
        action_size: Length of the body's action.
        agents: The agents' tables, in order.

    Raises:
        UserError: If an index is outside the body's observation or action, an agent drives no
            action dimension, or one is driven by several agents or by none.
    """

    body: str
    observation_size: int
    action_size: int
    agents: tuple[AgentTable, ...]

    def __post_init__(self) -> None:
        for number, agent in enumerate(self.agents):
            label = f"agent {number} ({agent.name})"
            _check_indices(f"{label} observes", agent.observed, self.body, self.observation_size)
            if not agent.driven:
                raise UserError(f"{label} drives no action dimension")
            _check_indices(f"{label} drives", agent.driven, self.body, self.action_size)
        self._check_every_action_dimension_is_driven_once()

    def _check_every_action_dimension_is_driven_once(self) -> None:
        drivers = Counter(chain.from_iterable(agent.driven for agent in self.agents))
        for index in range(self.action_size):
            if drivers[index] == 0:
                raise UserError(f"action dimension {index} of {self.body} is driven by no agent")
            if drivers[index] > 1:
                numbers = [n for n, agent in enumerate(self.agents) if index in agent.driven]
                raise UserError(
                    f"action dimension {index} of {self.body} is driven {drivers[index]} times, "
                    f"by agent {' and agent '.join(map(str, numbers))}"
                )

    @property
    def num_agents(self) -> int:
        """The team's size."""
        return len(self.agents)

    @property
    def description(self) -> str:
        """The team in words, such as ``6 agents with 1 joint each``."""
        joints = [len(agent.driven) for agent in self.agents]
        if len(set(joints)) > 1:
            return f"{self.num_agents} agents with {' and '.join(map(str, joints))} joints"
        return f"{self.num_agents} agents with {joints[0]} joint{'s' * (joints[0] > 1)} each"


def _check_indices(clause: str, indices: tuple[int, ...], body: str, size: int) -> None:
    for index in indices:
        if not 0 <= index < size:
            raise UserError(f"{clause} index {index}, but those of {body} are 0 to {size - 1}")


def _agent(name: str, observed: str, *driven: int) -> AgentTable:
    """Make an agent's table from inclusive ranges, such as ``"0-3 5 8-11"``."""
    return AgentTable(name, tuple(chain.from_iterable(map(_range, observed.split()))), driven)


def _range(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


_HALFCHEETAH_6X1 = TeamTable(
    "halfcheetah",
    17,
    6,
    (
        _agent("back thigh", "0-3 5 8-11", 0),
        _agent("back shin", "0-4 8-10 12", 1),
        _agent("back foot", "0-1 3-4 8-10 13", 2),
        _agent("front thigh", "0-2 5-6 8-10 14", 3),
        _agent("front shin", "0-1 5-10 15", 4),
        _agent("front foot", "0-1 6-10 16", 5),
    ),
)

_WALKER2D_6X1 = TeamTable(
    "walker2d",
    17,
    6,
    (
        _agent("right thigh", "0-3 5 8-11", 0),
        _agent("right leg", "0-4 8-10 12", 1),
        _agent("right foot", "0-1 3-4 8-10 13", 2),
        _agent("left thigh", "0-2 5-6 8-10 14", 3),
        _agent("left leg", "0-1 5-10 15", 4),
        _agent("left foot", "0-1 6-10 16", 5),
    ),
)

_HOPPER_3X1 = TeamTable(
    "hopper",
    11,
    3,
    (
        _agent("thigh", "0-3 5-8", 0),
        _agent("leg", "0-7 9", 1),
        _agent("foot", "0-1 3-7 10", 2),
    ),
)

_ANT_8X1 = TeamTable(
    "ant",
    27,
    8,
    (
        _agent("hip 1", "0-7 9 11 13-19", 2),
        _agent("ankle 1", "0-6 13-18 20", 3),
        _agent("hip 2", "0-5 7-9 11 13-18 21", 4),
        _agent("ankle 2", "0-4 7-8 13-18 22", 5),
        _agent("hip 3", "0-5 7 9-11 13-18 23", 6),
        _agent("ankle 3", "0-4 9-10 13-18 24", 7),
        _agent("hip 4", "0-5 7 9 11-18 25", 0),
        _agent("ankle 4", "0-4 11-18 26", 1),
    ),
)

_ANT_4X2 = TeamTable(
    "ant",
    27,
    8,
    (
        _agent("leg 1", "0-7 9 11 13-20", 2, 3),
        _agent("leg 2", "0-5 7-9 11 13-18 21-22", 4, 5),
        _agent("leg 3", "0-5 7 9-11 13-18 23-24", 6, 7),
        _agent("leg 4", "0-5 7 9 11-18 25-26", 0, 1),
    ),
)

_UPPER_BODY = " ".join(
    (
        "0-10 12-14 16-21",  # angles: torso, abdomen, hips without knees, arms
        "22-30 39-44",  # velocities: torso, abdomen, arms
        "45-84 95-104 115-154",  # inertia: torso, waist, pelvis, thighs, arms
        "155-178 185-190 197-220",  # the same links' velocities
        "221-229 238-243",  # forces: root, abdomen, arms
    )
)
_LEGS = " ".join(
    (
        "0-15",  # angles: torso, abdomen, legs
        "22-27 31-38",  # velocities: torso, legs
        "75-114",  # inertia: thighs, shins
        "173-196",  # the same links' velocities
        "221-226 230-237",  # forces: root, legs
    )
)

_HUMANOID_9_8 = TeamTable(
    "humanoid",
    244,
    17,
    (
        _agent("abdomen and arms", _UPPER_BODY, *range(3), *range(11, 17)),
        _agent("legs", _LEGS, *range(3, 11)),
    ),
)

TEAMS: Mapping[str, TeamTable] = {
    "halfcheetah-6x1": _HALFCHEETAH_6X1,
    "ant-8x1": _ANT_8X1,
    "ant-4x2": _ANT_4X2,
    "walker2d-6x1": _WALKER2D_6X1,
    "hopper-3x1": _HOPPER_3X1,
    "humanoid-9|8": _HUMANOID_9_8,
}
"""The paper's teams, by the body's name and the agents' numbers of joints."""
