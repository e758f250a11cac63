"""Mixes pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from nst3d.errors import InputError
from nst3d.formats.picture import load_picture, save_picture
from nst3d.pipeline.kinds.blend_tables import mixed_colours


def blend_pictures(
    paths: Sequence[Path], weights: Sequence[float], out: Path, note: Callable[[str], None]
) -> list[Path]:
    """Write the mean of all pictures with the first one's alpha. Raises InputError if their sizes differ."""
    pictures = [load_picture(path) for path in paths]
    for path, picture in zip(paths, pictures):
        for text in picture.notes:
            note(text)
        (h, w), (height, width) = picture.pixels.shape[:2], pictures[0].pixels.shape[:2]
        if (h, w) != (height, width):
            raise InputError(
                f"{paths[0]} and {path}: {width}x{height} and {w}x{h} pixels, expected the same size"
            )
    return save_picture(out, mixed_colours([p.pixels for p in pictures], weights), pictures[0].alpha)
