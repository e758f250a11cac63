"""Keeps a video steady: each frame's picture takes over what it shares with the one before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F

from nst3d.flow.method import FlowMethod
from nst3d.flow.temporal import temporal_loss
from nst3d.flow.warp import followed, trusted, warped
from nst3d.stylize.clips.painter import FollowingPainter
from nst3d.tensors import Array, Mask, Planes, planes_of

_TOLERANCE = 0.1
"""Difference in colour, in [0, 1], of two frames along the motion at which they are trusted e⁻¹ as much."""


@dataclass(frozen=True, eq=False)
class Moment:
    """A frame of a video and its pictures."""

    frame: Array
    """(h, w, 3) uint8."""
    alone: Planes
    """(3, h, w) in [0, 1]: its picture before it takes over what it shares; what is shown, if none was painted."""
    picture: Planes
    """(3, h, w) in [0, 1]: what is shown."""
    memory: Planes | None = None
    """(c, h', w'): what its painter remembers for the next frame."""


@dataclass(frozen=True)
class Steadiness:
    """Mean squared differences from frame to frame along the motion, where it can be trusted."""

    shown: float
    """Of what is shown."""
    alone: float | None = None
    """Of the pictures before they take over what they share, if there are such."""


@final
class SteadyPainter:
    """Paints the frames of shots one after the other."""

    def __init__(self, painter: FollowingPainter, flow: FlowMethod | None, steady: float) -> None:
        """`steady`, in [0, 1): share of a picture that comes from the one before, and half of it in the finest detail.

        Without a `flow` none does.
        """
        self._painter, self._flow, self._steady = painter, flow, steady
        self.seconds = 0.0
        """Time that the painter took."""

    def begin(self, samples: Sequence[Array]) -> None:
        """Prepare for a shot, of which these are frames (h, w, 3) uint8."""
        self._painter.begin([planes_of(sample) for sample in samples])

    def paint(self, frame: Array, before: Moment | None) -> tuple[Moment, Steadiness | None]:
        """The moment of a frame (h, w, 3) uint8 after the one before, None at the start of a shot.

        The steadiness is None without a frame before or a flow.
        """
        if before is None or self._flow is None:
            alone, memory = self._follow(frame, None)
            return Moment(frame, alone, alone, memory), None
        back, forth = self._flow.between(frame, before.frame), self._flow.between(before.frame, frame)
        mask = trusted(back, forth)
        alone, memory = self._follow(
            frame, None if before.memory is None else followed(before.memory, back, mask)
        )
        # Bicubic: repeated bilinear sampling would blur the picture more with every frame.
        kept = warped(before.picture, back, "bicubic").clamp(0, 1)
        change = (kept - alone) * (mask * alike(frame, before.frame, back))
        # The finest detail takes over half as much: what is sampled and averaged again and again loses it first.
        change = self._steady / 2 * (change + _smooth(change))
        picture = Planes((alone + change).clamp(0, 1))
        steadiness = Steadiness(
            float(temporal_loss(picture, before.picture, back, mask)),
            float(temporal_loss(alone, before.alone, back, mask)),
        )
        return Moment(frame, alone, picture, memory), steadiness

    def _follow(self, frame: Array, memory: Planes | None) -> tuple[Planes, Planes | None]:
        began = time.perf_counter()
        painted = self._painter.follow(planes_of(frame), memory)
        self.seconds += time.perf_counter() - began
        return painted


def steadiness(flow: FlowMethod, frame: Array, before: Moment, picture: Planes) -> Steadiness:
    """How steady the picture (3, h, w) that is shown of a frame (h, w, 3) uint8 is after the moment before."""
    back, forth = flow.between(frame, before.frame), flow.between(before.frame, frame)
    return Steadiness(float(temporal_loss(picture, before.picture, back, trusted(back, forth))))


def alike(frame: Array, before: Array, back: torch.Tensor) -> Mask:
    """(h, w) in (0, 1]: how well frames (h, w, 3) uint8 agree along the flow `back` (h, w, 2) to the one before.

    Wrong motion and new light must not smear.
    """
    difference = (planes_of(frame) - warped(planes_of(before), back)).square().mean(0)
    return torch.exp(-difference / _TOLERANCE**2)


def _smooth(planes: torch.Tensor) -> torch.Tensor:
    """Planes (c, h, w) blurred by a Gaussian of one pixel."""
    taps = torch.exp(-torch.arange(-3.0, 4.0).square() / 2)
    taps /= taps.sum()
    padded = F.pad(planes[:, None], (3, 3, 3, 3), mode="replicate")
    return F.conv2d(F.conv2d(padded, taps[None, None, None]), taps[None, None, :, None])[:, 0]
