"""What renderers of radiance have in common, be it a voxel field or splats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.operators.base import ViewOperator
from nst3d.tensors import Array, Image

NOTHING = 1e-3
"""Opacity below which a pixel has no depth."""


@dataclass(frozen=True)
class Frame:
    """A picture with what compositing needs."""

    colour: Array
    """(h, w, 3) float32, premultiplied by the opacity, unclamped."""
    opacity: Array
    """(h, w) float32 in [0, 1]."""
    depth: Array
    """(h, w) float32: depth of what is seen along the viewing axis (z, not distance).

    That of the sample (for splats: the centre of the splat) at which the light that is left first falls below
    one half, so that light from behind a surface does not move it; where it never does, the mean of what is
    seen; inf where the opacity is less than `NOTHING`.
    """

    def over(self, background: Array | float) -> Array:
        """The picture (h, w, 3) over a background, clamped to [0, 1]."""
        return np.clip(self.colour + (1 - self.opacity[..., None]) * background, 0, 1).astype(np.float32)


class RadianceRenderer(ABC):
    """Compiles and draws views of a frozen scene whose rows (nodes, splats) have colours and harmonics."""

    num_colours: int
    notes: tuple[str, ...] = ()
    """What the user should know."""

    @property
    @abstractmethod
    def positions(self) -> Array:
        """Where the rows are, (n, 3), world units."""

    @abstractmethod
    def compile(self, camera: Camera) -> ViewOperator:
        """The view as a linear map from the rows' colours (n, 3), without view-dependence."""

    @abstractmethod
    def draw(self, camera: Camera, colours: Array, specular: float = 0.0) -> Frame:
        """The view with the rows' colours (n, 3), plus `specular` times the scene's own higher harmonics.

        Quicker than compiling for a view that is needed once.
        """

    @abstractmethod
    def specular(self, camera: Camera, view: ViewOperator) -> Image:
        """What the scene's own higher harmonics add to a compiled view at strength 1: (h, w, 3), unclamped.

        A constant of the view: with strength s it shows `view.render(colours, …) + s · specular`.
        """
