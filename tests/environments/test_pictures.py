"""Pictures show what the states say: SMAX's units, MPE's particles, kitchens and bodies."""

from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from gpae.environments import body_picture, kitchens, make
from gpae.environments.body_picture import SIZE, Camera, body_shapes, rotated
from gpae.environments.jaxmarl_games import GAMES
from gpae.environments.jaxmarl_units import particle_units
from gpae.environments.kitchen_picture import TILE, kitchen_picture
from gpae.environments.kitchens import Cell, Cook, Food, Kitchen
from gpae.environments.pictures import agent_colour
from gpae.environments.quiet_import import import_alone
from gpae.environments.smax import Smax
from gpae.environments.smax_units import battle_units

UNITS = ("unit_positions", "unit_alive", "unit_health", "unit_types", "prev_attack_actions")


@pytest.fixture(scope="module")
def recorded_steps():
    """Every recorded step of a map as an episode of one step, with the map's game."""

    def steps(map_name):
        recorded = np.load(Path(__file__).parent / "golden" / f"smax_0_1_{map_name}.npz")
        arrays = {
            name: np.stack([recorded[f"before_{name}"], recorded[f"after_{name}"]], 1)
            for name in UNITS
        }
        game = Smax(map_name)._game
        return [
            battle_units(game, SimpleNamespace(**{name: each[i] for name, each in arrays.items()}))
            for i in range(len(recorded["before_step"]))
        ]

    return steps


@pytest.mark.parametrize("map_name", ["3m", "5m_vs_6m"])
def test_every_unit_that_loses_health_is_the_target_of_an_opponent(map_name, recorded_steps):
    hurt = 0
    for units in recorded_steps(map_name):
        damaged = set(np.flatnonzero(units.health[1] < units.health[0]))
        targets = units.targets[0]
        assert damaged <= set(targets)
        hurt += len(damaged)
        attackers = np.flatnonzero(targets >= 0)
        assert all(units.sides[one] != units.sides[targets[one]] for one in attackers)
        assert units.alive[0, attackers].all()
        apart = np.linalg.norm(
            units.positions[0, attackers] - units.positions[0, targets[attackers]], axis=-1
        )
        assert (apart < units.ranges[attackers]).all()
    assert hurt > 150


def test_units_are_the_battles_allies_first():
    game = Smax("1s1z")._game
    health = np.array([[160.0, 75.0, 80.0, 0.0]] * 2)
    state = SimpleNamespace(
        unit_positions=np.arange(16.0).reshape(2, 4, 2),
        unit_alive=health > 0,
        unit_health=health,
        unit_types=np.array([[2, 3, 2, 3]] * 2),
        prev_attack_actions=np.zeros((2, 4), int),
    )
    units = battle_units(game, state)
    assert units.kinds == ("stalker", "zealot") * 2
    assert units.sides == ("team", "team", "opponent", "opponent")
    assert units.agents.tolist() == [0, 1, -1, -1]
    np.testing.assert_allclose(units.health[0], [1.0, 0.5, 0.5, 0.0])
    np.testing.assert_allclose(units.ranges, [6.0, 2.0, 6.0, 2.0])
    assert units.ending == "time is up"


@pytest.mark.parametrize(
    ("allies", "enemies", "ending"),
    [(1, 0, "victory"), (0, 1, "defeat"), (0, 0, "draw"), (1, 1, "time is up")],
)
def test_the_ending_is_read_from_who_is_alive(allies, enemies, ending):
    game = Smax("1s1z")._game
    alive = np.array([[1, 1, 1, 1], [0, allies, 0, enemies]], bool)
    state = SimpleNamespace(
        unit_positions=np.zeros((2, 4, 2)),
        unit_alive=alive,
        unit_health=np.ones((2, 4)),
        unit_types=np.zeros((2, 4), int),
        prev_attack_actions=np.zeros((2, 4), int),
    )
    assert battle_units(game, state).ending == ending


def test_particles_of_the_team_are_numbered_and_speakers_are_heard():
    game = SimpleNamespace(
        agents=["adversary_0", "agent_0"],
        landmarks=["landmark 0"],
        rad=[0.1, 0.2, 0.3],
        silent=[0, 1],
    )
    states = SimpleNamespace(
        p_pos=np.array([[[0.0, 0], [1, 1], [-1, 0]], [[2.0, 0], [1, 1], [-1, 0]]]),
        c=np.array([[[0, 0, 0], [0, 0, 0]], [[0, 0, 1], [0, 1, 0]]]),
    )
    units = particle_units(game, ["adversary_0"], states)
    assert units.sides == ("team", "opponent", "landmark")
    assert units.agents.tolist() == [0, -1, -1]
    assert units.marks == ("0", "", "")
    assert units.notes == ("", "adversary 0 says C")
    np.testing.assert_array_equal(units.positions, states.p_pos)


