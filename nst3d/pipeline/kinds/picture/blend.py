"""Mixes and grades pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from nst3d.errors import InputError
from nst3d.formats.picture import load_picture, save_picture
from nst3d.pipeline.kinds.blend_tables import Mix
from nst3d.pipeline.kinds.picture.regions import picture_selectors
from nst3d.pipeline.styles import default_encoder
from nst3d.stylize.layout import Layout
from nst3d.tensors import ImageSize


def blend_pictures(paths: Sequence[Path], mix: Mix, out: Path, note: Callable[[str], None]) -> list[Path]:
    """Write what a mix makes of all pictures with the first one's alpha. Raises InputError if their sizes differ."""
    pictures = [load_picture(path) for path in paths]
    for path, picture in zip(paths, pictures):
        for text in picture.notes:
            note(text)
        (h, w), (height, width) = picture.pixels.shape[:2], pictures[0].pixels.shape[:2]
        if (h, w) != (height, width):
            raise InputError(
                f"{paths[0]} and {path}: {width}x{height} and {w}x{h} pixels, expected the same size"
            )
    size = ImageSize(*pictures[0].pixels.shape[:2])
    layout = Layout.of_images([size])
    own = torch.from_numpy(pictures[0].pixels.reshape(-1, 3))
    column = mix.column(picture_selectors(layout, layout, own, default_encoder, note))
    colours = mix.colours([p.pixels.reshape(-1, 3) for p in pictures], column)
    return save_picture(out, colours.reshape(*size, 3), pictures[0].alpha)
