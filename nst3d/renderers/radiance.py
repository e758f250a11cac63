"""The common interface of voxel-field and splat renderers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.operators.base import ViewOperator
from nst3d.tensors import Array, Image, Share

NOTHING = 1e-3
"""Opacity below which a pixel has no depth."""


@dataclass(frozen=True)
class Frame:
    """A rendered image with opacity and depth, for compositing."""

    colour: Array
    """(h, w, 3) float32, premultiplied by the opacity, unclamped."""
    opacity: Array
    """(h, w) float32 in [0, 1]."""
    depth: Array
    """(h, w) float32: depth along the viewing axis (z, not distance).

    It is the depth of the sample (for splats: of the splat's centre) at which the remaining light first falls
    below one half, so that light from behind a surface does not shift it; where that never happens, the mean
    depth; inf where the opacity is below `NOTHING`.
    """

    def over(self, background: Array | float) -> Array:
        """The image (h, w, 3) composited over a background, clamped to [0, 1]."""
        return np.clip(self.colour + (1 - self.opacity[..., None]) * background, 0, 1).astype(np.float32)


class RadianceRenderer(ABC):
    """Compiles and draws views of a frozen scene with colours and harmonics per row (node or splat)."""

    num_colours: int
    notes: tuple[str, ...] = ()
    """Notes for the user."""

    @property
    def made_of(self) -> tuple[Any, ...] | None:
        """Everything that compiled views depend on, besides the camera: numbers, text, arrays, dataclasses of them.

        None: unknown, so that views are not kept from one run to the next.
        """
        return None

    @property
    @abstractmethod
    def positions(self) -> Array:
        """Positions of the rows, (n, 3), world units."""

    @abstractmethod
    def compile(self, camera: Camera) -> ViewOperator:
        """The view as a linear map from the rows' colours (n, 3), without view-dependence."""

    @abstractmethod
    def draw(self, camera: Camera, colours: Array, specular: Share = 0.0) -> Frame:
        """The view with the rows' colours (n, 3), plus `specular`, one number or one per row (n,), times the scene's
        own higher harmonics.

        Faster than compiling if a view is needed only once.
        """

    @abstractmethod
    def specular(self, camera: Camera, view: ViewOperator, share: Share = 1.0) -> Image:
        """The contribution of the scene's own higher harmonics × `share` to a compiled view: (h, w, 3), unclamped.

        It is constant per view: the image is `view.render(colours, …) + specular`. A `share` per row (n,) keeps
        the harmonics of some rows only.
        """
