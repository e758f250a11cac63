"""The teacher that changes nothing, to measure what fitting a scene to its own pictures loses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.tensors import Image


@final
class Identity:
    """Returns the pictures unchanged."""

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures."""
        return pictures


register_teacher("identity", lambda options: Identity(), needs_style=False)
