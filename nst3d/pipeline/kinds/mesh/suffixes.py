"""The formats that a painted mesh is written in."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path

from nst3d.errors import ConfigError
from nst3d.formats.mesh_files import mesh_formats
from nst3d.formats.registry import Format, format_by_name, format_named, format_of


def written_suffixes(names: Sequence[str], source: Path, paint: AbstractSet[str]) -> list[str]:
    """The suffixes, without dots, of formats by name; without any, GLB and the source's own if it can hold the paint.

    `paint` says what that is: "vertices" or "textures", and "blocks". ConfigError for a format that cannot hold it.
    """
    wanted = [format_by_name(name) for name in names]
    for row in wanted:
        if not row.holds & paint:
            raise ConfigError(_cannot_hold(row))
    return [row.suffix.lstrip(".") for row in wanted or _usual_formats(source, paint)]


def _usual_formats(source: Path, paint: AbstractSet[str]) -> list[Format]:
    """GLB, and the source's output format if that can store the paint; glTF is written as GLB only."""
    usual, of_source = format_by_name("glb"), format_of(source, "mesh")
    own = None if of_source is None else format_named(f"painted{of_source.suffix}", "mesh")
    if own is None and "blocks" in paint:  # source is a folder
        own = format_by_name("vox")
    again = own is not None and own.save not in (None, usual.save) and own.holds & paint
    return [usual, own] if own is not None and again else [usual]


def _cannot_hold(row: Format) -> str:
    """A message why a requested format cannot be written, and the remedy."""
    others = [f.name for f in mesh_formats("textures")]
    if row.holds == {"blocks"}:
        return f"format {row.name} can only store painted voxels: choose {others[0]}"
    if row.holds == {"vertices"}:
        return (
            f"format {row.name} stores vertex colours, but this paint is in textures: choose"
            f" {' or '.join(others)}, or give `surface.paint='vertex'`"
        )
    return f"format {row.name} only stores {', '.join(sorted(row.holds))}, not this paint"
