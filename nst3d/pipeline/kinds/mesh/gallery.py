"""Pictures of a mesh for people: contact sheet and turntable."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from nst3d.cameras.orbits import DOWN, INSIDE, Orbit, orbit_around, pan
from nst3d.cameras.paths import Target, Viewport, shares
from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation, orbit_directions
from nst3d.images.io import write_image
from nst3d.pipeline.kinds.mesh.frame_cache import rays_through
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.settings.config import OutputOptions
from nst3d.renderers.frames import paint_frame
from nst3d.renderers.mesh import MeshRenderer
from nst3d.representations.surface import Surface
from nst3d.tensors import Array, ImageSize
from nst3d.video.encode import write_mp4

GREY = 0.75
"""The colour of a mesh without its own, sRGB-encoded."""
_MOVES = 4
"""Times that a place in a room is moved to the middle."""
_SHEET_ELEVATIONS = (math.radians(12), math.radians(35))


class Drawable(Protocol):
    """A mesh that can be rendered: a `MeshScene` or a `ShownMesh`."""

    @property
    def surface(self) -> Surface:
        """The triangles, with up and front directions."""

    @property
    def renderer(self) -> MeshRenderer:
        """The renderer of that surface."""

    @property
    def hull(self) -> Array:
        """Points (k, 3) that a view must frame."""

    @property
    def cache(self) -> SceneCache:
        """Keeps what the rays of frames see."""


class ColouredSurface(NamedTuple):
    """A surface with its colours."""

    renderer: MeshRenderer
    colours: Array
    """(n, 3) float32, the table."""


def orbit_cameras(scene: Drawable, orbit: Orbit) -> list[Camera]:
    """Cameras around the mesh, the first in front, all framing it completely."""
    subject = Target(scene.hull, np.zeros(3), Orientation(scene.surface.up, scene.surface.front))
    return orbit_around(subject, orbit, shares(orbit.frames, closed=True))


def draw_frames(
    look: ColouredSurface, cameras: Sequence[Camera], output: OutputOptions, cache: SceneCache | None = None
) -> Iterator[Array]:
    """Lit frames (h, w, 3) over the background, one per camera; what their rays see is kept in `cache`."""
    background = np.asarray(output.background, np.float32)
    rays_of = rays_through(cache or SceneCache(), look.renderer)
    for camera in cameras:
        image = paint_frame(look.renderer, camera, rays_of(camera), look.colours, output.lighting)
        yield image[..., :3] + (1 - image[..., 3:]) * background


def write_turntable(
    path: Path, scene: Drawable, colours: Array, output: OutputOptions, more: Sequence[Camera] = ()
) -> Path:
    """One turn around the mesh as MP4, and what `more` cameras see."""
    size = ImageSize(output.size, output.size)
    cameras = [*orbit_cameras(scene, Orbit(output.frames, size)), *more]
    frames = draw_frames(ColouredSurface(scene.renderer, colours), cameras, output, scene.cache)
    write_mp4(path, frames, output.fps)
    return path


def look_around(scene: Drawable, places: Array, output: OutputOptions) -> list[Camera]:
    """Cameras of a turn on the spot, as long as one around the mesh, in a room with some of `places` (k, 3)."""
    view = Viewport(ImageSize(output.size, output.size), INSIDE)
    return pan(most_room(scene, places), _orientation(scene), view, shares(output.frames, closed=True), DOWN)


def most_room(scene: Drawable, places: Array) -> Array:
    """A place (3,) with much room around it, found from `places` (k, 3) in rooms by moving between what is opposite."""
    axes = _orientation(scene).axes().T
    ways = np.concatenate([axes, -axes, orbit_directions(32, _orientation(scene), 0.0)])
    found, room = places, np.zeros(0)
    for _ in range(_MOVES):
        hits = scene.renderer.caster.cast(
            found[-len(places) :, None], np.broadcast_to(ways, (len(places), len(ways), 3))
        )
        far = np.where(hits.face >= 0, hits.depth, np.inf)
        room = np.append(room, far.min(1))
        ahead, behind = far[:, :3], far[:, 3:6]
        open_ways = np.isinf(ahead) | np.isinf(behind)
        steps = (
            np.where(open_ways, 0.0, np.where(open_ways, 0.0, ahead) - np.where(open_ways, 0.0, behind)) / 2
        )
        found = np.concatenate([found, found[-len(places) :] + steps @ axes])
    return np.asarray(found[room.argmax()])


def _orientation(scene: Drawable) -> Orientation:
    return Orientation(scene.surface.up, scene.surface.front)


def write_sheet(
    path: Path,
    scene: Drawable,
    looks: Sequence[ColouredSurface],
    output: OutputOptions,
    within: Sequence[Camera] = (),
) -> Path:
    """Before and after from eight sides: two rows of four from low, two from higher, after below before.

    Two more rows show what four of the cameras `within` see, if there are any.
    """
    every = sheet_cameras(scene, output.size, within)
    rows = [
        np.concatenate(list(draw_frames(look, every[first : first + 4], output, scene.cache)), 1)
        for first in range(0, len(every), 4)
        for look in looks
    ]
    write_image(path, np.concatenate(rows, 0))
    return path


def sheet_cameras(scene: Drawable, side: int, within: Sequence[Camera] = ()) -> list[Camera]:
    """Four cameras around the mesh from low, four from higher, and four of those `within`, if there are any."""
    size = ImageSize(side, side)
    # The upper four are between the lower four.
    around = [orbit_cameras(scene, Orbit(8, size, rise))[k::2] for k, rise in enumerate(_SHEET_ELEVATIONS)]
    inside = [_square(within[k * len(within) // 4], side) for k in range(4)] if within else []
    return [*around[0], *around[1], *inside]


def _square(camera: Camera, side: int) -> Camera:
    """The middle of a camera's view in a square picture."""
    camera = camera.scaled(side / min(camera.size))
    top, left = ((length - side) // 2 for length in camera.size)
    return camera.cropped(top, left, ImageSize(side, side))
