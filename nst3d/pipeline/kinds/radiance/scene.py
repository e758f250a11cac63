"""Prepares a radiance scene for painting: its renderer, cameras and photographs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nst3d.cameras.axes import UP_AND_FRONT
from nst3d.cameras.bounds import scene_frame
from nst3d.cameras.crowd import spread_out
from nst3d.cameras.paths import moved
from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import (
    Orientation,
    fibonacci_directions,
    framing_distance,
    standing,
    tight,
    views_from,
    zoom_to_fill,
)
from nst3d.errors import ConfigError, InputError, Nst3dError
from nst3d.files import PathLike
from nst3d.formats.captures.registry import load_capture
from nst3d.formats.fields.registry import load_field, save_field
from nst3d.formats.io.peek import Peek
from nst3d.formats.splats.registry import load_splats, save_splats, suffix_of
from nst3d.pipeline.captures.reader import OWN_READER, CaptureReader
from nst3d.pipeline.kinds.radiance.frame_check import frame_note
from nst3d.pipeline.kinds.radiance.hull import robust_hull
from nst3d.pipeline.kinds.radiance.own_cameras import own_capture
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.renderers import radiance_renderer
from nst3d.renderers.radiance import RadianceRenderer
from nst3d.renderers.voxels import VoxelOptions, VoxelRenderer
from nst3d.representations.capture import Capture, Photo
from nst3d.representations.field import VoxelField
from nst3d.representations.splats import Splats
from nst3d.tensors import Array, ImageSize, Share

SMALLEST = 16
"""Minimum shorter side of an encoded view, in pixels."""
_SAME_PLACE = 1e-3
"""Tolerance for matching a photograph's camera to a field's, in units of the cameras' spread."""
_REACH = 1.1
"""Margin of a rig around the hull without floaters, which lacks thin ends, too."""

Save = Callable[[Path, Array, Share], list[Path]]
"""Maps (folder, colours (n, 3), the share of the higher harmonics to keep) to the files written."""


@dataclass(frozen=True)
class RowGrid:
    """A grid whose nodes are a scene's rows."""

    nodes: Array
    """(n, 3) int32: each row's grid index."""
    place: Callable[[Array], Array]
    """Maps world points (…, 3) to grid coordinates, in nodes."""


@dataclass(frozen=True)
class RadianceScene:
    """A frozen scene of rows (nodes, splats) with colours."""

    kind: str
    """Its kind, for people."""
    renderer: RadianceRenderer
    colours: Array
    """(n, 3) float32, the rows' own colours, unclamped."""
    cameras: tuple[Camera, ...]
    """The cameras that paint it, at full size."""
    save: Save
    up: Array = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    """World up, a unit vector (3,)."""
    background: tuple[float, float, float] | None = None
    """Background colour; None: unspecified."""
    photos: tuple[Photo, ...] = ()
    """Photographs, one per camera; empty if unknown."""
    hull: Array | None = None
    """Points (k, 3) without floaters around which a rig is placed; None: the cameras are a capture's."""
    lattice: RowGrid | None = None
    """The grid of the rows, if rays sample it at points; None: rows have extent, and rays miss none."""
    notes: tuple[str, ...] = ()
    """Notes for the user."""
    cache: SceneCache = field(default_factory=SceneCache, repr=False)
    """Keeps what is computed from the scene alone."""

    @property
    def orientation(self) -> Orientation:
        """Up and front directions."""
        return standing(self.up)

    @property
    def forward_facing(self) -> bool:
        """Whether all cameras face the same way."""
        return scene_frame(self.cameras).kind == "forward"

    @property
    def long_side(self) -> int:
        """Long side of the largest camera, in pixels."""
        return max(max(c.size) for c in self.cameras)


def open_field(
    place: PathLike | Peek, cameras: Path | None, config: PaintConfig, reader: CaptureReader = OWN_READER
) -> RadianceScene:
    """The voxel field in a file with the cameras of its photographs, or those of the capture `cameras`.

    Raises InputError for a file that cannot be read, ConfigError if no cameras are known.
    """
    source = load_field(place)
    capture = None if cameras is None else reader(cameras)
    photos, notes = _field_photos(source, config) if capture is None else (capture.of("train"), capture.notes)
    own = source.cameras if capture is None else tuple(p.camera for p in photos)
    if not own:
        raise ConfigError(f"{Peek.at(place).path}: has no cameras of its own; give `cameras`, a capture")
    chosen = spread_out(own, config.capture_views)
    options = VoxelOptions(stored_bytes=config.cache_gb * 1e9 / len(chosen))
    renderer, colours = VoxelRenderer(source, options), source.colours.astype(np.float32)
    if capture is not None:
        notes = (*notes, *frame_note(renderer, colours, capture))
    return RadianceScene(
        kind="field",
        renderer=renderer,
        colours=colours,
        cameras=tuple(own[i] for i in chosen),
        save=lambda folder, colours, keep: save_field(folder / "painted.npz", source, colours, keep),
        up=_up(source.up, config),
        background=source.background,
        photos=_with_pictures([photos[i] for i in chosen]) if photos else (),
        lattice=_lattice(source),
        notes=(*source.notes, *notes),
    )


def open_splats(
    place: PathLike | Peek, cameras: Path | None, config: PaintConfig, reader: CaptureReader = OWN_READER
) -> RadianceScene:
    """The splats in a file, with the cameras of the capture `cameras`, their own, or a rig for the finest stage.

    Raises InputError for a file that cannot be read.
    """
    source = load_splats(place)
    name = f"painted{suffix_of(source)}"
    capture = own_capture(place) if cameras is None else reader.for_scene(cameras, place)
    return splat_scene(
        source,
        capture,
        config,
        lambda folder, colours, keep: save_splats(folder / name, source, colours, keep),
    )


