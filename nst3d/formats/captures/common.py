"""Checks shared by all captures: valid poses, existing photographs, a split and the up direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nst3d.cameras.lens import Lens
from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError
from nst3d.formats.captures.photos import fitting_size, load_alpha
from nst3d.images.header import read_header
from nst3d.representations.capture import Capture, Photo, Split
from nst3d.tensors import Array, ImageSize

HELD_OUT = 8
"""Every n-th photograph is held out where a capture defines no split."""
WHITE = (1.0, 1.0, 1.0)
_SKEW = 0.02
"""Largest deviation of a rotation from orthonormal that is accepted; it is then corrected."""
_ROUNDING = 1e-6
_HUGE = 1e12
_NAMED = 20


@dataclass(frozen=True)
class Intrinsics:
    """A camera without its pose, for an image of `size`."""

    focal: tuple[float, float]
    """Horizontal and vertical, in pixels."""
    centre: tuple[float, float]
    size: ImageSize
    lens: Lens | None = None

    def at(self, pose: Array) -> Camera:
        """The camera at a pose (4, 4)."""
        return Camera(pose, self.focal[0], self.centre, self.size, self.focal[1] / self.focal[0], self.lens)


@dataclass(frozen=True)
class Shot:
    """A photograph as listed in a capture, unchecked."""

    name: str
    pose: Array
    """(4, 4) camera to world, OpenCV axes."""
    intrinsics: Intrinsics
    path: Path | None = None
    pixels: Array | None = None
    split: Split | None = None
    depth: Path | None = None


@dataclass(frozen=True)
class Found:
    """What a reader found in a capture."""

    source: Path
    kind: str
    shots: Sequence[Shot]
    missing: Sequence[str] = ()
    """Photographs that are listed but missing."""
    up: Array | None = None
    """World up (3,), if the format states it."""
    depths: tuple[float, float] | None = None
    notes: Sequence[str] = field(default=())


def from_opengl(pose: Array) -> Array:
    """A camera-to-world matrix (4, 4) converted from OpenGL axes (y up, z backward) to OpenCV's, or back."""
    return pose * np.array([1.0, -1.0, -1.0, 1.0])


def as_capture(found: Found) -> Capture:
    """The checked capture. Raises InputError, one line that names the file and the fault."""
    source, total = found.source, len(found.shots) + len(found.missing)
    if not found.shots:
        raise InputError(
            f"{source}: none of its {total} photographs exists ({listed(found.missing, 3)})"
            if total
            else f"{source}: lists no photographs"
        )
    if len(found.shots) == 1:
        raise InputError(
            f"{source}: only one photograph ({found.shots[0].name}); a capture needs several views"
        )
    poses = [_sound(shot, source) for shot in found.shots]
    _check_spread(np.stack(poses), source)
    notes = list(found.notes)
    if found.missing:
        notes.append(
            f"{len(found.shots)} of {total} photographs found; missing: {listed(found.missing, _NAMED)}"
        )
    photos, resized = _photos(found.shots, poses)
    if resized:
        notes.append(resized)
    photos = _split(photos, [shot.split for shot in found.shots])
    up = np.asarray(found.up, float) if found.up is not None else find_up([p.camera for p in photos])
    background = WHITE if _see_through(photos) else None
    return Capture(
        source,
        tuple(photos),
        up / np.linalg.norm(up),
        found.kind,
        background,
        tuple(notes),
        found.depths,
    )


def find_up(cameras: Sequence[Camera]) -> Array:
    """World up, a unit vector (3,): perpendicular to the cameras' right axes, as photographs are held level.

    If the cameras look in too few directions for that, the mean of their own up directions.
    """
    axes = np.stack([c.camera_to_world[:3, :3] for c in cameras])
    mean = -axes[:, :, 1].sum(0)
    values, vectors = np.linalg.eigh(axes[:, :, 0].T @ axes[:, :, 0] / len(axes))
    level = vectors[:, 0] * (1.0 if vectors[:, 0] @ mean >= 0 else -1.0)
    length = np.linalg.norm(mean)
    if length < 1e-3 * len(axes):
        return level
    mean = mean / length
    return level if values[1] > 10 * values[0] + 0.02 and level @ mean > 0.8 else mean


def _sound(shot: Shot, source: Path) -> Array:
    """The pose with an exact rotation."""
    pose = np.array(shot.pose, np.float64)
    if not np.abs(pose).max() < _HUGE:
        raise InputError(
            f"{source}: the pose of {shot.name} has values that are not finite, or absurdly large"
        )
    rotation = pose[:3, :3]
    determinant = float(np.linalg.det(rotation))
    if determinant < 0:
        raise InputError(f"{source}: the pose of {shot.name} is left-handed (mirrored), expected a rotation")
    skew = np.abs(rotation.T @ rotation - np.eye(3)).max()
    if skew > _SKEW:
        raise InputError(
            f"{source}: the pose of {shot.name} is not a rotation (it scales by {abs(determinant) ** (1 / 3):.3g}"
            f" or skews), expected orthonormal axes"
        )
    if skew > _ROUNDING:
        left, _, right = np.linalg.svd(rotation)
        pose[:3, :3] = left @ right
    pose[3] = (0, 0, 0, 1)
    return pose


def _check_spread(poses: Array, source: Path) -> None:
    if np.abs(poses - poses[0]).max() <= 1e-6 * (1 + np.abs(poses[0]).max()):
        raise InputError(
            f"{source}: all {len(poses)} cameras have the same pose; a capture needs several views"
        )


def _photos(shots: Sequence[Shot], poses: Sequence[Array]) -> tuple[list[Photo], str]:
    """Photographs whose cameras match the sizes of their files, and a note if any was changed."""
    photos, changed = [], []
    for shot, pose in zip(shots, poses):
        camera = shot.intrinsics.at(pose)
        if shot.path is not None:
            size = fitting_size(read_header(shot.path), camera.size, str(shot.path))
            if size != camera.size:
                changed.append((camera.size, size))
                camera = camera.resized(size)
        photos.append(Photo(shot.name, camera, shot.path, shot.pixels, depth=shot.depth))
    if not changed:
        return photos, ""
    (old, new), count = changed[0], len(changed)
    return photos, (
        f"{count} photographs differ in resolution from their poses (such as {new.width} x {new.height}, "
        f"not {old.width} x {old.height}): cameras scaled to fit"
    )


def _split(photos: Sequence[Photo], given: Sequence[Split | None]) -> list[Photo]:
    """Photographs with the capture's own split, or with every 8th held out."""
    if any(given):
        return [replace(p, split=s or "train") for p, s in zip(photos, given)]
    return [replace(p, split="train" if i % HELD_OUT else "test") for i, p in enumerate(photos)]


def _see_through(photos: Sequence[Photo]) -> bool:
    """Whether the photographs show a cut-out object: the first, middle or last is transparent somewhere."""
    for photo in (photos[0], photos[len(photos) // 2], photos[-1]):
        if not photo.has_picture or (photo.path is not None and not read_header(photo.path).alpha):
            continue
        alpha = load_alpha(photo)
        if alpha is not None and alpha.min() < 1:
            return True
    return False


def listed(names: Sequence[str], most: int) -> str:
    """The first `most` names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
