"""Settings for a mesh's paint, its up axis, and the cameras that view it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from nst3d.bounds import Within
from nst3d.renderers.outside import SidesChoice
from nst3d.representations.unwrap import AtlasChoice

InsideChoice = Literal["auto", "always", "never"]
PaintMode = Literal["auto", "texture", "vertex"]


@dataclass(frozen=True)
class SurfaceOptions:
    """Target and resolution of a mesh's paint."""

    paint: PaintMode = "auto"
    """Target of the paint; auto: vertices if vertex colours are all that the asset has, or if it is a dense mesh
    without usable UVs and not glTF; otherwise textures. glTF keeps its document either way."""
    atlas: AtlasChoice = "auto"
    """UV atlas; keep: the asset's own UVs even if they overlap; new: always a new atlas."""
    texture_size: Annotated[int, Within(8, 16384)] | None = None
    """Long side of painted textures, in pixels; None: chosen from surface area and view size."""
    texels_per_pixel: Annotated[float, Within(0.05, 16)] = 1.2
    """Resolution of the paint: texels (or vertices) per pixel side of the finest view."""
    max_vertices: Annotated[int, Within(0)] | None = None
    """Approximate limit on the vertex count when a mesh is subdivided for vertex paint; None: 1,000,000, and the
    faces of glTF stay as they are."""
    sides: SidesChoice = "auto"
    """Sides of faces that views show; auto: only the front of those that a glTF says are single-sided, unless most are
    turned inside out; both: front and back of all."""


@dataclass(frozen=True)
class RigOptions:
    """The cameras that view a mesh during painting."""

    views: Annotated[int, Within(1, 1000)] = 20
    """Directions spread evenly around the mesh, before cameras are added to see what they miss."""
    max_views: Annotated[int, Within(1, 1000)] = 40
    """Maximum number of cameras outside."""
    max_inside: Annotated[int, Within(1, 1000)] = 320
    """Maximum number of cameras inside: about eight a room are needed, twelve if it is crowded."""
    coverage: Annotated[float, Within(0, 1)] = 0.98
    """Fraction of the visible surface at which no more cameras are added."""
    inside: InsideChoice = "auto"
    """Cameras inside the mesh; auto: if much of it is not seen from outside, and there is room that is not within a
    solid body; always: also within bodies."""
    field_of_view: Annotated[float, Within(1, 150)] = 40.0
    """Field of view of each camera outside, degrees."""
    crop: bool = True
    """Fill each view with the mesh: all views share one scale, as large as the largest view allows, and are cropped
    to the mesh, which gives more pixels on the mesh for the same work."""
