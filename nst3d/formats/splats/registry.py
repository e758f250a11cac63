"""Gaussian-splat files and runs: finding the format, and keeping unpainted data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike, write_bytes
from nst3d.formats.io.foreign import careful
from nst3d.formats.io.peek import Peek
from nst3d.formats.nerfstudio.run import NerfstudioRun, is_run
from nst3d.formats.registry import (
    Format,
    format_by_name,
    format_named,
    format_of,
    formats_of,
    suffixes_of,
    written_suffixes,
)
from nst3d.formats.splats.rows import Paint, settled
from nst3d.formats.splats.sog import repaint_sog
from nst3d.formats.splats.sog_parts import META, meta_path
from nst3d.formats.splats.splatfacto import RunSplats, write_run_splats
from nst3d.limits import one_asset
from nst3d.representations.harmonics import faded, from_colours
from nst3d.representations.splats import Splats
from nst3d.tensors import Array, Share

_SORTS = ("splats", "points")
_RUN = "splatfacto"


@dataclass(frozen=True)
class SplatFile:
    """The `Splats.document` of splats read from a file."""

    format: Format
    """`save_splats` to a name of this format keeps everything unpainted."""
    content: Any
    """The format's own data."""
    broken: Array
    """(n,) bool: the splats that cannot be drawn, and are written back unchanged."""


def readable() -> str:
    """The sources that splats can be read from, for messages."""
    files = ", ".join(suffixes_of("splats"))
    return f"{files}, a folder with SOG's {META} or a splatfacto run"


def is_splats(place: PathLike | Peek) -> bool:
    """Whether a file or folder is Gaussian splats or a point cloud, by its suffix or PLY header."""
    return format_of(place, *_SORTS) is not None


@one_asset()
def load_splats(place: PathLike | Peek) -> Splats:
    """The splats in a .ply (also PlayCanvas' compressed), .splat, .spz or .sog file, an unpacked SOG folder,
    or a nerfstudio run of splatfacto (its folder, config.yml or checkpoint).

    Axes are those of PLY (right, down, forward), to which .spz is converted; up is assumed to be −y, or z in
    runs. A splat with values that are not finite stays in the table with opacity 0. Raises InputError for a
    file that is missing, of another kind, broken, truncated or empty.
    """
    peek = Peek.at(place)
    if isinstance(peek.content, Splats):
        return peek.content
    row = _format(peek)
    if row.load is None:
        raise InputError(f"{peek.path}: {row.hint.format(name=peek.path.name, stem=peek.path.stem)}")
    loaded = careful(row.load, row.words)(peek.path)
    rows, broken, notes = settled(loaded.rows, peek.path)
    document = SplatFile(row, loaded.content, broken)
    return Splats(
        **vars(rows),
        up=np.array(loaded.up),
        source=peek.path,
        document=document,
        notes=(*loaded.notes, *notes),
        antialiased=loaded.antialiased,
    )


def save_splats(path: PathLike, splats: Splats, colours: Array, specular: Share = 0.0) -> list[Path]:
    """Write splats with new colours (n, 3), sRGB-encoded and unclamped, in the format of the path's suffix.

    Higher harmonics are multiplied by `specular`, a number or one per splat (n,): 0 makes colours view-independent.
    In the format that they were read from, everything else is written back bit for bit, as are the colours of rows
    equal to `splats.colours`. Any splats can be written as .ply, .splat and .spz (.splat is 8-bit without
    harmonics, .spz quantises everything); .compressed.ply and SOG can only be written from their own kind. A path
    named meta.json gets SOG's parts beside it; a path ending in .ckpt writes a nerfstudio run below its folder, a
    path without a suffix writes one below itself, plus painted.ply of the same splats. Raises ConfigError for other
    suffixes, OutputError if a file cannot be written. Returns the paths.
    """
    path = Path(path)
    kept = splats.document if isinstance(splats.document, SplatFile) else None
    colours = np.asarray(colours, np.float32)
    written, suffix = _named(path, kept)
    if kept is not None and suffix == kept.format.suffix:
        changed = (colours != splats.colours).any(1) & ~kept.broken
        paint = Paint(colours, changed, kept.broken, specular)
        if kept.format.name == _RUN:
            folder = path.parent if path.suffix else path
            paths = write_run_splats(folder, kept.content, paint)
            return [*paths, *save_splats(folder / "painted.ply", splats, colours, specular)]
        if path.name == META:
            return _write_parts(path, repaint_sog(kept.content, paint).members)
        if kept.format.repaint is not None:
            write_bytes(path, kept.format.repaint(kept.content, paint))
            return [path]
    if written.save is None:
        raise ConfigError(
            f"{path}: {suffix} can only be written from {suffix}; use {', '.join(written_suffixes('splats'))}"
        )
    write_bytes(path, written.save(painted(splats, colours, specular)))
    return [path]


