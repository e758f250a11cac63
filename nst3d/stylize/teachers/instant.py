"""The best teacher for instant painting whose weights are on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nst3d.errors import MissingDependencyError
from nst3d.stylize.teachers.monge import FOR_FRAMES
from nst3d.stylize.teachers.registry import TEACHERS, Teacher, make_teacher, register_teacher
from nst3d.weights.find import find_weights

_CHOICES = ("monge", "microast", "magenta")
"""From the best to the one that needs least."""


def _make(options: Mapping[str, Any]) -> Teacher:
    missing: list[str] = []
    for name in _CHOICES:
        if name not in TEACHERS:
            continue
        own = {key: value for key, value in options.items() if key in TEACHERS.get(name).options}
        try:
            return make_teacher(name, own)
        except MissingDependencyError as error:
            missing.append(f"{name}: {error}")
    raise MissingDependencyError(
        f"instant painting needs the weights of one network: {'; or '.join(missing)}"
    )


def _notes(options: Mapping[str, Any], size: int, styles: Sequence[str]) -> list[str]:
    """A note if another network than the best one paints."""
    if find_weights("wct-16x") is not None:
        return []
    return [
        "the weights wct-16x are not on this machine, so another network paints, with weaker strokes;"
        " get them with `nst3d weights fetch wct-16x`"
    ]


register_teacher("instant", _make, {"strength": 1.0, "strokes": 0.5}, _notes, FOR_FRAMES)
