"""What a scan needs to be cleaned of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nst3d.representations.holes import rims_of
from nst3d.representations.rows import unique_rows
from nst3d.tensors import Array

MOST_FACES = 500_000
"""Above this, painting gains nothing by more faces, and cleaning decimates unless told otherwise."""
_LISTED = 5


@dataclass(frozen=True)
class ScanFaults:
    """Counts over a whole mesh, its vertices at equal places taken as one."""

    faces: int
    duplicate_vertices: int
    """Vertices at the place of an earlier one."""
    degenerate_faces: int
    """Faces with two corners at one place."""
    duplicate_faces: int
    """Faces on the same three places as an earlier one, however wound."""
    non_manifold_edges: int
    """Edges of three faces or more."""
    holes: tuple[tuple[int, float], ...]
    """Of each closed rim, longest first: edges, and length in the mesh's units."""
    loose_edges: int
    """Open edges that are on no closed rim."""

    def work(self) -> str:
        """What cleaning would do, in words; nothing where there is nothing to do."""
        parts = {
            f"merge {self.duplicate_vertices} vertices at the places of others": self.duplicate_vertices,
            f"drop {self.degenerate_faces} degenerate faces": self.degenerate_faces,
            f"drop {self.duplicate_faces} duplicate faces": self.duplicate_faces,
            f"undo {self.non_manifold_edges} non-manifold edges": self.non_manifold_edges,
            f"decimate {self.faces} faces to {MOST_FACES}": self.faces > MOST_FACES,
        }
        return ", ".join(text for text, wanted in parts.items() if wanted)

    def hole_line(self) -> str:
        """The holes in one line."""
        text = "holes: none"
        if self.holes:
            rims = ", ".join(f"{length:.4g} ({edges} edges)" for edges, length in self.holes[:_LISTED])
            more = len(self.holes) - _LISTED
            text = f"holes: {len(self.holes)}, their rims' lengths {rims}"
            text += f" and {more} more" if more > 0 else ""
        return text + (f"; open edges on no closed rim: {self.loose_edges}" if self.loose_edges else "")


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
    """The faces (f, 3) but those that stand on an edge of three or more and have an open edge themselves."""
    while len(faces):
        _, edge, counts = np.unique(_edges(faces), return_inverse=True, return_counts=True)
        uses = counts[edge.reshape(faces.shape)]
        fins = (uses > 2).any(1) & (uses == 1).any(1)
        if not fins.any():
            break
        faces = faces[~fins]
    return faces


def _edges(faces: Array) -> Array:
    """A number for each edge of each face (f, 3), the same for both directions."""
    wide, following = faces.astype(np.int64), faces[:, [1, 2, 0]].astype(np.int64)
    count = int(wide.max(initial=0)) + 1
    return np.minimum(wide, following) * count + np.maximum(wide, following)
