"""The photographs that Python packages ship under free licences."""

from __future__ import annotations

import bz2
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from nst3d.tensors import Array


@dataclass(frozen=True)
class Photograph:
    """A picture in a package."""

    path: str
    """Below the folder that packages are installed into."""
    licence: str
    source: str
    share: float = 1.0
    """How often patches are cut from it, relative to the others."""


_SKIMAGE, _SKLEARN = "skimage/data", "sklearn/datasets/images"
PHOTOGRAPHS = (
    Photograph(f"{_SKIMAGE}/astronaut.png", "public domain", "NASA", 3),
    Photograph(f"{_SKIMAGE}/brick.png", "CC0", "CC0Textures"),
    Photograph(f"{_SKIMAGE}/camera.png", "CC0", "Lav Varshney", 2),
    Photograph(f"{_SKIMAGE}/coins.png", "no known restrictions", "Brooklyn Museum"),
    Photograph(f"{_SKIMAGE}/coffee.png", "CC0", "Rachel Michetti", 3),
    Photograph(f"{_SKIMAGE}/grass.png", "CC0", "CC0Textures"),
    Photograph(f"{_SKIMAGE}/gravel.png", "CC0", "CC0Textures"),
    Photograph(f"{_SKIMAGE}/hubble_deep_field.jpg", "public domain", "NASA"),
    Photograph(f"{_SKIMAGE}/ihc.png", "no known restrictions", "Center for Microscopy and Molecular Imaging"),
    Photograph(f"{_SKIMAGE}/retina.jpg", "CC0", "Mikael Häggström"),
    Photograph(f"{_SKLEARN}/china.jpg", "CC BY 2.0", "flickr.com/photos/danielbuechele", 3),
    Photograph(f"{_SKLEARN}/flower.jpg", "CC BY 2.0", "flickr.com/photos/vultilion", 3),
    Photograph("scipy/misc/face.dat", "public domain", "public-domain-image.com", 3),
    Photograph("matplotlib/mpl-data/sample_data/grace_hopper.jpg", "public domain", "US Navy", 2),
)
"""All that are used. scikit-image's `chelsea` and `rocket` are left out: they test what was learnt."""


def read_photographs(packages: Path) -> list[tuple[Array, float]]:
    """All photographs (h, w, 3), uint8, each with its share."""
    return [(_read(packages / each.path), each.share) for each in PHOTOGRAPHS]


def _read(path: Path) -> Array:
    if path.suffix == ".dat":  # scipy's raccoon
        return np.frombuffer(bz2.decompress(path.read_bytes()), np.uint8).reshape(768, 1024, 3)
    return np.asarray(Image.open(path).convert("RGB"))
