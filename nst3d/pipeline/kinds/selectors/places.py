"""Selectors that choose rows by where they are: boxes, balls, half spaces, slabs and ramps."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from nst3d.errors import ConfigError
from nst3d.tensors import Array, Colours

_SLAB = "xyz"
_STRAY = 0.005
"""Share of the rows at either end of an axis that do not count for a ramp's extent: splats that float about."""


class NoExtentError(ConfigError):
    """A scene is flat along an axis."""

    def __init__(self, region: str, axis: str) -> None:
        """`what` says so without the region, for those who did not write it themselves."""
        self.what = f"the scene has no extent along {axis}"
        super().__init__(f"region {region}: {self.what}")


def place_selectors(places: Callable[[], Array]) -> Mapping[str, Callable[[str], Colours]]:
    """box, sphere, plane, axis and ramp for rows at positions (n, 3); rows at NaN are in none of them."""

    def select(region: Callable[[Array, str], Colours]) -> Callable[[str], Colours]:
        return lambda text: region(places(), text)

    kinds = {
        "box": box_region,
        "sphere": sphere_region,
        "plane": plane_region,
        "axis": axis_region,
        "ramp": ramp_region,
    }
    return {name: select(region) for name, region in kinds.items()}


def box_region(places: Array, corners: str) -> Colours:
    """Weights (n, 1): 1 for rows whose positions (n, 3) are in a box, 0 elsewhere.

    `corners` are two opposite corners in the scene file's coordinates, "x,y,z,x,y,z". ConfigError for invalid
    text, or if nothing is inside.
    """
    numbers = _numbers(corners, f"box:{corners}", "two corners, box:x,y,z,x,y,z", 6)
    low, high = np.minimum(numbers[:3], numbers[3:]), np.maximum(numbers[:3], numbers[3:])
    inside = np.asarray(((places >= low) & (places <= high)).all(1))
    return _column(inside, places, f"box:{corners}")


def sphere_region(places: Array, text: str) -> Colours:
    """Weights (n, 1): 1 for rows in the ball "x,y,z,radius", 0 elsewhere. ConfigError like `box_region`."""
    *centre, radius = _numbers(text, f"sphere:{text}", "a centre and a radius, sphere:x,y,z,r", 4)
    if radius <= 0:
        raise ConfigError(f"region sphere:{text}: the radius is {radius:g}; expected a number above 0")
    return _column(np.linalg.norm(places - centre, axis=1) <= radius, places, f"sphere:{text}")


def plane_region(places: Array, text: str) -> Colours:
    """Weights (n, 1): 1 for rows where ax + by + cz ≥ d, "a,b,c,d", 0 elsewhere. ConfigError like `box_region`."""
    numbers = _numbers(text, f"plane:{text}", "plane:a,b,c,d, which chooses ax + by + cz ≥ d", 4)
    if not numbers[:3].any():
        raise ConfigError(f"region plane:{text}: a, b and c are 0; expected a direction")
    return _column(places @ numbers[:3] >= numbers[3], places, f"plane:{text}")


def axis_region(places: Array, text: str) -> Colours:
    """Weights (n, 1): 1 for rows in a share of the scene's extent along an axis, 0 elsewhere.

    `text` is "y:0.2..0.8", from 0 at the least coordinate to 1 at the greatest. ConfigError like `box_region`.
    """
    name, _, span = text.partition(":")
    example = "an axis and two shares of the scene's extent, axis:y:0.2..0.8"
    low, high = bounds_of(span, f"axis:{text}", example)
    if name.strip().lower() not in set(_SLAB):
        raise ConfigError(f"region axis:{text}: expected {example}")
    along = places[:, _SLAB.index(name.strip().lower())]
    least, most = np.nanmin(along), np.nanmax(along)
    share = (along - least) / max(most - least, 1e-30)
    return _column((share >= low) & (share <= high), places, f"axis:{text}")


def ramp_region(places: Array, text: str) -> Colours:
    """Weights (n, 1) that rise smoothly from 0 to 1 along a line; 0 for rows at NaN.

    `text` is "y:0.2..0.8", an axis and two shares of the extent that all but the outermost rows have along it, or
    "x,y,z->x,y,z", the points where it begins and ends. ConfigError for anything else, and for an axis along which the
    scene has no extent.
    """
    example = (
        "an axis and two shares of the scene's extent, ramp:y:0.2..0.8, or two points, ramp:x,y,z->x,y,z"
    )
    if "->" in text:
        first, second = text.split("->", 1)
        start, end = (_numbers(part, f"ramp:{text}", example, 3) for part in (first, second))
        line = end - start
        share, low, high = (places - start) @ line, 0.0, float(line @ line)
    else:
        name, _, span = text.partition(":")
        low, high = bounds_of(span, f"ramp:{text}", example)
        axis = name.strip().lower()
        if axis not in set(_SLAB):
            raise ConfigError(f"region ramp:{text}: expected {example}")
        along = places[:, _SLAB.index(axis)]
        least, most = np.nanquantile(along, [_STRAY, 1 - _STRAY])
        if not most > least:
            raise NoExtentError(f"ramp:{text}", axis)
        share = (along - least) / (most - least)
    if not (high > low and np.isfinite([low, high]).all()):
        raise ConfigError(f"region ramp:{text}: expected {example}")
    way = np.clip((np.nan_to_num(share, nan=low) - low) / (high - low), 0, 1)
    return torch.from_numpy((way * way * (3 - 2 * way)).astype(np.float32))[:, None]


def bounds_of(text: str, region: str, expected: str) -> tuple[float, float]:
    """The two ends of "near..far", of which either may be left out. ConfigError if they are not, or not in order."""
    first, dots, second = text.partition("..")
    low = float(_numbers(first, region, expected, 1)[0]) if first.strip() else -np.inf
    high = float(_numbers(second, region, expected, 1)[0]) if second.strip() else np.inf
    if not dots or (low, high) == (-np.inf, np.inf) or low > high:
        raise ConfigError(f"region {region}: expected {expected}")
    return low, high


def _numbers(text: str, region: str, expected: str, count: int) -> Array:
    try:
        numbers = np.array([float(part) for part in text.split(",")])
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ConfigError(f"region {region}: expected {expected}")
    return numbers


def _column(inside: Array, places: Array, region: str) -> Colours:
    if not inside.any():
        reach = ",".join(f"{v:.4g}" for v in (*np.nanmin(places, 0), *np.nanmax(places, 0)))
        raise ConfigError(f"region {region}: contains nothing of the scene, which spans box:{reach}")
    return torch.from_numpy(inside.astype(np.float32))[:, None]
