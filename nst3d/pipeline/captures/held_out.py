"""How well a field shows photographs, in numbers and as a picture."""

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
"""Columns of the picture at most."""


@dataclass(frozen=True)
class Photograph:
    """A photograph and its camera."""

    name: str
    camera: Camera
    image: Array
    """(h, w, 3), of the camera's size."""


@dataclass(frozen=True)
class Marks:
    """How a field does on some views."""

    views: tuple[Photograph, ...]
    psnr: tuple[float, ...]
    """dB, a number a view."""
    ssim: tuple[float, ...]
    pictures: tuple[Array, ...]
    """What the field shows, a picture for each of the first views."""

    def means(self) -> dict[str, float]:
        """The mean marks."""
        return {
            "psnr": round(float(np.mean(self.psnr)), 3),
            "ssim": round(float(np.mean(self.ssim)), 4),
        }

    def rows(self) -> list[dict[str, Any]]:
        """The marks of each view."""
        marks = zip(self.views, self.psnr, self.ssim)
        return [{"name": v.name, "psnr": round(p, 3), "ssim": round(s, 4)} for v, p, s in marks]


def measured(field: VoxelField, views: Sequence[Photograph]) -> Marks:
    """The marks of a field, drawn with its view-dependence over its background."""
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
    """Write what the field shows above the photographs, view beside view, those of the first one's size."""
    pairs = [(shown, view.image) for shown, view in zip(marks.pictures, marks.views)]
    columns = [np.concatenate(pair) for pair in pairs if pair[0].shape == pairs[0][0].shape]
    write_image(path, np.concatenate(columns, axis=1))
    return path
