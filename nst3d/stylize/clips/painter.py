"""What paints the frames of a shot, each on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, final

import torch

from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import Teacher
from nst3d.tensors import Planes, to_image, to_planes


class FramePainter(Protocol):
    """Paints frames of a video."""

    def begin(self, samples: Sequence[Planes]) -> None:
        """Prepare for a shot, of which these are frames (3, h, w) in [0, 1], spread over it."""

    def paint(self, frame: Planes) -> Planes:
        """A frame (3, h, w) of the shot, painted, in [0, 1]. The same frame gives the same picture."""


@final
class TaughtPainter:
    """Paints frames with a teacher of scenes."""

    def __init__(self, teacher: Teacher, styles: Sequence[Style]) -> None:
        self._teacher, self._styles = teacher, styles

    def begin(self, samples: Sequence[Planes]) -> None:
        """Nothing: a teacher paints each picture by itself."""

    def paint(self, frame: Planes) -> Planes:
        """The teacher's picture of the frame."""
        look = Look(frame, torch.ones_like(frame[0]))
        (picture,) = self._teacher.teach([to_image(frame)], [look], self._styles)
        return to_planes(picture).clamp(0, 1)  # type: ignore[return-value]
