"""The best teacher for instant painting whose weights are on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nst3d.errors import MissingDependencyError
from nst3d.stylize.teachers.registry import TEACHERS, Teacher, make_teacher, register_teacher

_CHOICES = ("monge", "magenta")
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


register_teacher("instant", _make, {"strength": 1.0})