@pytest.mark.parametrize(
    ("goal", "marks"),
    [
        (None, ["", ""]),
        (1, ["", "goal of 1"]),
        ([1, 0], ["goal of 1", "goal of 0"]),
        ([0, 0], ["goal of 0 and 1", ""]),
    ],
)
def test_a_landmark_says_whose_goal_it_is(goal, marks):
    game = SimpleNamespace(
        agents=["agent_0", "agent_1"], landmarks=["one", "two"], rad=[0.1] * 4, silent=[1, 1]
    )
    states = SimpleNamespace(
        p_pos=np.zeros((2, 4, 2)),
        c=np.zeros((2, 2, 3)),
        goal=None if goal is None else np.array([goal, goal]),
    )
    units = particle_units(game, game.agents, states)
    assert [*units.marks] == ["0", "1", *marks]


def at(picture, column, row, x, y):
    """The colour at a place of a cell, whose sides are 1."""
    return picture[round((row + y) * TILE), round((column + x) * TILE)].astype(int)


def test_a_kitchens_picture_shows_cooks_food_and_how_long_it_has_cooked():
    pot = [Cell("pot", Food((0, 0)), share) for share in (None, 0.5, 1.0)]
    floor = (Cell("floor"), Cell("counter", Food(plate=True)), Cell("goal"))
    kitchen = Kitchen((tuple(pot), floor), (Cook(0, 1, (1, 0), Food((0,))),))
    picture = kitchen_picture(kitchen)
    assert picture.shape == (2 * TILE, 3 * TILE, 3)
    assert picture.dtype == np.uint8
    own = at(picture, 0, 1, 0.35, 0.3)
    assert np.abs(own - agent_colour(0)).max() < 12
    onion = at(picture, 0, 1, 0.84, 0.5)
    assert onion[0] > 200 > 120 > onion[2], "in the hands, on the side that the cook faces"
    assert at(picture, 1, 1, 0.5, 0.48).min() > 240, "a white plate"
    waiting, done = at(picture, 1, 0, 0.3, 0.88), at(picture, 2, 0, 0.8, 0.88)
    assert waiting[0] > waiting[1] > waiting[2]
    assert done[1] > done[0]
    assert at(picture, 1, 0, 0.8, 0.88).max() < 90, "half of the bar is empty"
    assert np.abs(at(picture, 0, 0, 0.3, 0.88) - at(picture, 0, 0, 0.3, 0.8)).max() < 12


@pytest.mark.parametrize(
    ("status", "onions", "cooked"),
    [(23, 0, None), (21, 2, None), (20, 3, 0.0), (5, 3, 0.75), (0, 3, 1)],
)
def test_overcookeds_pots_are_read_from_their_status(status, onions, cooked):
    maze = np.zeros((3, 3, 3), np.uint8)
    maze[1, 1] = 8, 7, status
    state = SimpleNamespace(
        maze_map=maze, agent_pos=np.array([[0, 0]]), agent_dir_idx=[2], agent_inv=[9]
    )
    kitchen = kitchens.overcooked_kitchen(SimpleNamespace(height=1), state)
    assert kitchen.cells == ((Cell("pot", Food((0,) * onions), cooked),),)
    assert kitchen.cooks == (Cook(0, 0, (1, 0), Food((0, 0, 0), plate=True)),)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:OvercookedV2")
def test_overcookeds_kitchen_is_the_layout(quickly_compiled):
    overcooked = import_alone("jaxmarl.environments.overcooked")
    game = overcooked.Overcooked(layout=overcooked.overcooked_layouts["coord_ring"])
    state = jax.tree.map(np.asarray, quickly_compiled(game.reset)(jax.random.key(0))[1])
    kitchen = kitchens.overcooked_kitchen(game, state)
    assert len(kitchen.cells) == game.height
    assert {len(row) for row in kitchen.cells} == {game.width}
    for name, kind in (
        ("goal_idx", "goal"),
        ("pot_idx", "pot"),
        ("plate_pile_idx", "plates"),
        ("onion_pile_idx", "pile"),
    ):
        found = [cell.kind == kind for row in kitchen.cells for cell in row]
        assert sorted(np.flatnonzero(found)) == sorted(np.asarray(game.layout[name]).tolist())
    assert GAMES["overcooked"].options.picture(game, state).shape[:2] == (5 * TILE, 5 * TILE)


