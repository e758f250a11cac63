"""A voxel radiance field: density and harmonics at the nodes of a sparse grid (Plenoxels, 2022)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.representations.harmonics import to_colours
from nst3d.tensors import Array


@dataclass(frozen=True)
class Space:
    """A grid's placement in the world: u = (x − centre) / radius, then contracted if the scene is unbounded.

    Bounded: the grid covers u in [−1, 1]³. Contracted: it covers [−2, 2]³, where points with a largest
    coordinate m = max|u| > 1 are at (2 − 1/m) u/m (mip-NeRF 360, with the maximum norm so that the whole
    cube is used). With e = 1 or 2, node i along an axis of N nodes is at u = e ((2 i + 1) / N − 1).
    """

    centre: Array
    """(3,), world units."""
    radius: Array
    """(3,), world units; all equal if contracted."""
    contracted: bool = False

    @property
    def extent(self) -> float:
        """Half the grid's side in contracted coordinates."""
        return 2.0 if self.contracted else 1.0

    def to_grid(self, points: Array, shape: tuple[int, int, int]) -> Array:
        """World points (…, 3) as node coordinates: 0 is the first node along an axis, N − 1 the last."""
        u = (points - self.centre) / self.radius
        if self.contracted:
            m = np.maximum(np.abs(u).max(-1, keepdims=True), 1.0)
            u = u * (2 - 1 / m) / m
        return (u / self.extent + 1) * (np.asarray(shape) / 2) - 0.5

    def to_world(self, nodes: Array, shape: tuple[int, int, int]) -> Array:
        """The inverse of `to_grid`."""
        u = ((nodes + 0.5) * (2 / np.asarray(shape)) - 1) * self.extent
        if self.contracted:
            m = np.abs(u).max(-1, keepdims=True)
            u = np.where(m > 1, u / np.maximum(m * (2 - m), 1e-6), u)
        return u * self.radius + self.centre


@dataclass(frozen=True)
class VoxelField:
    """A sparse grid of density and colour, both interpolated trilinearly between its nodes.

    Empty nodes have raw density 0 with ReLU and −10 with softplus; colours are interpolated between existing
    nodes. Optical depth = density × path length in world units (in contracted space: contracted units ×
    radius). Light left at the far end of a contracted space sees the outermost nodes, and in a bounded one
    the background.
    """

    space: Space
    links: Array
    """(X, Y, Z) int32: row of each node, −1 if empty."""
    density: Array
    """(n,) float32, raw; activation is applied after interpolation."""
    harmonics: Array
    """(n, (degree + 1)², 3) float32: colour = 0.5 + Σ basis · coefficient, see `harmonics.basis`."""
    activation: Literal["relu", "softplus"] = "relu"
    density_scale: float = 1.0
    """Density = density_scale × activation(interpolated raw density)."""
    cameras: tuple[Camera, ...] = ()
    """Cameras of the photographs it was reconstructed from; empty if unknown."""
    up: Array = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    """World up, a unit vector (3,)."""
    background: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Background, RGB."""
    near: float = 0.0
    """Depth from a camera at which rays start, world units."""
    capture: str = ""
    """Path of the capture it was reconstructed from, or empty."""
    document: Any = None
    """Data for the format's writer, to write back unchanged whatever is not painted."""
    notes: tuple[str, ...] = ()
    """Notes for the user."""

    def __len__(self) -> int:
        """Number of nodes."""
        return len(self.density)

    @property
    def degree(self) -> int:
        """Degree of the harmonics, 0 to 2."""
        return round(self.harmonics.shape[1] ** 0.5) - 1

    @property
    def colours(self) -> Array:
        """The colours (n, 3) without view-dependence, unclamped."""
        return to_colours(self.harmonics[:, 0])
