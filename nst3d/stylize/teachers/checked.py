"""Checks what teachers return."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nst3d.errors import ConfigError
from nst3d.stylize.look import Look
from nst3d.tensors import Image

_STRAY = 0.5
"""How far a teacher's values may leave [0, 1]: networks overshoot a little, values up to 255 are a mistake."""


def checked(pictures: Sequence[Image], looks: Sequence[Look], teacher: str) -> list[Image]:
    """A teacher's pictures. ConfigError unless there is one for each look, of its size, in finite numbers."""
    if not isinstance(pictures, Sequence):
        raise ConfigError(
            f"teacher {teacher} returned {type(pictures).__name__}: expected a list of pictures"
        )
    if len(pictures) != len(looks):
        raise ConfigError(
            f"teacher {teacher} returned {len(pictures)} pictures for {len(looks)} views: expected one for each"
        )
    checked = [Image(torch.as_tensor(picture).to(look.image)) for picture, look in zip(pictures, looks)]
    for picture, look in zip(checked, looks):
        expected = (*look.image.shape[1:], 3)
        if picture.shape != expected:
            found, size = (" x ".join(map(str, shape)) for shape in (picture.shape, expected))
            raise ConfigError(
                f"teacher {teacher} returned {found} values for view {look.view}: expected {size}"
            )
        if not bool(picture.isfinite().all()):
            raise ConfigError(f"teacher {teacher} returned values for view {look.view} that are not finite")
        least, most = float(picture.min()), float(picture.max())
        if least < -_STRAY or most > 1 + _STRAY:
            raise ConfigError(
                f"teacher {teacher} returned values from {least:.3g} to {most:.3g} for view {look.view}:"
                " expected 0 to 1"
            )
    return checked
