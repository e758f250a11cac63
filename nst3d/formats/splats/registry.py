"""Gaussian-splat files and runs: which format reads or writes what, and what a painted file keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike, write_bytes
from nst3d.formats.nerfstudio.run import NerfstudioRun, is_run, run_method
from nst3d.formats.splats.antimatter import fresh_splat, read_splat, repaint_splat
from nst3d.formats.splats.packed_ply import is_packed, read_packed_ply, repaint_packed_ply
from nst3d.formats.splats.ply import fresh_splat_ply, is_splat_header, read_splat_ply, repaint_splat_ply
from nst3d.formats.splats.ply_tables import read_header, read_tables
from nst3d.formats.splats.points import SUFFIXES as POINT_SUFFIXES
from nst3d.formats.splats.points import PointFile, is_point_cloud, read_points, repaint_points
from nst3d.formats.splats.rows import Loaded, Paint, settled
from nst3d.formats.splats.sog import read_sog, repaint_sog, sog_bytes
from nst3d.formats.splats.sog_parts import META, is_sog_meta, meta_path
from nst3d.formats.splats.splatfacto import RunSplats, read_run_splats, write_run_splats
from nst3d.formats.splats.spz import fresh_spz, read_spz, repaint_spz
from nst3d.representations.harmonics import from_colours
from nst3d.representations.splats import Splats
from nst3d.tensors import Array

PLY, PACKED, SPLAT, SPZ, SOG = ".ply", ".compressed.ply", ".splat", ".spz", ".sog"
RUN = ".ckpt"
"""Stands for a nerfstudio run of splatfacto."""
_KSPLAT = ".ksplat"
READABLE = f"{PLY}, {PACKED}, {SPLAT}, {SPZ}, {SOG}, a folder with SOG's {META} or a splatfacto run"
"""For messages."""

_READERS: dict[str, Callable[[Path], Loaded]] = {SPLAT: read_splat, SPZ: read_spz, SOG: read_sog}
_REPAINTERS: dict[str, Callable[[Any, Paint], bytes]] = {
    PLY: lambda file, paint: (
        repaint_points(file, paint) if isinstance(file, PointFile) else repaint_splat_ply(file, paint)
    ),
    PACKED: repaint_packed_ply,
    SPLAT: repaint_splat,
    SPZ: repaint_spz,
    SOG: lambda files, paint: sog_bytes(repaint_sog(files, paint)),
}
_FRESH: dict[str, Callable[[Splats], bytes]] = {PLY: fresh_splat_ply, SPLAT: fresh_splat, SPZ: fresh_spz}


@dataclass(frozen=True)
class SplatFile:
    """What `Splats.document` is for splats that came from a file."""

    suffix: str
    """Of the format: `save_splats` to a name that ends so keeps all that is not painted."""
    content: Any
    """The format's own."""
    broken: Array
    """(n,) bool: the splats that cannot be drawn, and are written back as they are."""


def is_splats(path: PathLike) -> bool:
    """Whether a file or folder is, or is named like, Gaussian splats or a point cloud; PLY headers are looked into."""
    path = Path(path)
    if (meta := meta_path(path)) is not None:
        return is_sog_meta(meta)
    if is_run(path):
        return run_method(path) == "splatfacto"
    suffix = path.suffix.lower()
    if suffix == PLY:
        return is_splat_header(read_header(path)) or is_point_cloud(path)
    return not path.is_dir() and suffix in (*_READERS, _KSPLAT, *POINT_SUFFIXES)


def load_splats(path: PathLike) -> Splats:
    """The splats in a .ply (also PlayCanvas' compressed), .splat, .spz or .sog file, an unpacked SOG folder,
    or a nerfstudio run of splatfacto (its folder, config.yml or checkpoint).

    Axes are those of PLY (right, down, forward), which .spz is turned to; up is taken to be −y, in runs z. A splat with
    values that are not finite stays in the table with opacity 0. Raises InputError for a file that is
    missing, of another kind, broken, cut short or empty.
    """
    path = Path(path)
    suffix, loaded = _read(path)
    rows, broken, notes = settled(loaded.rows, path)
    document = SplatFile(suffix, loaded.content, broken)
    return Splats(
        **vars(rows),
        up=np.array(loaded.up),
        source=path,
        document=document,
        notes=(*loaded.notes, *notes),
        antialiased=loaded.antialiased,
    )


