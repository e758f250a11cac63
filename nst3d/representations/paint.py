"""Paint layout: the mapping from rows of the colour table to an asset's texels or vertices."""

from __future__ import annotations

from dataclasses import dataclass

from nst3d.representations.mesh import Part, Wrap
from nst3d.tensors import Array, ImageSize


@dataclass(frozen=True)
class TextureSlot:
    """One painted image: rows offset … offset + height * width of the table, top row first."""

    name: str
    size: ImageSize
    offset: int
    wrap: tuple[Wrap, Wrap]
    materials: tuple[int, ...]
    """Materials (indices into `Mesh.materials`) that read this image."""
    texture: int | None
    """Texture of the mesh that it replaces; None: the materials had none, or it is a new atlas."""
    alpha: Array | None = None
    """(h, w) opacity to write with the colours, float32 or levels (uint8); or None."""
    clear: bool = False
    """Whether a material shows that opacity: it then keeps a resolution that exceeds `size`."""


@dataclass(frozen=True)
class TexturePaint:
    """Paint in textures: each part reads one slot through corner UVs."""

    slots: tuple[TextureSlot, ...]
    slot_of_part: tuple[int, ...]
    uvs: tuple[Array, ...]
    """For each part (f, 3, 2) float64 corner UVs of `Part.faces`, origin bottom-left."""
    fresh: tuple[bool, ...]
    """For each part whether its UVs are a new atlas, to be written in addition to the file's own set."""
    kept_materials: frozenset[int] = frozenset()
    """Materials without any paint: a writer that keeps the file's document leaves them and their images alone."""
    slivers: int = 0
    """Faces of the new atlas that are too small or thin to be unwrapped, and have one flat colour each."""

    @property
    def num_colours(self) -> int:
        """Rows of the colour table."""
        return sum(s.size.height * s.size.width for s in self.slots)


@dataclass(frozen=True)
class VertexPaint:
    """Paint on vertices or voxels; `parts` are the mesh's parts in order, subdivided."""

    parts: tuple[Part, ...]
    offsets: tuple[int, ...]
    """First table row of each part; vertex i of a part reads row offset + `Part.paint_rows`[i]."""
    kept_materials: frozenset[int] = frozenset()
    """Like `TexturePaint.kept_materials`."""

    @property
    def num_colours(self) -> int:
        """Rows of the colour table."""
        return sum(p.num_paint_rows for p in self.parts)

    def at_vertices(self, index: int, colours: Array) -> Array:
        """The colours (v, 3) of a part's vertices from a table (n, 3)."""
        return colours[self.offsets[index] + self.parts[index].paint_rows]


MeshPaint = TexturePaint | VertexPaint
