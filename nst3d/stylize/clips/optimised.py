"""Optimises the frames of a shot one after the other, each beginning with what it shares with those before.

Ruder et al. 2016, "Artistic style transfer for videos", and 2018, "Artistic style transfer for videos and spherical
images".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import final

import torch

from nst3d.flow.carried import Carried, carried
from nst3d.flow.method import FlowMethod
from nst3d.flow.warp import trusted
from nst3d.stylize.clips.frame_optimiser import FrameOptimiser, following_schedule, fresh_schedule
from nst3d.stylize.clips.painter import FramePainter
from nst3d.stylize.clips.steady import Moment, alike
from nst3d.tensors import Array, ImageSize, Planes, planes_of

OFFSETS = (1, 2, 4)
"""How many frames back a frame looks, for what is hidden in nearer ones."""
FRESH = 4
"""How many times as many steps a frame painted anew takes."""
_WEIGHT = 50.0
"""Weight of the temporal loss, at which a frame takes over about half of what is carried to it."""
_BLEND = 0.5
"""Share of what is carried in the start of a frame that has a picture from an earlier pass."""


@final
class OptimisedFrames:
    """Paints the frames of shots with the engine that paints pictures."""

    def __init__(
        self,
        optimiser: FrameOptimiser,
        content: FramePainter,
        fresh: FramePainter,
        flow: FlowMethod | None,
        iterations: int,
        steady: float,
    ) -> None:
        """`content` gives the pictures whose content is kept, `fresh` those that painting begins with where nothing
        is carried over.

        `iterations` are the steps of a frame after the first. `steady`, in [0, 1), is the share that a frame is to
        take over; without a `flow` each frame is painted anew.
        """
        self._optimiser, self._content, self._fresh = optimiser, content, fresh
        self._flow = flow
        self.iterations = iterations
        """Steps of a frame after the first."""
        self._weight = _WEIGHT * steady / (1 - steady)

    @property
    def reach(self) -> int:
        """How many moments before a frame are looked at."""
        return max(OFFSETS) if self._flow is not None else 0

    def begin(self, samples: Sequence[Array]) -> None:
        """Prepare for a shot, of which these are frames (h, w, 3) uint8."""
        planes = [planes_of(sample) for sample in samples]
        for painter in {id(p): p for p in (self._content, self._fresh)}.values():
            painter.begin(planes)

    def paint(
        self,
        frame: Array,
        near: Sequence[Moment],
        own: Planes | None = None,
        stepped: Callable[[float], None] = lambda cost: None,
    ) -> Planes:
        """The picture (3, h, w) in [0, 1] of a frame (h, w, 3) uint8.

        `near` are the frames painted before it in its shot, nearest first; `own` is its picture from an earlier pass.
        `stepped` is called after each step, with its cost in steps at the frame's size.
        """
        planes = planes_of(frame)
        content, size = self._content.paint(planes), ImageSize(*frame.shape[:2])
        before = self._carried(frame, near)
        if own is None and before is None:
            schedule = fresh_schedule(size, FRESH * self.iterations)
            return self._optimiser.paint(content, self._fresh.paint(planes), schedule, stepped=stepped)
        start, held = own, None
        if before is not None:
            share = before.trust if own is None else _BLEND * before.trust
            start = Planes(
                torch.lerp(self._fresh.paint(planes) if own is None else own, before.picture, share)
            )
            held = self._optimiser.held(before, self._weight)
        assert start is not None
        schedule = following_schedule(size, self.iterations)
        return self._optimiser.paint(content, start, schedule, held, stepped)

    def _carried(self, frame: Array, near: Sequence[Moment]) -> Carried | None:
        """What the frame takes over, where the motion can be trusted and the frames look alike along it."""
        moments = [near[offset - 1] for offset in OFFSETS if offset <= len(near)]
        if self._flow is None or not moments:
            return None
        backs = [self._flow.between(frame, m.frame) for m in moments]
        forths = [self._flow.between(m.frame, frame) for m in moments]
        trusts = [trusted(b, f) * alike(frame, m.frame, b) for b, f, m in zip(backs, forths, moments)]
        return carried([m.picture for m in moments], backs, trusts)
