"""The input of a reconstruction: photographs at one size, and what they reveal about the scene."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.cameras.bounds import SceneFrame, scene_frame
from nst3d.errors import ConfigError, InputError
from nst3d.formats.captures.photos import laid_over
from nst3d.images.resize import fitted_size
from nst3d.metrics.image import SSIM_WINDOW
from nst3d.pipeline.captures.held_out import Photograph
from nst3d.pipeline.captures.kept import KeptPhotographs
from nst3d.pipeline.captures.reader import OWN_READER, CaptureReader
from nst3d.pipeline.runtime.events import Counted, Events
from nst3d.representations.capture import Capture, Photo
from nst3d.representations.capture_frame import capture_frame
from nst3d.tensors import Array, ImageSize

_MOST_RAYS = 60_000_000
"""Limit on rays, of 28 bytes each in memory."""
_PLAIN, _PLAIN_SHARE = 0.03, 0.98
"""Colour tolerance of a plain background, and the share of the photographs' borders that must show it."""


@dataclass(frozen=True)
class Photographs:
    """The photographs that a field is fitted to and measured against."""

    train: list[Photograph]
    tests: list[Photograph]
    frame: SceneFrame
    background: Array | None
    """Background of a bounded scene, (3,) float32."""
    opacities: list[Array]
    """Opacity of a bounded scene in the training photographs, (h, w) each; empty if unknown."""
    up: Array
    notes: tuple[str, ...]


def read_photographs(
    path: Path, long_side: int, reader: CaptureReader = OWN_READER, events: Events | None = None
) -> Photographs:
    """A capture and its photographs, no side longer than `long_side` pixels; each is read once.

    `events` are told how many photographs are read. Raises InputError for what `reader` refuses, fewer than two
    training photographs, and photographs of a few pixels; ConfigError if they do not fit into memory.
    """
    capture = reader(path)
    train, tests = capture.of("train"), capture.of("test")
    _check(path, train, tests, long_side)
    notes = list(capture.notes)
    if not tests:
        notes.append(f"{path}: no photographs are held out, so the field cannot be measured")
    read = list(_read([*train, *tests], long_side, capture, events or Events()))
    views, held = [view for view, _ in read[: len(train)]], [view for view, _ in read[len(train) :]]
    frame, background = capture_frame(capture), capture.background
    plain = plain_background([view.image for view in views]) if frame.kind == "unbounded" else None
    if plain is not None:
        notes.append("the photographs show an object on a plain background, which is left out of the field")
        return Photographs(
            views, held, _bounded(capture), np.asarray(plain, np.float32), [], capture.up, tuple(notes)
        )
    opacities = [] if background is None else [_opacity(*pair) for pair in read[: len(train)]]
    behind = None if background is None else np.asarray(background, np.float32)
    return Photographs(views, held, frame, behind, opacities, capture.up, tuple(notes))


def plain_background(images: Sequence[Array]) -> Array | None:
    """The colour (3,) of nearly all pixels along the borders of the pictures (h, w, 3), or None."""
    rims = [np.concatenate([i[0], i[-1], i[1:-1, 0], i[1:-1, -1]]) for i in images]
    pixels = np.concatenate(rims)
    colour = np.median(pixels, axis=0)
    near = np.abs(pixels - colour).max(1) < _PLAIN
    return colour if near.mean() > _PLAIN_SHARE else None


def _bounded(capture: Capture) -> SceneFrame:
    return scene_frame([photo.camera for photo in capture.photos], "bounded", capture.depths)


def _check(path: Path, train: Sequence[Photo], tests: Sequence[Photo], long_side: int) -> None:
    if len(train) < 2:
        raise InputError(
            f"{path}: too few photographs to reconstruct from: {len(train)}, and {len(tests)} held out; at least 2"
            " are needed"
        )
    rays = sum(math.prod(_size(photo, long_side)) for photo in train)
    if rays > _MOST_RAYS:
        raise ConfigError(
            f"`size` {long_side}: {len(train)} photographs then have {rays / 1e6:.0f} million pixels, but only"
            f" {_MOST_RAYS / 1e6:.0f} million are allowed; give a smaller `size`"
        )


def _size(photo: Photo, long_side: int) -> ImageSize:
    return fitted_size(photo.camera.size, min(long_side, max(photo.camera.size)))


def _read(
    photos: Sequence[Photo], long_side: int, capture: Capture, events: Events
) -> Iterator[tuple[Photograph, Array | None]]:
    """Photographs over the capture's background, each with its opacity (h, w) float32 in [0, 1] if it has one."""
    kept, start = KeptPhotographs(), time.perf_counter()
    for number, photo in enumerate(photos, 1):
        size = _size(photo, long_side)
        if min(size) < SSIM_WINDOW:
            raise InputError(
                f"{photo.name}: {size.width} x {size.height} pixels is too small to reconstruct from; each side needs"
                f" at least {SSIM_WINDOW}"
            )
        image = kept.load(photo, size)
        opacity = image[..., 3].copy() if image.shape[2] == 4 else None
        yield (
            Photograph(photo.name, photo.camera.resized(size), laid_over(image, capture.background)),
            opacity,
        )
        events.tell(Counted(number, len(photos), "photographs", time.perf_counter() - start))


def _opacity(view: Photograph, opacity: Array | None) -> Array:
    return np.ones(view.camera.size, np.float32) if opacity is None else opacity