def splat_scene(
    source: Splats, capture: Capture | None, config: PaintConfig, save: Save, kind: str = "splats"
) -> RadianceScene:
    """Splats with the cameras of a capture, or a rig for the finest stage; `save` writes them painted."""
    up = _up(source.up, config)
    photos: Sequence[Photo] = ()
    hull = None
    if capture is None:
        own, hull = _rig_around(source, up, config.rig, config.schedule.finest)
    else:
        photos = capture.of("train")
        photos = [photos[i] for i in spread_out([p.camera for p in photos], config.capture_views)]
        own = tuple(p.camera for p in photos)
    renderer = radiance_renderer(source, resolve_device(config.device))
    colours = source.colours.astype(np.float32)
    return RadianceScene(
        kind=kind,
        renderer=renderer,
        colours=colours,
        cameras=own,
        save=save,
        up=up,
        photos=_with_pictures(photos) if config.photos else (),
        hull=hull,
        notes=(
            *source.notes,
            *(() if capture is None else (*capture.notes, *frame_note(renderer, colours, capture))),
            *renderer.notes,
        ),
    )


def suited(config: PaintConfig, scene: RadianceScene) -> PaintConfig:
    """The settings completed for the scene: sizes that fit its cameras, the content's weight."""
    recipe, schedule = config.recipe, config.schedule
    if scene.hull is None and scene.forward_facing:
        recipe = recipe.facing_forward()
    # Large enough that the shortest side of any camera can be encoded.
    least = max(scene.long_side / min(c.size) for c in scene.cameras) * SMALLEST * recipe.reduce
    schedule = schedule.at_most(scene.long_side, math.ceil(least) + 1)
    return replace(config, recipe=recipe, schedule=schedule)


def scaled_cameras(scene: RadianceScene, long_side: float, crop: bool) -> list[Camera]:
    """The scene's cameras at one scale, the largest with `long_side`; a rig's are cropped to the scene."""
    factor = long_side / scene.long_side
    cameras = [c.scaled(factor) for c in scene.cameras]
    if scene.hull is None or not crop:
        return cameras
    cut = _beyond(scene.hull)
    return [tight(c, cut) for c in cameras]


def _up(own: Array, config: PaintConfig) -> Array:
    return np.asarray(own, float) if config.up == "auto" else np.array(UP_AND_FRONT[config.up][0])


def _with_pictures(photos: Sequence[Photo]) -> tuple[Photo, ...]:
    """The photographs, or none unless all of them are there."""
    return tuple(photos) if all(photo.has_picture for photo in photos) else ()


def _field_photos(source: VoxelField, config: PaintConfig) -> tuple[Sequence[Photo], tuple[str, ...]]:
    """The photographs of a field's own cameras, in order, and notes; empty if unavailable or not wanted."""
    if not config.photos:
        return (), ()
    why = "the field does not name its capture"
    if source.capture and source.cameras:
        try:
            found = _photos_at(source.cameras, load_capture(Path(source.capture)))
        except Nst3dError as error:
            why = str(error)
        else:
            if found is not None:
                return found, ()
            why = f"{source.capture}: its cameras are not the field's"
    return (), (f"the photographs are not available ({why}); using the field's own renders as content",)


def _lattice(source: VoxelField) -> RowGrid:
    stored = source.links >= 0
    nodes = np.empty((len(source), 3), np.int32)
    nodes[source.links[stored]] = np.argwhere(stored)
    x, y, z = source.links.shape
    return RowGrid(nodes, lambda points: source.space.to_grid(points, (x, y, z)))


def _photos_at(cameras: Sequence[Camera], capture: Capture) -> list[Photo] | None:
    """The photograph taken from each camera, or None if one has none."""
    places = np.stack([_pose_key(p.camera) for p in capture.photos])
    wanted = np.stack([_pose_key(c) for c in cameras])
    spread = np.linalg.norm(places[:, :3] - places[:, :3].mean(0), axis=1).mean()
    gap = np.linalg.norm(wanted[:, None] - places[None], axis=-1)
    if gap.min(1).max() > _SAME_PLACE * max(spread, 1e-9):
        return None
    return [capture.photos[int(i)] for i in gap.argmin(1)]


def _pose_key(camera: Camera) -> Array:
    return np.concatenate([camera.position, camera.forward])


def _rig_around(
    splats: Splats, up: Array, options: RigOptions, size: int
) -> tuple[tuple[Camera, ...], Array]:
    """Cameras around the box with nearly all of the splats' opacity, and points of its content."""
    if not splats.opacities.any():
        raise InputError(f"{splats.source}: no splat has any opacity; there is nothing to paint")
    orientation = standing(up)
    hull = robust_hull(splats.positions.astype(float), splats.opacities.astype(float), orientation)
    if not np.ptp(hull, axis=0).any():
        raise InputError(f"{splats.source}: all splats are at one point; there is nothing to paint")
    centre = _middle(hull)
    framed = _beyond(hull) - centre
    directions = fibonacci_directions(options.views, orientation)
    angle = math.radians(options.field_of_view)
    distance = max(framing_distance(framed, directions, up, angle), 1e-6)
    cameras = views_from(directions, up, distance, ImageSize(size, size), angle)
    zoom = zoom_to_fill(cameras, framed) if options.crop else 1.0
    return tuple(moved(c.zoomed(zoom), centre) for c in cameras), hull


def _middle(hull: Array) -> Array:
    return np.asarray((hull.min(0) + hull.max(0)) / 2)


def _beyond(hull: Array) -> Array:
    """Points of a hull (k, 3), moved away from its centre by a rig's margin."""
    centre = _middle(hull)
    return np.asarray(centre + (hull - centre) * _REACH)