def painted(splats: Splats, colours: Array, specular: Share = 0.0) -> Splats:
    """The splats with other colours (n, 3) and their higher harmonics × `specular`, dropped if that is 0 for all."""
    higher = splats.harmonics[:, 1:] if np.any(specular) else splats.harmonics[:, :0]
    constant = from_colours(np.asarray(colours, np.float32))[:, None]
    return replace(splats, harmonics=np.concatenate([constant, faded(higher, specular)], axis=1))


def run_of(splats: Splats) -> NerfstudioRun | None:
    """The nerfstudio run that splats came from, if any."""
    content = splats.document.content if isinstance(splats.document, SplatFile) else None
    return content.run if isinstance(content, RunSplats) else None


def suffix_of(splats: Splats) -> str:
    """The file suffix with which `save_splats` keeps everything unpainted."""
    return splats.document.format.suffix if isinstance(splats.document, SplatFile) else ".ply"


def _format(peek: Peek) -> Format:
    """The format of a path expected to be splats. Raises InputError for an unknown suffix."""
    row = format_of(peek, *_SORTS)
    if row is not None:
        return row
    if peek.once(meta_path) is not None:  # SOG or not, the reader reports what is missing
        return format_by_name("sog-folder")
    if is_run(peek):
        return format_by_name(_RUN)
    if peek.is_folder:
        raise InputError(f"{peek.path}: a folder without SOG's {META}; expected {readable()}")
    row = format_named(peek.path.name, "splats")
    if row is None:
        raise InputError(f"{peek.path}: not a readable splat file; supported are {readable()}")
    return row


def _named(path: Path, kept: SplatFile | None) -> tuple[Format, str]:
    """The format and suffix of a path to be written."""
    name = path.name.lower()
    row: Format | None
    if kept and kept.format.name == _RUN and (not path.suffix or name.endswith(kept.format.suffix)):
        row = kept.format
    elif name == META:
        row = format_by_name("sog")
    elif name.endswith(".ckpt"):
        row = format_by_name(_RUN)
    else:
        row = format_named(path.name, "splats")
        if row is None and kept and name.endswith(kept.format.suffix):
            row = kept.format
    if row is None or (row.save is None and row.repaint is None and row.name != _RUN):
        raise ConfigError(f"{path}: splats are written as {_writable()} or {META}")
    return row, row.suffix


def _writable() -> str:
    fresh = written_suffixes("splats")
    again = [f.suffix for f in formats_of("splats") if f.suffixes and f.save is None and f.repaint]
    return ", ".join([*fresh, *again])


def _write_parts(meta: Path, members: dict[str, bytes]) -> list[Path]:
    """Write the parts, then meta.json last: without it the folder is not a scene."""
    paths = [meta.parent / name for name in members if name not in (META, "..") and name == Path(name).name]
    for part in paths:
        write_bytes(part, members[part.name])
    write_bytes(meta, members[META])
    return [*paths, meta]
