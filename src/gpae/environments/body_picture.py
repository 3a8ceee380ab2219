"""The picture of one of Brax's bodies: its capsules and spheres in perspective, drawn with Pillow.

Brax's own pictures come from MuJoCo's renderer, which needs OpenGL.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, UInt8

from gpae.environments.pictures import Colour, agent_colour

if TYPE_CHECKING:
    from PIL.Image import Image

SIZE = 480, 360
"""Width and height of a picture in pixels."""

_OVERSAMPLING = 2
_SPHERE, _CAPSULE = 2, 3
_UNDRIVEN: Colour = (128, 134, 142)
_SKY: Colour = (233, 239, 246)
_TILES: tuple[Colour, Colour] = ((214, 218, 214), (232, 235, 230))
_SHADE = 0.38
_FAR = 16.0


@dataclass(frozen=True)
class Shape:
    """A sphere or a capsule of a body.

    Attributes:
        link: The link that carries it, from 0.
        ends: The centres of its two half spheres in the link's frame, [2, 3]; a sphere's coincide.
        radius: Its radius in metres.
        colour: Its colour.
    """

    link: int
    ends: Float[np.ndarray, "2 3"]
    radius: float
    colour: Colour


@dataclass(frozen=True)
class Camera:
    """A camera that looks at a point from a distance.

    Attributes:
        target: The point, in metres.
        azimuth: Angle around the vertical in radians; at 0 it looks along y, with x to the right.
        elevation: Angle above the horizontal in radians.
        height: Metres that the picture shows from top to bottom at the point.
    """

    target: Float[np.ndarray, "3"]
    azimuth: float
    elevation: float
    height: float

    @property
    def axes(self) -> Float[np.ndarray, "3 3"]:
        """Unit vectors to the right, up and forward, a row each."""
        turn, rise = self.azimuth, self.elevation
        right = np.array([np.cos(turn), np.sin(turn), 0.0])
        ahead = np.array([-np.sin(turn), np.cos(turn), 0.0])
        up = np.array([0.0, 0.0, 1.0])
        forward = np.cos(rise) * ahead - np.sin(rise) * up
        return np.stack([right, np.cos(rise) * up + np.sin(rise) * ahead, forward])

    def project(self, points: Float[np.ndarray, "*b 3"]) -> Float[np.ndarray, "*b 3"]:
        """Pixels to the right and down in the drawing, and pixels a metre has at each point."""
        distance = 2.2 * self.height
        seen = (np.asarray(points) - self.target) @ self.axes.T + np.array([0.0, 0.0, distance])
        width, height = (side * _OVERSAMPLING for side in SIZE)
        scale = height / self.height * distance / np.maximum(seen[..., 2], 0.05)
        x, y = width / 2 + scale * seen[..., 0], height / 2 - scale * seen[..., 1]
        return np.stack([x, y, scale], axis=-1)


def body_shapes(model: Any, agents: Sequence[int]) -> tuple[Shape, ...]:
    """The spheres and capsules of a body, coloured by the agents that drive their links.

    Args:
        model: MuJoCo's model of the body.
        agents: The agent that drives each actuator.
    """
    drivers = {
        int(model.jnt_bodyid[joint]): agent
        for (joint, _), agent in zip(model.actuator_trnid, agents, strict=True)
    }
    shapes = []
    for geom, kind in enumerate(model.geom_type):
        if kind in (_SPHERE, _CAPSULE):
            body, (radius, half, _) = int(model.geom_bodyid[geom]), model.geom_size[geom]
            along = np.array([0.0, 0.0, half if kind == _CAPSULE else 0.0])
            ends = rotated(np.stack([along, -along]), model.geom_quat[geom]) + model.geom_pos[geom]
            colour = agent_colour(drivers[body]) if body in drivers else _UNDRIVEN
            shapes.append(Shape(body - 1, ends, float(radius), colour))
    return tuple(shapes)


def rotated(
    points: Float[np.ndarray, "*b 3"], quaternion: Float[np.ndarray, "4"]
) -> Float[np.ndarray, "*b 3"]:
    """Points turned by a unit quaternion, whose real part is the first."""
    real, axis = quaternion[0], np.asarray(quaternion[1:])
    twice = 2 * np.cross(axis, points)
    return np.asarray(points + real * twice + np.cross(axis, twice))


def body_picture(
    shapes: Sequence[Shape],
    positions: Float[np.ndarray, "L 3"],
    rotations: Float[np.ndarray, "L 4"],
    camera: Camera,
) -> UInt8[np.ndarray, "H W 3"]:
    """The picture of a body on its ground.

    Args:
        shapes: Its shapes.
        positions: The positions of its links, in metres.
        rotations: Their rotations, unit quaternions whose real part is the first.
        camera: The camera.
    """
    from PIL import Image

    ends = np.stack(
        [rotated(each.ends, rotations[each.link]) + positions[each.link] for each in shapes]
    )
    image = _ground(camera)
    _cast_shadow(image, shapes, ends, camera)
    seen = camera.project(ends)
    for place in np.argsort(seen[..., 2].mean(-1)):
        _draw(image, shapes[place], seen[place])
    return np.asarray(image.resize(SIZE, Image.Resampling.LANCZOS))


def _ground(camera: Camera) -> "Image":
    """Tiles of a metre that fade into the sky."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (SIZE[0] * _OVERSAMPLING, SIZE[1] * _OVERSAMPLING), _SKY)
    pen, reach = ImageDraw.Draw(image), int(_FAR)
    middle = np.floor(camera.target[:2]).astype(int)
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    eye = camera.target - 2.2 * camera.height * camera.axes[2]
    for column in range(middle[0] - reach, middle[0] + reach):
        for row in range(middle[1] - reach, middle[1] + reach):
            corners = square + np.array([column, row, 0])
            if ((corners - eye) @ camera.axes[2]).min() < 0.3:
                continue
            away = float(np.linalg.norm(corners.mean(0) - camera.target)) / _FAR
            colour = _mixed(_TILES[(column + row) % 2], _SKY, min(1.0, away**0.8))
            pen.polygon([tuple(corner) for corner in camera.project(corners)[:, :2]], colour)
    return image


