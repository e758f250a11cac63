"""Compares a field's renders with photographs, as metrics and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.images.io import write_image
from nst3d.metrics.image import psnr, ssim
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.representations.field import VoxelField
from nst3d.tensors import Array

_SHOWN = 8
"""Maximum number of columns in the picture."""


@dataclass(frozen=True)
class Photograph:
    """A photograph and its camera."""

    name: str
    camera: Camera
    image: Array
    """(h, w, 3), at the camera's size."""


@dataclass(frozen=True)
class Marks:
    """A field's metrics on some views."""

    views: tuple[Photograph, ...]
    psnr: tuple[float, ...]
    """PSNR of each view, dB."""
    ssim: tuple[float, ...]
    pictures: tuple[Array, ...]
    """Renders of the field, for the first views only."""

    def means(self) -> dict[str, float]:
        """The mean metrics."""
        return {
            "psnr": round(float(np.mean(self.psnr)), 3),
            "ssim": round(float(np.mean(self.ssim)), 4),
        }

    def rows(self) -> list[dict[str, Any]]:
        """The metrics of each view."""
        marks = zip(self.views, self.psnr, self.ssim)
        return [{"name": v.name, "psnr": round(p, 3), "ssim": round(s, 4)} for v, p, s in marks]


def measured(field: VoxelField, views: Sequence[Photograph]) -> Marks:
    """The metrics of a field, rendered with its view-dependence over its background."""
    renderer, background = VoxelRenderer(field), np.asarray(field.background, np.float32)
    psnrs: list[float] = []
    ssims: list[float] = []
    pictures: list[Array] = []
    for view in views:
        shown = renderer.draw(view.camera, field.colours, 1.0).over(background)
        psnrs.append(psnr(shown, view.image))
        ssims.append(ssim(shown, view.image))
        if len(pictures) < _SHOWN:
            pictures.append(shown)
    return Marks(tuple(views), tuple(psnrs), tuple(ssims), tuple(pictures))


def write_comparison(path: Path, marks: Marks) -> Path:
    """Write the field's renders above the photographs, a column per view, for views of the first's size."""
    pairs = [(shown, view.image) for shown, view in zip(marks.pictures, marks.views)]
    columns = [np.concatenate(pair) for pair in pairs if pair[0].shape == pairs[0][0].shape]
    write_image(path, np.concatenate(columns, axis=1))
    return path
