"""Prepares voxel fields and splats for rendering, and renders flights through them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import Orientation, standing
from nst3d.files import PathLike
from nst3d.formats.fields.registry import load_field
from nst3d.formats.io.peek import Peek
from nst3d.formats.splats.registry import load_splats
from nst3d.operators.base import ViewOperator
from nst3d.pipeline.kinds.radiance.hull import robust_hull
from nst3d.pipeline.kinds.radiance.own_cameras import own_capture
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import OutputOptions
from nst3d.renderers import radiance_renderer
from nst3d.renderers.radiance import Frame, RadianceRenderer
from nst3d.representations.splats import Splats
from nst3d.tensors import Array, Share
from nst3d.video.encode import write_mp4


@dataclass(frozen=True)
class ShownRadiance:
    """A radiance scene and its colours."""

    renderer: RadianceRenderer
    colours: Array
    """(n, 3) float32, the table."""
    orientation: Orientation
    hull: Array = field(repr=False)
    """Points that a view should frame, (k, 3)."""
    cameras: tuple[Camera, ...] = ()
    """Cameras of its photographs; empty if unknown."""
    background: tuple[float, float, float] = OutputOptions.background
    """Background, RGB; as in sheets unless a field has its own."""
    harmonics: Array | None = field(default=None, repr=False)
    """(n, k, 3): the renderer's own higher harmonics, or None."""
    specular: float = 1.0
    """Fraction of them that is shown, 0 to 1."""
    notes: tuple[str, ...] = ()
    room: None = None
    """Rooms are only looked for in meshes."""

    def placed(self, pose: Array) -> Array:
        """The pose unchanged: fields and splats are rendered in their files' coordinates."""
        return pose

    def frame(self, camera: Camera, depth: bool = False) -> Frame:
        """The view, always with depth."""
        return self.renderer.draw(camera, self.colours, self.specular)

    def view(self, camera: Camera) -> ViewOperator:
        """The view without view-dependence, as it is painted."""
        return self.renderer.compile(camera)

    def fits(self, other: ShownRadiance) -> bool:
        """Whether the rows of both tables are at the same positions."""
        mine, theirs = self.renderer.positions, other.renderer.positions
        if mine.shape != theirs.shape:
            return False
        return bool(np.abs(mine - theirs).max(initial=0) <= 1e-3 * np.ptp(self.hull, axis=0).max())

    def mixed(self, other: ShownRadiance, strength: float) -> ShownRadiance | None:
        """This scene with its colours blended by `strength` to the other's; None if more differs."""
        if not (self._plain and other._plain) and not self._shines_like(other):
            return None
        between = self.colours * np.float32(1 - strength) + other.colours * np.float32(strength)
        return replace(self, colours=between)

    @cached_property
    def _plain(self) -> bool:
        return self.specular == 0 or self.harmonics is None or not self.harmonics.any()

    def _shines_like(self, other: ShownRadiance) -> bool:
        mine, theirs = self.harmonics, other.harmonics
        same = mine is not None and theirs is not None and np.array_equal(mine, theirs)
        return same and self.specular == other.specular


def show_field(place: PathLike | Peek, specular: float = 1.0) -> ShownRadiance:
    """A voxel field as stored in its file. Raises InputError."""
    scene = load_field(place)
    renderer = radiance_renderer(scene)
    positions = np.asarray(renderer.positions, np.float64)
    density = np.maximum(scene.density.astype(np.float64), 0)
    orientation = standing(scene.up)
    return ShownRadiance(
        renderer,
        scene.colours,
        orientation,
        robust_hull(positions, density, orientation),
        tuple(scene.cameras),
        scene.background,
        _higher(scene.harmonics),
        specular,
        scene.notes,
    )


def show_splats(place: PathLike | Peek, specular: float = 1.0) -> ShownRadiance:
    """Splats as stored in their file, with the cameras they bring along. Raises InputError."""
    shown, capture = shown_splats(load_splats(place), specular), own_capture(place)
    if capture is None:
        return shown
    cameras = tuple(photo.camera for photo in capture.photos)
    return replace(shown, cameras=cameras, orientation=standing(capture.up))


def shown_splats(scene: Splats, specular: float = 1.0) -> ShownRadiance:
    """Splats as they are."""
    orientation = standing(scene.up)
    hull = robust_hull(scene.positions.astype(np.float64), scene.opacities.astype(np.float64), orientation)
    renderer = radiance_renderer(scene, resolve_device("auto"))
    return ShownRadiance(
        renderer,
        scene.colours,
        orientation,
        hull,
        harmonics=_higher(scene.harmonics),
        specular=specular,
        notes=(*scene.notes, *renderer.notes),
    )


def _higher(harmonics: Array) -> Array | None:
    return harmonics[:, 1:] if harmonics.shape[1] > 1 else None


def write_flight(
    path: Path,
    renderer: RadianceRenderer,
    cameras: Sequence[Camera],
    colours: Array,
    *,
    background: tuple[float, float, float] = OutputOptions.background,
    fps: float = 24.0,
    specular: Share = 0.0,
) -> Path:
    """Fly through a radiance scene with the colours (n, 3) along the cameras; writes an MP4 and returns `path`."""
    write_mp4(path, flight_frames(renderer, cameras, colours, background, specular), fps)
    return path


def flight_frames(
    renderer: RadianceRenderer,
    cameras: Sequence[Camera],
    colours: Array,
    background: tuple[float, float, float] = OutputOptions.background,
    specular: Share = 0.0,
) -> Iterator[Array]:
    """Frames (h, w, 3) in [0, 1] over the background, one per camera; for flights and sheets."""
    behind = np.asarray(background, np.float32)
    for camera in cameras:
        yield renderer.draw(camera, colours, specular).over(behind)
