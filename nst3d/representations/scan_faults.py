"""Faults of a scan that cleaning removes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.representations.holes import rims_of
from nst3d.representations.rows import unique_rows
from nst3d.tensors import Array

MOST_FACES = 500_000
"""Number of faces above which painting gains nothing, and to which cleaning decimates by default."""
_LISTED = 5


@dataclass(frozen=True)
class ScanFaults:
    """Counts over a whole mesh, with vertices at equal positions merged."""

    faces: int
    duplicate_vertices: int
    """Vertices at the position of an earlier one."""
    degenerate_faces: int
    """Faces with two corners at the same position."""
    duplicate_faces: int
    """Faces with the same three corners as an earlier one, in any winding."""
    non_manifold_edges: int
    """Edges with three or more faces."""
    holes: tuple[tuple[int, float], ...]
    """Number of edges and length, in the mesh's units, of each closed rim, longest first."""
    loose_edges: int
    """Open edges that are not on a closed rim."""

    def work(self) -> str:
        """What cleaning would do, in words; empty if nothing."""
        parts = {
            f"merge {self.duplicate_vertices} duplicate vertices": self.duplicate_vertices,
            f"drop {self.degenerate_faces} degenerate faces": self.degenerate_faces,
            f"drop {self.duplicate_faces} duplicate faces": self.duplicate_faces,
            f"repair {self.non_manifold_edges} non-manifold edges": self.non_manifold_edges,
            f"decimate {self.faces} faces to {MOST_FACES}": self.faces > MOST_FACES,
        }
        return ", ".join(text for text, wanted in parts.items() if wanted)

    def hole_line(self) -> str:
        """The holes in one line."""
        text = "holes: none"
        if self.holes:
            rims = ", ".join(f"{length:.4g} ({edges} edges)" for edges, length in self.holes[:_LISTED])
            more = len(self.holes) - _LISTED
            text = f"holes: {len(self.holes)}, rim lengths {rims}"
            text += f" and {more} more" if more > 0 else ""
        return text + (f"; open edges not on a closed rim: {self.loose_edges}" if self.loose_edges else "")


def scan_faults(vertices: Array, faces: Array) -> ScanFaults:
    """The faults of a mesh: vertices (v, 3), faces (f, 3)."""
    first, group = unique_rows(vertices)
    corners = group[faces]
    flat = (corners == np.roll(corners, 1, axis=1)).any(1)
    solid = corners[~flat]
    kept, _ = unique_rows(np.sort(solid, axis=1)) if len(solid) else (np.zeros(0, int), None)
    solid = solid[kept]
    uses = np.unique(_edges(solid), return_counts=True)[1]
    rims = rims_of(solid)
    places = vertices[first]
    lengths = [float(np.linalg.norm(places[r] - places[np.roll(r, -1)], axis=1).sum()) for r in rims]
    holes = sorted(((len(r), length) for r, length in zip(rims, lengths)), key=lambda h: -h[1])
    return ScanFaults(
        faces=len(faces),
        duplicate_vertices=len(vertices) - len(first),
        degenerate_faces=int(flat.sum()),
        duplicate_faces=len(faces) - int(flat.sum()) - len(kept),
        non_manifold_edges=int((uses > 2).sum()),
        holes=tuple(holes),
        loose_edges=int((uses == 1).sum()) - sum(n for n, _ in holes),
    )


def without_fins(faces: Array) -> Array:
    """The faces (f, 3) without those that share an edge with two or more others and have an open edge."""
    while len(faces):
        _, edge, counts = np.unique(_edges(faces), return_inverse=True, return_counts=True)
        uses = counts[edge.reshape(faces.shape)]
        fins = (uses > 2).any(1) & (uses == 1).any(1)
        if not fins.any():
            break
        faces = faces[~fins]
    return faces


def _edges(faces: Array) -> Array:
    """A key for each edge of each face (f, 3), independent of direction."""
    wide, following = faces.astype(np.int64), faces[:, [1, 2, 0]].astype(np.int64)
    count = int(wide.max(initial=0)) + 1
    return np.minimum(wide, following) * count + np.maximum(wide, following)
