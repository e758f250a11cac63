"""The selector that chooses rows by their own colour."""

from __future__ import annotations

import re

import torch
from PIL import ImageColor

from nst3d.errors import ConfigError
from nst3d.images.oklab import oklab
from nst3d.tensors import Colours

TOLERANCE = 0.1
"""Distance in Oklab, where black and white are 1 apart, within which colours count as alike if none is given."""
_FADE = 0.2
"""Share of the tolerance, to either side of it, over which weights fall from 1 to 0."""
_TEXT = re.compile(r"(#?\w+)\s*(?:(?:±|\+-|\+/-)?\s*([0-9.]+))?")


def colour_region(colours: Colours, text: str) -> Colours:
    """Weights (n, 1): 1 for rows whose sRGB-encoded colours (n, 3) are like a colour, 1/2 at the tolerance.

    `text` is "#rrggbb±tolerance", or a colour's name; "+-" or a space may stand for "±". ConfigError for anything else.
    """
    expected = "a colour and a tolerance in Oklab from 0 to 1, colour:#c03020±0.1"
    found = _TEXT.fullmatch(text.strip())
    try:
        red, green, blue = ImageColor.getrgb(found[1] if found else "")[:3]
        tolerance = float(found[2] or TOLERANCE) if found else 0.0
    except ValueError:
        raise ConfigError(f"region colour:{text}: expected {expected}") from None
    if not 0 < tolerance <= 1:
        raise ConfigError(f"region colour:{text}: expected {expected}")
    wanted = oklab(torch.tensor([[red, green, blue]]).double() / 255)
    distance = torch.linalg.vector_norm(oklab(colours.double().clamp(0, 1)) - wanted, dim=1, keepdim=True)
    return ((1 + _FADE - distance / tolerance) / (2 * _FADE)).clamp(0, 1).float()
