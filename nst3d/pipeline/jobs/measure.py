"""Measures a finished painting against its styles and its scene."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from nst3d.images.gamut import Gamut, gamut_shares
from nst3d.metrics.grain import Masked, grain
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat
from nst3d.stylize.style import Style
from nst3d.tensors import Array, Colours, Mask, Planes, to_image

_OPAQUE = 0.99
_VIEWS = 8
"""Number of views that are measured, which takes a fraction of a second."""


@torch.no_grad()
def grain_of(canvas: Canvas, config: PaintConfig, coats: Sequence[Coat]) -> float | None:
    """The grain of the painted region in some views of a canvas in its finest scale; None if they are too small, or if
    no style has a picture.

    The styles are as large as painting saw them; what the scene itself has is no grain.
    """
    if not any(coat.pictured for coat in coats):
        return None
    background = coats[0].background.to(canvas.parameters()[0])
    every = math.ceil(canvas.num_views / _VIEWS)
    views = range(0, canvas.num_views, every)
    looks = (canvas.look(view, background).within(canvas.painted) for view in views)
    pictures: list[Masked] = [(_pixels(look.image), look.coverage.cpu().numpy()) for look in looks]
    long = round(config.schedule.finest * config.recipe.style_scale)
    styles = (style for coat in coats for style in coat.styles)
    wanted = (_opaque_part(*each) for s in styles for each in zip(s.at(long), s.opacities_at(long)))
    return grain(pictures, wanted, (_pixels(canvas.stage.content(view)) for view in views))


def gamut_of(painted: Array, counted: Colours, palette: Colours) -> dict[str, float]:
    """The shares `clipped` and `outside` of a painted table (n, 3), of which `counted` (n, 1) counts."""
    shares = gamut_shares(torch.from_numpy(painted), counted[:, 0], palette)
    return {name: round(share, 5) for name, share in shares.items()}


def guarded(painted: Array, counted: Colours, palette: Colours) -> Array:
    """A painted table (n, 3) whose rows that count, by `counted` (n, 1), are in the gamut of a palette."""
    rows = (counted[:, 0] > 0).cpu().numpy()
    kept = painted.copy()
    kept[rows] = Gamut.of(palette, 0.0).nearest(torch.from_numpy(painted[rows])).numpy()
    return kept


def shown_colours(config: PaintConfig, styles: Sequence[Style]) -> Colours:
    """The opaque pixels (k, 3) of the styles' pictures, as large as painting saw them."""
    long = round(config.schedule.finest * config.recipe.style_scale)
    parts = [_opaque_part(*each) for s in styles for each in zip(s.at(long), s.opacities_at(long))]
    return torch.from_numpy(np.concatenate([pixels[mask > _OPAQUE] for pixels, mask in parts]))


def _opaque_part(picture: Planes, opacity: Mask | None) -> Masked:
    pixels = _pixels(picture)
    return pixels, np.ones(pixels.shape[:2]) if opacity is None else opacity.cpu().numpy()


def _pixels(picture: Planes) -> Array:
    pixels: Array = to_image(picture).clamp(0, 1).float().cpu().numpy()
    return pixels
