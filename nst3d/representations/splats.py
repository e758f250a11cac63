"""Gaussian splats: frozen ellipsoids with colours (Kerbl et al. 2023, "3D Gaussian Splatting")."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import ConfigError
from nst3d.representations.harmonics import from_colours, to_colours
from nst3d.representations.tables import table_of
from nst3d.tensors import Array

_SOLID = 0.95
"""Opacity of balls in their middle."""


@dataclass(frozen=True)
class Splats:
    """Splats in world space, activated, in the same form for all file formats."""

    positions: Array
    """(n, 3) float32."""
    scales: Array
    """(n, 3) float32: standard deviations along the ellipsoid's axes, world units, positive."""
    rotations: Array
    """(n, 4) float32: unit quaternions w, x, y, z from the ellipsoid's axes to the world's."""
    opacities: Array
    """(n,) float32 in [0, 1]."""
    harmonics: Array
    """(n, (degree + 1)², 3) float32: coefficients of the colour; colour = 0.5 + Σ basis · coefficient."""
    up: Array = field(default_factory=lambda: np.array([0.0, -1.0, 0.0]))
    """World up, a unit vector (3,). Most trained scenes come from COLMAP, where y points down."""
    source: Path | None = None
    """File that was read."""
    document: Any = None
    """Data for the format's writer, to write back unchanged whatever is not painted."""
    notes: tuple[str, ...] = ()
    """Notes for the user."""
    antialiased: bool = False
    """Whether they were trained to be dimmed by as much as a renderer's blur enlarges them."""

    @classmethod
    def balls(
        cls,
        positions: Array,
        radii: Array | float,
        colours: Array,
        up: tuple[float, float, float] = (0, 0, 1),
    ) -> Splats:
        """Round, nearly opaque splats at positions (n, 3) with radii (n,), two standard deviations each.

        `colours` (n, 3) are sRGB-encoded; `up` is the world's, a unit vector. ConfigError for other shapes, and for
        numbers that are not finite.
        """
        places = table_of(positions, "positions", 3)
        count = len(places)
        if np.ndim(radii) == 0:
            radii = np.full(count, radii)
        sigma = table_of(np.reshape(radii, (-1, 1)), "radii", 1, rows=count)[:, 0].astype(np.float32) / 2
        shades = table_of(colours, "colours", 3, rows=count).astype(np.float32)
        if not (sigma > 0).all():
            raise ConfigError("radii: expected numbers above 0")
        return cls(
            positions=places.astype(np.float32),
            scales=np.repeat(sigma[:, None], 3, axis=1),
            rotations=np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1)),
            opacities=np.full(count, _SOLID, np.float32),
            harmonics=from_colours(shades)[:, None].astype(np.float32),
            up=np.array(up, float),
        )

    def __len__(self) -> int:
        """Number of splats."""
        return len(self.positions)

    @property
    def degree(self) -> int:
        """Degree of the harmonics, 0 to 3."""
        return round(self.harmonics.shape[1] ** 0.5) - 1

    @property
    def colours(self) -> Array:
        """The colours (n, 3) without view-dependence, unclamped."""
        return to_colours(self.harmonics[:, 0])
