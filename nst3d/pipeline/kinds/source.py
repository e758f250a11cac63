"""A radiance scene out of a file, with what making a mesh of it needs."""

from __future__ import annotations

from dataclasses import dataclass

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.radiance import RadianceRenderer
from nst3d.representations.field import Space
from nst3d.tensors import Array


@dataclass(frozen=True)
class RadianceSource:
    """A scene that is ready to be drawn."""

    renderer: RadianceRenderer
    colours: Array
    """(n, 3), the rows' own."""
    cameras: tuple[Camera, ...]
    """Where it was photographed from; empty if that is not known."""
    space: Space
    cell: float | None
    """The side of a cell of its grid, contracted coordinates; None: it has no grid."""
    up: Array
    notes: tuple[str, ...]
