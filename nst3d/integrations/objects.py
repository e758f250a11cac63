"""Objects of other packages that are painted in memory: what they are taken as, and how they are given back.

Packages add kinds of objects through the entry-point group `nst3d.objects`: an `ObjectKind`, or a callable that
returns one or several. Nothing is imported before an object of its package is met.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nst3d.errors import ConfigError
from nst3d.formats.meshes.painted_images import slot_pixels
from nst3d.images.levels import to_bytes
from nst3d.pipeline.kinds.subject import Subject
from nst3d.plugins import Registry, rows_of
from nst3d.representations.mesh import Mesh, Part
from nst3d.representations.paint import MeshPaint, TexturePaint
from nst3d.representations.splats import Splats
from nst3d.tensors import Array


@dataclass(frozen=True)
class Painted:
    """A scene in memory, once it is painted."""

    subject: Subject
    """What was painted; a mesh's has its `scene.mesh` and `scene.paint`."""
    colours: Array
    """(n, 3) float32 in [0, 1], sRGB-encoded: the rows of its table."""


@dataclass(frozen=True)
class ObjectKind:
    """A class of objects that can be painted."""

    name: str
    """A unique name, for messages: "trimesh.Trimesh"."""
    package: str
    """The package that defines the class."""
    classes: tuple[str, ...]
    """Names of the class and of others that are taken alike; those of its subclasses follow."""
    scene: str
    """The kind of scene that it is painted as: mesh, points."""
    read: Callable[[Any], Sequence[Mesh | Splats]]
    """The scenes in an object, painted one after the other; one for most."""
    give: Callable[[Any, Sequence[Painted]], Any]
    """A new object of the same class from the old one and its painted scenes."""

    def takes(self, thing: Any) -> bool:
        """Whether this is the kind of an object; imports nothing."""
        return any(
            c.__module__.split(".")[0] == self.package
            and c.__name__ in self.classes
            and ".t." not in c.__module__
            for c in type(thing).__mro__
        )


OBJECTS: Registry[ObjectKind] = Registry(
    "kind of object",
    "nst3d.objects",
    tuple(f"nst3d.integrations.{name}.objects" for name in ("open3d", "pytorch3d", "trimesh")),
    rows_of(ObjectKind),
)


def register_object(row: ObjectKind) -> ObjectKind:
    """Add a kind of object; returns it. Raises ConfigError if its name is taken."""
    return OBJECTS.register(row.name, row)


def kind_of_object(thing: Any) -> ObjectKind:
    """The kind of an object. Raises ConfigError, listing all kinds, if it is of none."""
    rows = OBJECTS.rows()
    for row in rows.values():
        if row.takes(thing):
            return row
    own = type(thing)
    raise ConfigError(
        f"cannot paint an object of {own.__module__}.{own.__qualname__}: expected {', '.join(sorted(rows))};"
        " files are painted by run_job"
    )


@dataclass(frozen=True)
class PaintedPart:
    """The geometry of a painted part, in the part's own coordinates."""

    part: Part
    """Its vertices (v, 3), faces (f, 3) and normals; subdivided under vertex paint."""
    uvs: Array | None
    """(f, 3, 2) corner UVs of `pixels`, origin bottom-left; None: the paint is on vertices."""
    pixels: Array | None
    """(h, w, 3) or (h, w, 4) uint8, top row first."""
    colours: Array | None
    """(v, 3) float32 in [0, 1], sRGB-encoded; None: the paint is in a texture."""
    fresh: bool
    """Whether the UVs are a new atlas."""


def painted_parts(painted: Painted) -> list[PaintedPart]:
    """The parts of a painted mesh, in order. Parts that share an image share its array."""
    scene: Any = painted.subject
    mesh: Mesh = scene.scene.mesh
    paint: MeshPaint = scene.scene.paint
    table = np.clip(painted.colours, 0, 1)
    if not isinstance(paint, TexturePaint):
        return [
            PaintedPart(part, None, None, paint.at_vertices(k, table), False)
            for k, part in enumerate(paint.parts)
        ]
    images = []
    for slot in paint.slots:
        pixels, alpha = slot_pixels(slot, table)
        images.append(
            to_bytes(pixels if alpha is None else np.concatenate([pixels, alpha[..., None]], axis=2))
        )
    return [
        PaintedPart(part, paint.uvs[k], images[paint.slot_of_part[k]], None, paint.fresh[k])
        for k, part in enumerate(mesh.parts)
    ]
