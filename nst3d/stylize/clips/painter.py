"""What paints the frames of a shot, each on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, final

import torch

from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import Preparable, Recurrent, Teacher
from nst3d.tensors import Planes, to_image, to_planes


class FramePainter(Protocol):
    """Paints frames of a video."""

    def begin(self, samples: Sequence[Planes]) -> None:
        """Prepare for a shot, of which these are frames (3, h, w) in [0, 1], spread over it."""

    def paint(self, frame: Planes) -> Planes:
        """A frame (3, h, w) of the shot, painted, in [0, 1]. The same frame gives the same picture."""


class FollowingPainter(Protocol):
    """Paints frames of a video one after the other."""

    def begin(self, samples: Sequence[Planes]) -> None:
        """Prepare for a shot, of which these are frames (3, h, w) in [0, 1], spread over it."""

    def follow(self, frame: Planes, memory: Planes | None) -> tuple[Planes, Planes | None]:
        """A frame (3, h, w) of the shot, painted, in [0, 1], and the memory (c, h', w') for the next.

        `memory` is that of the frame before, carried along the motion; None at the start. Few painters have one.
        """


@final
class TaughtPainter:
    """Paints frames with a teacher of scenes, which is prepared for a shot if it can be."""

    def __init__(self, teacher: Teacher, styles: Sequence[Style]) -> None:
        self._teacher, self._styles = teacher, styles
        self._of_shot = teacher

    def begin(self, samples: Sequence[Planes]) -> None:
        """Give the teacher the statistics of the shot, so that it paints all frames by the same map."""
        if isinstance(self._teacher, Preparable):
            pictures = [to_image(sample) for sample in samples]
            self._of_shot = self._teacher.prepared(pictures, [_look(s) for s in samples], self._styles)

    def paint(self, frame: Planes) -> Planes:
        """The teacher's picture of the frame."""
        (picture,) = self._of_shot.teach([to_image(frame)], [_look(frame)], self._styles)
        return to_planes(picture).clamp(0, 1)  # type: ignore[return-value]

    def follow(self, frame: Planes, memory: Planes | None) -> tuple[Planes, Planes | None]:
        """The teacher's picture of the frame after those that it remembers, if it does."""
        if not isinstance(self._of_shot, Recurrent):
            return self.paint(frame), None
        picture, after = self._of_shot.follow(to_image(frame), _look(frame), self._styles, memory)
        return Planes(to_planes(picture).clamp(0, 1)), after


def _look(frame: Planes) -> Look:
    return Look(frame, torch.ones_like(frame[0]))
