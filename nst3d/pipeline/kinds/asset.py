"""What an asset holds: its colours, and where they meet."""

from __future__ import annotations

from dataclasses import dataclass

from nst3d.tensors import Array


@dataclass(frozen=True, eq=False)
class Seams:
    """Pairs of points on a surface, the same short way apart: across borders of UV islands, and inside of islands."""

    across: Array
    """(m, 2, 3) colours on both sides of a border, RGB in [0, 1]."""
    places: Array
    """(m, 3) where each pair is, in the coordinates of renders."""
    lengths: Array
    """(m,) how much of a border each pair stands for, in the same units."""
    inside: Array
    """(k, 2, 3) colours of pairs without a border between them, in the faces that have one."""
    inside_places: Array
    """(k, 3)."""
    inside_lengths: Array
    """(k,)."""


@dataclass(frozen=True, eq=False)
class AssetTable:
    """The colours that an asset's file holds, as they are: no picture is resampled."""

    colours: Array
    """(n, 3) float32, RGB; those that nothing shows left out."""
    weights: Array
    """(n,) how much each counts: its area or its opacity."""
    positions: Array | None
    """(n, 3) in the coordinates of renders; None: all are seen, as the pixels of a picture."""
    texels: Array | None = None
    """(n,) the side of each texel on the surface, in the same units; None: `untextured`."""
    seams: Seams | None = None
    """None without textures, or if they are cut at creases only."""
    untextured: str = ""
    """Why there are no texels, as a sentence: "splats have no texture"."""
