"""Gaussian-splat files and runs: which format reads or writes what, and what a painted file keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.errors import ConfigError, InputError
from nst3d.files import PathLike, write_bytes
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
from nst3d.representations.harmonics import from_colours
from nst3d.representations.splats import Splats
from nst3d.tensors import Array

_SORTS = ("splats", "points")
_RUN = "splatfacto"


@dataclass(frozen=True)
class SplatFile:
    """What `Splats.document` is for splats that came from a file."""

    format: Format
    """`save_splats` to a name of this format keeps all that is not painted."""
    content: Any
    """The format's own."""
    broken: Array
    """(n,) bool: the splats that cannot be drawn, and are written back as they are."""


def readable() -> str:
    """What splats are read from, for messages."""
    files = ", ".join(suffixes_of("splats"))
    return f"{files}, a folder with SOG's {META} or a splatfacto run"


def is_splats(place: PathLike | Peek) -> bool:
    """Whether a file or folder is, or is named like, Gaussian splats or a point cloud; PLY headers are looked into."""
    return format_of(place, *_SORTS) is not None


def load_splats(place: PathLike | Peek) -> Splats:
    """The splats in a .ply (also PlayCanvas' compressed), .splat, .spz or .sog file, an unpacked SOG folder,
    or a nerfstudio run of splatfacto (its folder, config.yml or checkpoint).

    Axes are those of PLY (right, down, forward), which .spz is turned to; up is taken to be −y, in runs z. A splat with
    values that are not finite stays in the table with opacity 0. Raises InputError for a file that is
    missing, of another kind, broken, cut short or empty.
    """
    peek = Peek.at(place)
    row = _format(peek)
    if row.load is None:
        raise InputError(f"{peek.path}: {row.hint.format(name=peek.path.name, stem=peek.path.stem)}")
    loaded = row.load(peek.path)
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
            f"{path}: {suffix} is only written from {suffix}; use {', '.join(written_suffixes('splats'))}"
        )
    write_bytes(path, written.save(painted(splats, colours, specular)))
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
    return splats.document.format.suffix if isinstance(splats.document, SplatFile) else ".ply"


def _format(peek: Peek) -> Format:
    """The format of a path that should be splats. Raises InputError for what is named like none."""
    row = format_of(peek, *_SORTS)
    if row is not None:
        return row
    if peek.once(meta_path) is not None:  # of SOG or not, the reader says what it lacks
        return format_by_name("sog-folder")
    if is_run(peek):
        return format_by_name(_RUN)
    if peek.is_folder:
        raise InputError(f"{peek.path}: is a folder without SOG's {META}; expected {readable()}")
    row = format_named(peek.path.name, "splats")
    if row is None:
        raise InputError(f"{peek.path}: is no splat file that can be read; readable are {readable()}")
    return row


def _named(path: Path, kept: SplatFile | None) -> tuple[Format, str]:
    """The format that a name to be written means, and its suffix."""
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
    if row is None or (row.save is None and row.repaint is None and row.name != _RUN):
        raise ConfigError(f"{path}: splats are written as {_writable()} or {META}")
    return row, row.suffix


def _writable() -> str:
    fresh = written_suffixes("splats")
    again = [f.suffix for f in formats_of("splats") if f.suffixes and f.save is None and f.repaint]
    return ", ".join([*fresh, *again])


def _write_parts(meta: Path, members: dict[str, bytes]) -> list[Path]:
    """The parts beside meta.json, and it last: without it the folder is no scene."""
    paths = [meta.parent / name for name in members if name not in (META, "..") and name == Path(name).name]
    for part in paths:
        write_bytes(part, members[part.name])
    write_bytes(meta, members[META])
    return [*paths, meta]
