"""The convex set of colours that can be mixed from a palette."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from nst3d.tensors import Colours

PADDING = 0.03
"""How far a gamut reaches beyond its palette, in units of RGB."""
_SIDES = 200
"""Number of half-spaces beside those of the cube. Between two of their normals lie 14 degrees at most, so that a corner
of the true hull is cut off by less than 0.01."""
_ROUNDS = 100
_LEAST = 1e-4
"""Distance to the gamut below which a colour is inside: a fortieth of a level of 8 bits."""
_VISIBLE = 1e-3
"""Distance to a gamut at which a colour is reported as outside: a quarter of a level of 8 bits."""
_HALF = 0.5 / 255
_ROWS = 1 << 16
"""Number of rows whose distances to all sides are in memory at once."""


@dataclass(frozen=True, eq=False)
class Gamut:
    """Colours c with normals · c <= reach: the convex hull of a palette, padded, within the cube [0, 1]³.

    The hull is approximated from outside by half-spaces in fixed directions. As it is convex, views of a table whose
    rows are inside, which are means of rows, are inside, too.
    """

    normals: torch.Tensor
    """(k, 3) float64, unit vectors."""
    reach: torch.Tensor
    """(k,) float64."""

    @staticmethod
    def of(palette: Colours, padding: float = PADDING) -> Gamut:
        """The gamut of colours (n, 3) in [0, 1], at least one."""
        rows = palette.detach().reshape(-1, 3).cpu()
        axes = torch.eye(3, dtype=torch.float64)
        normals = torch.cat([axes, -axes, _directions(_SIDES)])
        reach = torch.stack([(part.double() @ normals.T).amax(0) for part in rows.split(_ROWS)]).amax(0)
        reach = reach + padding
        reach[:6] = torch.minimum(reach[:6], torch.tensor([1.0, 1, 1, 0, 0, 0], dtype=torch.float64))
        return Gamut(normals, reach)

    def excess(self, colours: Colours) -> torch.Tensor:
        """How far each colour (n, 3) is outside, (n,), in units of RGB and at least 0."""
        return _by_parts(lambda part: self._worst(part)[0].clamp_min(0), colours)

    def nearest(self, colours: Colours) -> Colours:
        """The colours (n, 3), those outside moved to about the nearest colour inside; the others keep their bits.

        Projects on the half-space that is violated most, again and again.
        """
        outside = self.excess(colours) > 0
        moved = colours.clone()
        if bool(outside.any()):
            moved[outside] = _by_parts(self._projected, colours[outside])
        return moved

    def _worst(self, colours: Colours) -> tuple[torch.Tensor, torch.Tensor]:
        normals, reach = self.normals.to(colours), self.reach.to(colours)
        beyond, side = (colours @ normals.T - reach).max(1)
        return beyond, normals[side]

    def _projected(self, colours: Colours) -> Colours:
        found = colours.double()
        for _ in range(_ROUNDS):
            beyond, normal = self._worst(found)
            wrong = beyond >= _LEAST
            if not bool(wrong.any()):
                break
            found = found - torch.where(wrong, beyond, 0)[:, None] * normal
        return found.clamp(0, 1).to(colours)


def gamut_shares(
    colours: Colours, weights: torch.Tensor, palette: Colours, padding: float = PADDING
) -> dict[str, float]:
    """Shares of colours (n, 3) of `weights` (n,) that a palette (m, 3) does not account for.

    outside: those outside its gamut. clipped: how much more of them than of the palette have a channel at 0 or 1, to
    within half a level of 8 bits. ValueError unless there is a weight above 0.
    """
    share = weights.detach().cpu().double() / weights.detach().cpu().double().sum()
    if not bool(share.isfinite().all()):
        raise ValueError("shares of colours need at least one with a weight above 0")
    rows = colours.detach().cpu()
    outside = Gamut.of(palette, padding).excess(rows) > _VISIBLE
    clipped = float((share * _clipped(rows)).sum()) - float(_clipped(palette).double().mean())
    return {"clipped": max(0.0, clipped), "outside": float((share * outside).sum())}


def _clipped(colours: Colours) -> torch.Tensor:
    return ((colours <= _HALF) | (colours >= 1 - _HALF)).any(1)


def _directions(count: int) -> torch.Tensor:
    """Unit vectors (count, 3), spread evenly: points of a spiral from pole to pole, a golden angle apart."""
    index = torch.arange(count, dtype=torch.float64) + 0.5
    z, turn = 1 - 2 * index / count, index * (math.pi * (3 - math.sqrt(5)))
    radius = (1 - z * z).sqrt()
    return torch.stack([radius * turn.cos(), radius * turn.sin(), z], dim=1)


def _by_parts(function: Callable[[Colours], torch.Tensor], colours: Colours) -> torch.Tensor:
    return torch.cat([function(part) for part in colours.split(_ROWS)])
