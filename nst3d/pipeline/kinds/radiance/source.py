"""A radiance scene from a file, prepared for meshing."""

from __future__ import annotations

import numpy as np

from nst3d.cameras.rigs import standing
from nst3d.formats.fields.registry import load_field
from nst3d.formats.splats.registry import load_splats
from nst3d.pipeline.kinds.kind import Opened
from nst3d.pipeline.kinds.radiance.hull import robust_hull
from nst3d.pipeline.kinds.source import RadianceSource
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.renderers import radiance_renderer
from nst3d.representations.field import Space
from nst3d.representations.splats import Splats

_ROOM = 1.05
"""Margin factor of a box around its content."""


def field_source(opened: Opened) -> RadianceSource:
    """A voxel field. Raises InputError."""
    field = load_field(opened.peek)
    cell = 2 * field.space.extent / max(field.links.shape)
    return RadianceSource(
        radiance_renderer(field), field.colours, field.cameras, field.space, cell, field.up, field.notes
    )


def splat_source(opened: Opened) -> RadianceSource:
    """Splats, or points as splats. Raises InputError."""
    splats = load_splats(opened.peek)
    space = _splat_space(splats)
    renderer = radiance_renderer(splats, resolve_device("auto"))
    notes = (*splats.notes, *renderer.notes)
    return RadianceSource(renderer, splats.colours, (), space, None, splats.up, notes)


def _splat_space(splats: Splats) -> Space:
    """A box around the splats without floaters."""
    hull = robust_hull(splats.positions.astype(float), splats.opacities.astype(float), standing(splats.up))
    low, high = hull.min(0), hull.max(0)
    return Space((low + high) / 2, np.maximum((high - low) / 2 * _ROOM, 1e-6))
