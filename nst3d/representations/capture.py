"""A capture: photographs of a place with their cameras."""

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
    """Name in the capture, used in errors and notes."""
    camera: Camera
    """Camera at the photograph's full size."""
    path: Path | None = None
    """Image file; None if `pixels` are given, or only the camera is known."""
    pixels: Array | None = None
    """(h, w, 3 or 4) uint8 or float32 in [0, 1], for captures that store their images in one file."""
    split: Split = "train"
    """test: held out from reconstruction."""
    depth: Path | None = None
    """Depth image, if there is one."""

    @property
    def has_picture(self) -> bool:
        """Whether the photograph itself is there, not its camera alone."""
        return self.path is not None or self.pixels is not None


@dataclass(frozen=True)
class Capture:
    """Photographs with poses."""

    source: Path
    """File or folder that was read."""
    photos: tuple[Photo, ...]
    up: Array
    """World up, a unit vector (3,)."""
    kind: str = "transforms.json"
    """Format, in words for the user."""
    background: tuple[float, float, float] | None = None
    """Background of photographs with alpha, RGB in [0, 1]; None: opaque photographs."""
    notes: tuple[str, ...] = ()
    """Notes for the user."""
    depths: tuple[float, float] | None = None
    """Nearest and farthest depth in the photographs, world units, if the capture has them."""

    def of(self, split: Split) -> Sequence[Photo]:
        """Photographs of a split."""
        return [photo for photo in self.photos if photo.split == split]
