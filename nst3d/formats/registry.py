"""All formats that are read and written: each registers itself in its own file, and installed packages add theirs.

What is dispatched on, offered as an option or listed in a message comes from here. A package adds formats through
the entry-point group `nst3d.formats`: a `Format`, or a callable that returns one or several.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nst3d.errors import ConfigError
from nst3d.files import PathLike
from nst3d.formats.io.peek import Peek
from nst3d.plugins import Registry, rows_of


@dataclass(frozen=True)
class Format:
    """A file format, and what reads and writes it.

    What `load`, `save` and `repaint` take depends on what is read:

    mesh       load(path) -> Mesh; save(path, mesh, paint, colours) -> paths
    splats,    load(path) -> Loaded, whose `content` repaint(content, Paint) -> bytes writes back with only colours
    points     changed; save(splats) -> bytes writes any splats anew
    field      load(path) -> VoxelField; save(path, field, colours, specular) -> paths
    capture    load(path) -> Found
    picture    load(path, max_pixels) -> Picture; save(path, pixels, alpha) -> paths
    flight     load(path, text, up) -> Flight
    """

    name: str
    """A short word that no other format has: glb, splat-ply."""
    suffixes: tuple[str, ...]
    """Endings of its files' names, in lower case, with a dot; the first is the one that is written. Empty where
    `sniff` alone tells, whatever the name: folders, and files of fixed names."""
    reads: str
    """What is in such a file: mesh, splats, points, field, capture, picture, flight, or a kind of another package."""
    words: str
    """With an article, for messages: "a GLB"."""
    load: Callable[..., Any] | None = None
    """None: it is known and not read; `hint` says what to do."""
    save: Callable[..., Any] | None = None
    """None: it is not written, or only over what was read of it."""
    repaint: Callable[..., Any] | None = None
    sniff: Callable[[Peek], bool] | None = None
    """Whether a file of such a suffix is this format; None: the suffix says it all."""
    magic: tuple[bytes, ...] = ()
    """First bytes, at most 64, one of which any file of this format begins with and no other: they tell it under a
    wrong name. A format that is a ZIP or gzip archive lists those bytes, too; they only keep it from being refused."""
    holds: frozenset[str] = field(default_factory=frozenset)
    """The paint that a mesh's file can hold: textures, vertices, blocks."""
    writes: str = ""
    """The suffix that is written where it is not the first of `suffixes`: what was read is written as another."""
    hint: str = ""
    """What to do where it cannot be read or written, for messages (of splats {name} and {stem} are the file's)."""
    rank: int = 0
    """Formats of lower rank are listed first, and asked first where several may claim a path."""

    @property
    def suffix(self) -> str:
        """The ending that is written; empty where none is."""
        return self.writes or next(iter(self.suffixes), "")


def _check_suffixes(row: Format, others: list[Format]) -> None:
    """Raise ConfigError where a suffix of a format is another's of the same sort and nothing tells them apart."""
    for other in others:
        shared = [s for s in row.suffixes if s in other.suffixes]
        if other.reads == row.reads and shared and (row.sniff is None or other.sniff is None):
            raise ConfigError(
                f"format {row.name!r}: {shared[0]} is the suffix of {other.name!r} already, which reads {row.reads},"
                " too; give both a sniff that tells them apart"
            )


_MODULES = (
    "nst3d.formats.captures.arrays",
    "nst3d.formats.captures.colmap",
    "nst3d.formats.captures.llff",
    "nst3d.formats.captures.transforms",
    "nst3d.formats.fields.own",
    "nst3d.formats.fields.plenoxels",
    "nst3d.formats.flights.keyframes",
    "nst3d.formats.flights.nerfstudio",
    "nst3d.formats.gltf.write",
    "nst3d.formats.meshes.obj_write",
    "nst3d.formats.meshes.ply",
    "nst3d.formats.meshes.stl",
    "nst3d.formats.picture",
    "nst3d.formats.splats.antimatter",
    "nst3d.formats.splats.ksplat",
    "nst3d.formats.splats.packed_ply",
    "nst3d.formats.splats.ply",
    "nst3d.formats.splats.points",
    "nst3d.formats.splats.sog",
    "nst3d.formats.splats.splatfacto",
    "nst3d.formats.splats.spz",
    "nst3d.formats.voxels.binvox",
    "nst3d.formats.voxels.vox",
)
"""The files that register formats; imported when a format is first asked for."""

_FORMATS: Registry[Format] = Registry("format", "nst3d.formats", _MODULES, rows_of(Format), _check_suffixes)


def register_format(row: Format) -> Format:
    """Add a format; returns it.

    Raises ConfigError, one line, if its name is taken, or if a suffix of it is taken by a format of the same sort
    and nothing tells the two apart.
    """
    return _FORMATS.register(row.name, row)


def forget_format(name: str) -> None:
    """Take a format out again. Raises ConfigError if there is none of that name."""
    _FORMATS.forget(name)


def format_by_name(name: str) -> Format:
    """The format of a name. Raises ConfigError, with all names, for one that is not known."""
    return _FORMATS.get(name)


def all_formats() -> list[Format]:
    """Every format, by rank and then in alphabetical order."""
    return sorted(_FORMATS.rows().values(), key=lambda f: f.rank)


def formats_of(*reads: str) -> list[Format]:
    """The formats of a sort of thing ("mesh"), in the order of `all_formats`; of several sorts, of all of them."""
    return [f for f in all_formats() if f.reads in reads]


def suffixes_of(*reads: str) -> list[str]:
    """The suffixes that such things are read from, in the order of their formats."""
    return list(dict.fromkeys(s for f in formats_of(*reads) if f.load is not None for s in f.suffixes))


def written_suffixes(*reads: str) -> list[str]:
    """The suffixes that any such thing can be written as."""
    return [f.suffix for f in formats_of(*reads) if f.save is not None]


def format_of(place: PathLike | Peek, *reads: str) -> Format | None:
    """The format that a file or folder of such a sort has, by its name and a look inside; None: it is none of them."""
    peek = Peek.at(place)
    found = [f for f in formats_of(*reads) if not f.suffixes or (not peek.is_folder and _named(f, peek))]
    for row in sorted(found, key=lambda f: (f.rank, -_named(f, peek))):
        if row.sniff is None or row.sniff(peek):
            return row
    return None


def format_named(name: str, *reads: str) -> Format | None:
    """The format that a file to be written has by its name alone; of several, the one with the longest suffix."""
    peek = Peek(Path(name))
    found = [
        (len(s), -f.suffixes.index(s), f) for f in formats_of(*reads) for s in f.suffixes if peek.ends_with(s)
    ]
    return max(found, key=lambda row: row[:2])[2] if found else None


def _named(row: Format, peek: Peek) -> int:
    """The length of the format's suffix that a name ends in; 0: it has none of them."""
    return max((len(s) for s in row.suffixes if peek.ends_with(s)), default=0)