def save_splats(path: PathLike, splats: Splats, colours: Array, specular: float = 0.0) -> list[Path]:
    """Write splats with new colours (n, 3), sRGB-encoded and unclamped, in the format of the path's ending.

    Higher harmonics are multiplied by `specular`: 0 leaves colours that do not depend on the view. In the
    format that they were read from, all else is written back bit for bit, and so are the colours of rows
    that are equal to `splats.colours`. Any splats can be written as .ply, .splat and .spz (.splat is
    8 bits and has no harmonics, .spz quantises all); .compressed.ply and SOG only come from their own
    kind. A path named meta.json gets SOG's parts beside it; one that ends in .ckpt stands for a nerfstudio run
    somewhere below its folder, one without ending for a run below itself, with painted.ply of the same splats
    on top. Raises ConfigError for other endings, OutputError if a file cannot be written. Returns the paths.
    """
    path = Path(path)
    kept = splats.document if isinstance(splats.document, SplatFile) else None
    suffix = RUN if kept and kept.suffix == RUN and not path.suffix else _suffix(path)
    colours = np.asarray(colours, np.float32)
    if kept is not None and suffix == kept.suffix:
        changed = (colours != splats.colours).any(1) & ~kept.broken
        paint = Paint(colours, changed, kept.broken, specular)
        if suffix == RUN:
            folder = path.parent if path.suffix else path
            paths = write_run_splats(folder, kept.content, paint)
            return [*paths, *save_splats(folder / f"painted{PLY}", splats, colours, specular)]
        if path.name == META:
            return _write_parts(path, repaint_sog(kept.content, paint).members)
        write_bytes(path, _REPAINTERS[suffix](kept.content, paint))
    elif suffix in _FRESH:
        write_bytes(path, _FRESH[suffix](painted(splats, colours, specular)))
    else:
        raise ConfigError(f"{path}: {suffix} is only written from {suffix}; use {', '.join(_FRESH)}")
    return [path]


def painted(splats: Splats, colours: Array, specular: float = 0.0) -> Splats:
    """The splats with other colours (n, 3) and their higher harmonics × `specular`, left out where that is 0."""
    higher = splats.harmonics[:, 1:] * np.float32(specular) if specular else splats.harmonics[:, :0]
    constant = from_colours(np.asarray(colours, np.float32))[:, None]
    return replace(splats, harmonics=np.concatenate([constant, higher], axis=1).astype(np.float32))


def run_of(splats: Splats) -> NerfstudioRun | None:
    """The nerfstudio run that splats came from, if it was one."""
    content = splats.document.content if isinstance(splats.document, SplatFile) else None
    return content.run if isinstance(content, RunSplats) else None


def suffix_of(splats: Splats) -> str:
    """The ending of a file name with which `save_splats` keeps all that is not painted."""
    return splats.document.suffix if isinstance(splats.document, SplatFile) else PLY


def _read(path: Path) -> tuple[str, Loaded]:
    suffix = path.suffix.lower()
    if meta_path(path) is None and is_run(path):
        return RUN, read_run_splats(path)
    if path.is_dir() and meta_path(path) is None:
        raise InputError(f"{path}: is a folder without SOG's {META}; expected {READABLE}")
    if meta_path(path) is not None:
        return SOG, read_sog(path)
    if is_point_cloud(path):
        return PLY, read_points(path)
    if suffix == PLY:
        tables = read_tables(path)
        return (
            (PACKED, read_packed_ply(path, tables))
            if is_packed(tables)
            else (PLY, read_splat_ply(path, tables))
        )
    if suffix == _KSPLAT:
        raise InputError(
            f"{path}: .ksplat is not read; convert it:"
            f" npx @playcanvas/splat-transform {path.name} {path.stem}.ply"
        )
    if suffix not in _READERS:
        raise InputError(f"{path}: is no splat file that can be read; readable are {READABLE}")
    return suffix, _READERS[suffix](path)


def _suffix(path: Path) -> str:
    name = path.name.lower()
    if name == META:
        return SOG
    for suffix in (PACKED, *_FRESH, SOG, RUN):
        if name.endswith(suffix):
            return suffix
    raise ConfigError(f"{path}: splats are written as {', '.join((*_FRESH, PACKED, SOG))} or {META}")


def _write_parts(meta: Path, members: dict[str, bytes]) -> list[Path]:
    """The parts beside meta.json, and it last: without it the folder is no scene."""
    paths = [meta.parent / name for name in members if name not in (META, "..") and name == Path(name).name]
    for part in paths:
        write_bytes(part, members[part.name])
    write_bytes(meta, members[META])
    return [*paths, meta]
