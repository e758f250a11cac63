"""Styles that change gradually across a scene, in bands."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError

Mix = Mapping[str, float]
"""Styles by name, with their weights."""
_AXIS = re.compile(r"(-?)([xyz])")
_ARROW = "->"
_SOFT = 0.5
"""Width of the borders between bands, relative to a band."""


@dataclass(frozen=True)
class Gradient:
    """From one mix of styles to another, along an axis or from a point to another."""

    start: Mix
    """Where it starts; in a file, `from`."""
    to: Mix
    """Where it ends."""
    along: str = "y"
    """An axis of the scene's file, x, y or z, or -x, -y or -z for the other way; in pictures x runs to the right and y
    down. Or two points, "x,y,z -> x,y,z"."""
    steps: Annotated[int, Within(2, 16)] = 5
    """Number of bands."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a direction that is none, numbers outside of their bounds, and mixes of nothing."""
        check_bounds(self, "")
        for name, mix in (("from", self.start), ("to", self.to)):
            for style, weight in mix.items():
                Within(0).check(f"{name} {style!r}", weight)
            if not any(mix.values()):
                raise ConfigError(f"{name} has no style with a weight above 0: give a style")
        if _AXIS.fullmatch(self.along) is None:
            _points(self.along)

    def mixes(self) -> list[dict[str, float]]:
        """The mix of each band: the first is `start`, the last `to`; weights add up to 1, and none is 0."""
        first, last = _shares(self.start), _shares(self.to)
        found = []
        for band in range(self.steps):
            way = band / (self.steps - 1)
            both = {
                name: (1 - way) * first.get(name, 0) + way * last.get(name, 0) for name in {**first, **last}
            }
            found.append({name: weight for name, weight in both.items() if weight > 0})
        return found

    def borders(self) -> list[str]:
        """For each band but the last the region up to its end, which is soft over half of a band."""
        ends = [
            ((band + 1 - _SOFT / 2) / self.steps, (band + 1 + _SOFT / 2) / self.steps)
            for band in range(self.steps - 1)
        ]
        axis = _AXIS.fullmatch(self.along)
        if axis is None:
            start, to = _points(self.along)
            return [
                f"not ramp:{_between(start, to, low)}{_ARROW}{_between(start, to, high)}"
                for low, high in ends
            ]
        if axis[1]:
            return [f"ramp:{axis[2]}:{1 - high:.6g}..{1 - low:.6g}" for low, high in ends]
        return [f"not ramp:{axis[2]}:{low:.6g}..{high:.6g}" for low, high in ends]

    def plain(self) -> dict[str, Any]:
        """The gradient as a file has it."""
        return {"from": dict(self.start), "to": dict(self.to), "along": self.along, "steps": self.steps}


def _shares(mix: Mix) -> dict[str, float]:
    total = sum(mix.values())
    return {name: weight / total for name, weight in mix.items()}


def _points(text: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The two points of "x,y,z -> x,y,z"."""
    try:
        start, to = (tuple(float(v) for v in part.split(",")) for part in text.split(_ARROW))
    except ValueError:
        start = to = ()
    if len(start) != 3 or len(to) != 3 or start == to or not all(map(math.isfinite, (*start, *to))):
        raise ConfigError(
            f"along is {text!r}: expected x, y, z, -x, -y, -z, or two different points, 'x,y,z -> x,y,z'"
        )
    return start, to


def _between(start: tuple[float, ...], to: tuple[float, ...], share: float) -> str:
    return ",".join(f"{a + share * (b - a):.9g}" for a, b in zip(start, to))
