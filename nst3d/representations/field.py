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
    """How a grid lies in the world: u = (x − centre) / radius, then contracted if the scene is unbounded.

    Bounded: the grid covers u in [−1, 1]³. Contracted: it covers [−2, 2]³, where points with a largest
    coordinate m = max|u| > 1 lie at (2 − 1/m) u/m (mip-NeRF 360, with the maximum norm so that the whole
    cube is used). With e = 1 or 2, node i along an axis of N nodes lies at u = e ((2 i + 1) / N − 1).
    """

    centre: Array
    """(3,), world units."""
    radius: Array
    """(3,), world units; all equal where contracted."""
    contracted: bool = False

    @property
    def extent(self) -> float:
        """Half the grid's side in contracted coordinates."""
        return 2.0 if self.contracted else 1.0

    def to_grid(self, points: Array, shape: tuple[int, int, int]) -> Array:
        """World points (…, 3) as node coordinates: 0 is the first node of an axis, N − 1 the last."""
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

    Empty nodes count with raw density 0 under relu, and −10 under softplus; colours are interpolated between
    the nodes that exist. Optical depth = density × path length in world units (in a contracted space: in
    contracted units × radius). What light is left at the far end of a contracted space sees the outermost
    nodes; elsewhere the background.
    """

    space: Space
    links: Array
    """(X, Y, Z) int32: the row of each node, −1 where it is empty."""
    density: Array
    """(n,) float32, raw: before the activation, which comes after interpolation."""
    harmonics: Array
    """(n, (degree + 1)², 3) float32: colour = 0.5 + Σ basis · coefficient, see `harmonics.basis`."""
    activation: Literal["relu", "softplus"] = "relu"
    density_scale: float = 1.0
    """Density = density_scale × activation(interpolated raw density)."""
    cameras: tuple[Camera, ...] = ()
    """Where the photographs were taken from that it was made of; empty if that is not known."""
    up: Array = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    """World up, a unit vector (3,)."""
    background: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """What lies behind the field, RGB."""
    near: float = 0.0
    """Rays start at this depth from a camera, world units."""
    capture: str = ""
    """Path of the capture that it was made of, or nothing."""
    document: Any = None
    """What the format's own writer needs to give back unchanged all that is not painted."""
    notes: tuple[str, ...] = ()
    """What the user should know."""

    def __len__(self) -> int:
        """How many nodes there are."""
        return len(self.density)

    @property
    def degree(self) -> int:
        """Of the harmonics, 0 to 2."""
        return round(self.harmonics.shape[1] ** 0.5) - 1

    @property
    def colours(self) -> Array:
        """The colours (n, 3) without view-dependence, unclamped."""
        return to_colours(self.harmonics[:, 0])