def _cast_shadow(
    image: "Image", shapes: Sequence[Shape], ends: Float[np.ndarray, "G 2 3"], camera: Camera
) -> None:
    """A soft shadow of the body, lit from above."""
    from PIL import Image, ImageDraw, ImageFilter

    mask = Image.new("L", image.size, 0)
    pen, flat = ImageDraw.Draw(mask), ends * np.array([1.0, 1.0, 0.0])
    for shape, seen in zip(shapes, camera.project(flat), strict=True):
        squat = 1.3 * np.sin(camera.elevation) * shape.radius
        _capsule(pen, seen, max(squat, 0.35 * shape.radius), int(255 * _SHADE))
    shadow = Image.new("RGB", image.size, (70, 76, 84))
    image.paste(shadow, mask=mask.filter(ImageFilter.GaussianBlur(2 * _OVERSAMPLING)))


def _draw(image: "Image", shape: Shape, seen: Float[np.ndarray, "2 3"]) -> None:
    """A shape with a dark outline, and light on its upper side."""
    from PIL import ImageDraw

    pen, black, white = ImageDraw.Draw(image), (0, 0, 0), (255, 255, 255)
    rim = 1.5 * _OVERSAMPLING / float(seen[:, 2].mean())
    _capsule(pen, seen, shape.radius + rim, _mixed(shape.colour, black, 0.45))
    for share, light in ((1.0, 0.0), (0.72, 0.13), (0.4, 0.28)):
        lifted = seen - (1 - share) * np.array([0.35, 0.6, 0.0]) * shape.radius * seen[:, 2:]
        _capsule(pen, lifted, share * shape.radius, _mixed(shape.colour, white, light))


def _capsule(pen: Any, seen: Float[np.ndarray, "2 3"], radius: float, fill: Any) -> None:
    """A capsule between two projected points, of a radius in metres."""
    radii = radius * seen[:, 2]
    for (x, y, _), reach in zip(seen, radii, strict=True):
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill)
    along = seen[1, :2] - seen[0, :2]
    length = float(np.linalg.norm(along))
    if length > 1e-6:
        aside = np.array([-along[1], along[0]]) / length
        corners = [
            seen[0, :2] + aside * radii[0],
            seen[1, :2] + aside * radii[1],
            seen[1, :2] - aside * radii[1],
            seen[0, :2] - aside * radii[0],
        ]
        pen.polygon([tuple(corner) for corner in corners], fill)


def _mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """A colour with a share of another one."""
    red, green, blue = (
        round((1 - share) * own + share * new) for own, new in zip(colour, other, strict=True)
    )
    return red, green, blue
