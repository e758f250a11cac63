"""Inspects a voxel field: its resolution, extent, and photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nst3d.formats.fields.registry import load_field
from nst3d.pipeline.runtime.findings import Report, point_text
from nst3d.representations.field import VoxelField


def inspect_field(path: Path) -> Report:
    """A report on a voxel field. Raises InputError for a file that cannot be read."""
    field = load_field(path)
    facts = {"file": str(path), "kind": "field"} | field_facts(field)
    box = "a contracted, unbounded space around the box" if field.space.contracted else "the box"
    contents = (
        "kind: voxel field",
        f"nodes: {facts['nodes']}, {facts['filled']:.1%} of a grid of {'x'.join(map(str, facts['grid']))}",
        f"harmonics: degree {facts['degree']}" + ("" if facts["degree"] else " (view-independent colours)"),
        f"space: {box} at {point_text(facts['centre'])}, from its centre {point_text(facts['radius'])}",
        f"cameras: {facts['cameras'] or 'not known'}"
        + (f", of the capture {field.capture}" if field.capture else ""),
    )
    return Report(contents, field.notes, facts | {"problems": list(field.notes)})


def field_facts(field: VoxelField) -> dict[str, Any]:
    """Numbers about a field."""
    return {
        "nodes": len(field),
        "grid": list(field.links.shape),
        "filled": len(field) / field.links.size,
        "degree": field.degree,
        "contracted": field.space.contracted,
        "centre": [float(v) for v in field.space.centre],
        "radius": [float(v) for v in field.space.radius],
        "up": [float(v) for v in field.up],
        "cameras": len(field.cameras),
        "capture": field.capture,
    }
