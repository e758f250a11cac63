"""A capture: photographs of a place, and where each was taken from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from nst3d.cameras.pinhole import Camera
from nst3d.tensors import Array

Split = Literal["train", "test"]


@dataclass(frozen=True)
class Photo:
    """One photograph."""

    name: str
    """As the capture names it; errors and notes use it."""
    camera: Camera
    """Where it was taken from, at the photograph's full size."""
    path: Path | None = None
    """The file; None where the pixels are given."""
    pixels: Array | None = None
    """(h, w, 3 or 4) uint8 or float32 in [0, 1], for captures that hold their images in one file."""
    split: Split = "train"
    """test: held out from reconstruction."""
    depth: Path | None = None
    """A depth picture that belongs to it, if there is one."""


@dataclass(frozen=True)
class Capture:
    """Photographs with poses."""

    source: Path
    """The file or folder that was read."""
    photos: tuple[Photo, ...]
    up: Array
    """World up, a unit vector (3,)."""
    kind: str = "transforms.json"
    """What was read, in words for people."""
    background: tuple[float, float, float] | None = None
    """What lies behind photographs with alpha, RGB in [0, 1]; None: opaque photographs."""
    notes: tuple[str, ...] = ()
    """What the user should know."""
    depths: tuple[float, float] | None = None
    """Nearest and farthest that the photographs show, world units, if the capture says."""

    def of(self, split: Split) -> Sequence[Photo]:
        """The photographs of a split."""
        return [photo for photo in self.photos if photo.split == split]
