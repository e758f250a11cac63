"""The teacher of instant painting: the best one that paints at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nst3d.stylize.teachers.monge import FOR_FRAMES, OPTIONS
from nst3d.stylize.teachers.registry import Teacher, make_teacher, register_teacher


def _make(options: Mapping[str, Any]) -> Teacher:
    return make_teacher("monge", options)


register_teacher("instant", _make, OPTIONS, for_frames=FOR_FRAMES)
