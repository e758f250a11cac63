"""Single views of a scene by name."""

from __future__ import annotations

import math
from dataclasses import replace

from nst3d.cameras.paths import Target, Viewport, framed
from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.shown import Shown
from nst3d.tensors import Array, ImageSize

NAMED = {
    "front": (0, 0),
    "back": (180, 0),
    "left": (-90, 0),
    "right": (90, 0),
    "top": (0, 90),
    "bottom": (0, -90),
    "three-quarter": (35, 20),
}
"""Azimuth and elevation of the named views, degrees: azimuth from the front towards the scene's right in the picture,
elevation above the horizon."""
_FIELD = math.radians(40)


def named_view(shown: Shown, name: str, size: ImageSize | None, field_of_view: float | None = None) -> Camera:
    """A camera for `front`, `back`, …, the number of one of the scene's own cameras, or `azimuth,elevation[,distance]`.

    Angles are in degrees; `distance` is in units of that at which the scene fills the picture. `size` None: 768
    pixels along the long side, square or as the scene's own camera. ConfigError for a view that is not known.
    """
    if name.isdecimal():
        return _own(shown, int(name), size)
    angles = NAMED.get(name) or _numbers(name)
    if angles is None:
        raise ConfigError(
            f"view {name!r} is not known: choose {', '.join(NAMED)}, the number of one of the scene's own cameras, or"
            " azimuth,elevation[,distance] in degrees, like 30,15"
        )
    azimuth, elevation = (math.radians(angle) for angle in angles[:2])
    view = Viewport(size or ImageSize(768, 768), _FIELD if field_of_view is None else field_of_view)
    return _around(shown, azimuth, elevation, angles[2] if len(angles) > 2 else 1.0, view)


def _numbers(text: str) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        return None
    if len(numbers) not in (2, 3) or not all(map(math.isfinite, numbers)):
        return None
    if abs(numbers[1]) > 90 or (len(numbers) == 3 and numbers[2] <= 0):
        raise ConfigError(
            f"view {text!r}: expected an elevation from -90 to 90 degrees, and a distance above 0"
        )
    return numbers


def _own(shown: Shown, number: int, size: ImageSize | None) -> Camera:
    cameras = shown.cameras
    if number >= len(cameras):
        known = f"numbers 0 to {len(cameras) - 1}" if cameras else "none; give `cameras`, a capture"
        raise ConfigError(f"view {number}: the scene's own cameras are {known}")
    camera = replace(cameras[number], lens=None)  # pictures to paint on are not distorted
    return camera.resized(size) if size is not None else camera.scaled(min(1.0, 768 / max(camera.size)))


def _around(shown: Shown, azimuth: float, elevation: float, distance: float, view: Viewport) -> Camera:
    """A camera that frames the scene from a direction, moved to `distance` times as far."""
    right, up, front = shown.orientation.axes().T
    level = math.sin(azimuth) * right + math.cos(azimuth) * front
    direction = math.cos(elevation) * level + math.sin(elevation) * up
    upright = up if abs(elevation) < math.radians(85) else -math.copysign(1, elevation) * level
    centre = (shown.hull.min(0) + shown.hull.max(0)) / 2
    subject = Target(shown.hull, centre, replace(shown.orientation, up=upright))
    camera = framed(subject, direction[None], view)[0]
    return camera if distance == 1 else _moved_away(camera, centre, distance)


def _moved_away(camera: Camera, centre: Array, distance: float) -> Camera:
    pose = camera.camera_to_world.copy()
    pose[:3, 3] = centre + distance * (pose[:3, 3] - centre)
    return replace(camera, camera_to_world=pose)
