"""Units are drawn where they are, in the colour of their side, with what they do."""

import numpy as np
import pytest
from PIL import Image

from gpae.environments import Units
from gpae.episodes import theme
from gpae.episodes.units_picture import UnitsPictures, smoothed

ALLY, ENEMY = theme.SIDES["team"], theme.SIDES["opponent"]
WIDTH = 400


def battle(**changes):
    """An ally and an enemy who come nearer, attack each other, and an enemy who dies."""
    return Units(
        **{
            "positions": np.array(
                [[[4.0, 8.0], [20.0, 8.0]], [[8.0, 8.0], [16.0, 12.0]], [[10.0, 8.0], [14.0, 12.0]]]
            ),
            "alive": np.array([[True, True], [True, True], [True, False]]),
            "radii": np.array([1.0, 1.0]),
            "sides": ("team", "opponent"),
            "agents": np.array([0, -1]),
            "kinds": ("marine", "zealot"),
            "marks": ("", ""),
            "area": (0.0, 0.0, 32.0, 32.0),
            "ending": "victory",
        }
        | changes
    )


def at(pictures, moment, position):
    """The colour at a place."""
    x, y = pictures.view.point(np.array(position))
    return np.array(pictures[moment].getpixel((round(x), round(y))), int)


def near(colour, other, tolerance=12):
    return np.abs(np.asarray(colour, int) - other).max() <= tolerance


def test_each_unit_has_its_sides_colour_at_its_place():
    pictures = UnitsPictures(battle(), WIDTH)
    for moment, positions in enumerate(battle().positions[:2]):
        assert near(at(pictures, moment, positions[0]), ALLY)
        assert near(at(pictures, moment, positions[1]), ENEMY)
        assert near(at(pictures, moment, (12.3, 5.5)), theme.GROUND)
    assert near(at(pictures, 1, (4.4, 8.6)), theme.GROUND), "it has left"


def test_the_dead_are_crossed_out_and_no_longer_filled():
    pictures = UnitsPictures(battle(), WIDTH)
    assert near(at(pictures, 2, (14.0, 12.7)), theme.GROUND, 30)
    centre = at(pictures, 2, (14.0, 12.0))
    assert not near(centre, ENEMY, 40)
    assert centre[0] - centre[2] > 40, "a pale red"


def test_an_attack_is_a_beam_in_the_colour_of_the_attacker():
    targets = np.array([[1, -1], [-1, -1]])
    drawn, bare = UnitsPictures(battle(targets=targets), WIDTH), UnitsPictures(battle(), WIDTH)
    between = (10.0, 8.08)
    assert near(at(bare, 0, between), theme.GROUND, 30)
    beam = at(drawn, 0, between)
    assert beam[2] - beam[0] > 60, "a blue"
    np.testing.assert_array_equal(drawn[1], bare[1])
    np.testing.assert_array_equal(drawn[2], bare[2])


def test_attack_ranges_are_circles_around_the_living():
    drawn = UnitsPictures(battle(ranges=np.array([3.0, 0.0])), WIDTH)
    bare = np.asarray(UnitsPictures(battle(), WIDTH)[0], int)
    changed = np.abs(np.asarray(drawn[0], int) - bare).max(-1) > 2
    rows, columns = np.nonzero(changed)
    x, y = drawn.view.point(np.array([4.0, 8.0]))
    reach = 3.0 * drawn.view.scale
    assert columns.max() == pytest.approx(x + reach, abs=2)
    assert (rows.min(), rows.max()) == pytest.approx((y - reach, y + reach), abs=2)


@pytest.mark.parametrize(("share", "left", "right"), [(1.0, 0, 0), (0.6, 0, -1), (0.1, 2, -1)])
def test_a_health_bar_is_as_full_and_coloured_as_the_health(share, left, right):
    health = np.full((3, 2), share)
    pictures = UnitsPictures(battle(health=health, agents=np.array([-1, -1])), WIDTH)
    colours = [*(colour for _, colour in theme.HEALTH), theme.BAR]
    y = 8.0 + 1.75
    assert near(at(pictures, 0, (4.0 - 1.24, y)), colours[left], 40)
    assert near(at(pictures, 0, (4.0 + 1.1, y)), colours[right], 40)


def test_the_ending_stands_in_the_last_picture_alone():
    ended, unended = (UnitsPictures(battle(ending=ending), WIDTH) for ending in ("victory", ""))
    same = [np.array_equal(*pair) for pair in zip(ended, unended, strict=True)]
    assert same == [True, True, False]


def test_landmarks_lie_under_units():
    units = battle(sides=("team", "landmark"), positions=np.full((3, 2, 2), 5.0))
    pictures = UnitsPictures(units, WIDTH)
    assert near(at(pictures, 0, (5.0, 5.0)), ALLY)


def test_a_picture_shows_every_place_of_an_episode_in_proportion():
    pictures = UnitsPictures(battle(), WIDTH)
    width, height = pictures[0].size
    assert width == WIDTH
    assert 0.5 * width < height <= width
    points = np.array([pictures.view.point(each) for each in battle().positions.reshape(-1, 2)])
    margin = pictures.view.scale
    assert (points > margin).all()
    assert (points < np.array([width, height]) - margin).all()


def test_the_edge_of_the_world_is_a_wall():
    positions = battle().positions - np.array([3.5, 0.0])
    pictures = UnitsPictures(battle(positions=positions), WIDTH)
    assert near(at(pictures, 1, (-0.6, 9.0)), theme.WALL)
    assert near(at(pictures, 1, (0.3, 9.0)), theme.GROUND)


def test_smoothed_units_glide_between_moments_and_pass_through_all_of_them():
    units = battle(
        targets=np.array([[1, -1], [-1, 0]]), health=np.array([[1.0, 1.0], [0.5, 1.0], [0.5, 0.0]])
    )
    smooth = smoothed(units, 4)
    assert len(smooth) == 9
    np.testing.assert_allclose(smooth.positions[::4], units.positions)
    np.testing.assert_allclose(smooth.positions[2, 0], [6.0, 8.0])
    np.testing.assert_allclose(smooth.health[6], [0.5, 0.5])
    np.testing.assert_array_equal(smooth.targets, units.targets[[0] * 4 + [1] * 4])
    np.testing.assert_array_equal(smooth.alive[7], [True, True])
    np.testing.assert_array_equal(smooth.alive[8], [True, False])


def test_all_pictures_are_drawn_on_the_same_ground():
    pictures = list(UnitsPictures(battle(), WIDTH))
    assert all(isinstance(picture, Image.Image) for picture in pictures)
    corners = {picture.getpixel((1, 1)) for picture in pictures}
    assert len(corners) == 1
