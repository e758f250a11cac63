"""Makes the painter of frames with a name."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nst3d.errors import ConfigError
from nst3d.networks.pairs import load_pairs
from nst3d.stylize.clips.painter import FramePainter, TaughtPainter
from nst3d.stylize.clips.transported import TransportedFrames
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import TEACHERS, make_teacher

TRANSPORTED = "wct"
"""Name of the painter that has one map of features for all frames of a shot."""


def check_painter(name: str) -> None:
    """Raise ConfigError, with those that are known, for an unknown name of a painter."""
    if name != TRANSPORTED and name not in TEACHERS:
        known = ", ".join([TRANSPORTED, *TEACHERS])
        raise ConfigError(f"`network` {name!r} is not known: choose one of {known}")


def make_painter(name: str, styles: Sequence[Style], size: int, dtype: torch.dtype) -> FramePainter:
    """The painter of frames with a long side of `size`: "wct", or the teacher of that name.

    Raises ConfigError for an unknown name, MissingDependencyError if its weights are not found.
    """
    check_painter(name)
    if name == TRANSPORTED:
        return TransportedFrames(load_pairs(dtype=dtype), styles, size)
    return TaughtPainter(make_teacher(name, {}), styles)