@pytest.mark.slow
def test_overcooked_v2s_food_is_jaxmarls():
    common = import_alone("jaxmarl.environments.overcooked_v2.common")
    DynamicObject, StaticObject = common.DynamicObject, common.StaticObject

    code = DynamicObject.ingredient(0) + 2 * DynamicObject.ingredient(2)
    position = SimpleNamespace(x=np.array([0]), y=np.array([0]))
    state = SimpleNamespace(
        grid=np.array(
            [
                [StaticObject.POT, code | DynamicObject.COOKED, 0],
                [StaticObject.ingredient_pile(1), 0, 0],
                [StaticObject.RECIPE_INDICATOR, 0, 0],
                [StaticObject.PLATE_PILE, 0, 0],
                [StaticObject.GOAL, 0, 0],
                [StaticObject.POT, code, 5],
            ]
        )[None],
        recipe=code,
        agents=SimpleNamespace(pos=position, dir=[3], inventory=[int(DynamicObject.PLATE)]),
    )
    food = tuple(DynamicObject.get_ingredient_idx_list(np.int32(code)))
    assert food == (0, 2, 2)
    kitchen = kitchens.overcooked_v2_kitchen(None, state)
    assert kitchen.cells[0] == (
        Cell("pot", Food(food), 1.0),
        Cell("pile", Food((1,))),
        Cell("recipe", Food(food, plate=True)),
        Cell("plates"),
        Cell("goal"),
        Cell("pot", Food(food), 0.75),
    )
    assert kitchen.cooks == (Cook(0, 0, (-1, 0), Food(plate=True)),)


@pytest.fixture(scope="module")
def ant():
    """The ant's task, and its links as MuJoCo places them from given angles."""
    import mujoco

    environment = make("mabrax/ant-4x2")
    model = environment._body.sys.mj_model
    data = mujoco.MjData(model)
    data.qpos[:] = model.qpos0 + np.linspace(0.0, 0.6, model.nq)
    mujoco.mj_forward(model, data)
    return environment, model, data


@pytest.mark.slow
def test_a_bodys_shapes_are_where_mujoco_puts_them(ant):
    environment, model, data = ant
    shapes = body_shapes(model, environment._driver[0].tolist())
    geoms = np.flatnonzero(model.geom_type != 0)
    assert len(shapes) == len(geoms) == 17
    for shape, geom in zip(shapes, geoms, strict=True):
        body = shape.link + 1
        ends = rotated(shape.ends, data.xquat[body]) + data.xpos[body]
        np.testing.assert_allclose(ends.mean(0), data.geom_xpos[geom], atol=1e-6)
        length = 2 * model.geom_size[geom, 1] if model.geom_type[geom] == 3 else 0.0
        assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(length, abs=1e-6)
        axis = data.geom_xmat[geom].reshape(3, 3)[:, 2]
        np.testing.assert_allclose(np.cross(ends[0] - ends[1], axis), 0.0, atol=1e-6)


@pytest.mark.slow
def test_a_link_has_the_colour_of_the_agent_that_drives_it(ant):
    environment, model, _ = ant
    shapes = body_shapes(model, environment._driver[0].tolist())
    by_link = {shape.link: shape.colour for shape in shapes}
    actions = environment._driver[0]
    for actuator, (joint, _) in enumerate(model.actuator_trnid):
        assert by_link[model.jnt_bodyid[joint] - 1] == agent_colour(actions[actuator])
    assert len(set(by_link.values())) == 5, "four agents, and the torso that none drives"


@pytest.mark.slow
def test_the_camera_follows_the_body_and_shows_it_in_its_colours(ant):
    environment, _, data = ant
    pictures = []
    for moved in (0.0, 2.0):
        links = SimpleNamespace(pos=data.xpos[1:] + np.array([moved, 0.0, 0.0]), rot=data.xquat[1:])
        body = SimpleNamespace(pipeline_state=SimpleNamespace(x=links))
        pictures.append(environment.render(SimpleNamespace(body=body)))
    first, second = pictures
    assert first.shape == (SIZE[1], SIZE[0], 3)
    assert first.dtype == np.uint8
    for agent in range(4):
        near = np.abs(first.astype(int) - agent_colour(agent)).max(-1) < 20
        assert near.sum() > 100
    np.testing.assert_array_equal(first, second, "two tiles further on all is the same")


def test_a_camera_projects_what_it_looks_at_onto_the_middle_and_near_things_larger():
    camera = Camera(np.array([1.0, 2.0, 0.5]), 0.0, 0.2, height=2.0)
    middle = np.array(SIZE) * body_picture._OVERSAMPLING / 2
    x, y, scale = camera.project(np.array([1.0, 2.0, 0.5]))
    np.testing.assert_allclose((x, y), middle)
    assert scale * 2.0 == pytest.approx(2 * middle[1])
    right, up, nearer = camera.project(np.array([[1.5, 2, 0.5], [1, 2, 1.0], [1, 1, 0.5]]))
    assert right[0] == pytest.approx(x + 0.5 * scale)
    assert right[1] == pytest.approx(y)
    assert up[1] < y
    assert nearer[2] > scale


def test_rotations_are_those_of_their_quaternions():
    half = np.sqrt(0.5)
    np.testing.assert_allclose(
        rotated(np.array([[1.0, 0, 0], [0, 1, 0]]), np.array([half, 0, 0, half])),
        [[0, 1, 0], [-1, 0, 0]],
        atol=1e-12,
    )
