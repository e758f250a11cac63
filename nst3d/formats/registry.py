"""All file formats: each registers itself in its own file, and installed packages add theirs.

Dispatch, options and messages all follow from this registry. A package adds formats through
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
    """A file format, with its reader and writers.

    The signatures of `load`, `save` and `repaint` depend on `reads`:

    mesh       load(path) -> Mesh; save(path, mesh, paint, colours) -> paths
    splats,    load(path) -> Loaded, whose `content` repaint(content, Paint) -> bytes writes back with only colours
    points     changed; save(splats) -> bytes writes any splats anew
    field      load(path) -> VoxelField; save(path, field, colours, specular) -> paths
    capture    load(path) -> Found
    picture    load(path, max_pixels) -> Picture; save(path, pixels, alpha) -> paths
    flight     load(path, text, up) -> Flight
    """

    name: str
    """A short unique name: glb, splat-ply."""
    suffixes: tuple[str, ...]
    """File suffixes, in lower case, with a dot; the first is the one that is written. Empty if
    `sniff` alone decides, whatever the name: folders, and files with fixed names."""
    reads: str
    """Its content: mesh, splats, points, field, capture, picture, flight, or another package's kind."""
    words: str
    """Name with an article, for messages: "a GLB"."""
    load: Callable[..., Any] | None = None
    """Reader; None: known but not readable, and `hint` gives the remedy."""
    save: Callable[..., Any] | None = None
    """Writer; None: not writable, or only by repainting what was read."""
    repaint: Callable[..., Any] | None = None
    sniff: Callable[[Peek], bool] | None = None
    """Whether a file with such a suffix is this format; None: the suffix suffices."""
    magic: tuple[bytes, ...] = ()
    """First bytes, at most 64, that identify this format even under a wrong name: every file of it starts
    with one of them, and no other does. Formats based on ZIP, gzip or XML list those signatures, too, only to
    avoid being refused."""
    holds: frozenset[str] = field(default_factory=frozenset)
    """The kinds of paint that a mesh file can store: textures, vertices, blocks."""
    writes: str = ""
    """The suffix that is written, if not the first of `suffixes`: another format's."""
    hint: str = ""
    """Remedy if it cannot be read or written, for messages (splats: with the file's {name} and {stem})."""
    rank: int = 0
    """Formats of lower rank are listed first, and tried first if several may claim a path."""

    @property
    def suffix(self) -> str:
        """The suffix that is written; empty if none is."""
        return self.writes or next(iter(self.suffixes), "")


def _check_suffixes(row: Format, others: list[Format]) -> None:
    """Raise ConfigError if two formats of the same sort share a suffix and nothing tells them apart."""
    for other in others:
        shared = [s for s in row.suffixes if s in other.suffixes]
        if other.reads == row.reads and shared and (row.sniff is None or other.sniff is None):
            raise ConfigError(
                f"format {row.name!r}: {shared[0]} is already the suffix of {other.name!r}, which reads"
                f" {row.reads}, too; give both a sniff that tells them apart"
            )


_MODULES = (
    "nst3d.formats.captures.arrays",
    "nst3d.formats.captures.camera_list",
    "nst3d.formats.captures.colmap",
    "nst3d.formats.captures.llff",
    "nst3d.formats.captures.transforms",
    "nst3d.formats.fields.own",
    "nst3d.formats.fields.plenoxels",
    "nst3d.formats.flights.keyframes",
    "nst3d.formats.flights.nerfstudio",
    "nst3d.formats.gltf.write",
    "nst3d.formats.meshes.collada",
    "nst3d.formats.meshes.obj_write",
    "nst3d.formats.meshes.off",
    "nst3d.formats.meshes.ply",
    "nst3d.formats.meshes.stl",
    "nst3d.formats.meshes.threemf",
    "nst3d.formats.meshes.xaml",
    "nst3d.formats.picture",
    "nst3d.formats.splats.antimatter",
    "nst3d.formats.splats.gltf_points",
    "nst3d.formats.splats.gltf_splats",
    "nst3d.formats.splats.ksplat",
    "nst3d.formats.splats.packed_ply",
    "nst3d.formats.splats.ply",
    "nst3d.formats.splats.points",
    "nst3d.formats.splats.sog",
    "nst3d.formats.splats.splatfacto",
    "nst3d.formats.splats.spz",
    "nst3d.formats.splats.trained_folder",
    "nst3d.formats.voxels.binvox",
    "nst3d.formats.voxels.vox",
)
"""The modules that register formats; imported when a format is first needed."""

_FORMATS: Registry[Format] = Registry("format", "nst3d.formats", _MODULES, rows_of(Format), _check_suffixes)


def register_format(row: Format) -> Format:
    """Add a format; returns it.

    Raises ConfigError, one line, if its name is taken, or if a format of the same sort has one of its
    suffixes and nothing tells the two apart.
    """
    return _FORMATS.register(row.name, row)


def forget_format(name: str) -> None:
    """Remove a format. Raises ConfigError if there is none of that name."""
    _FORMATS.forget(name)


def format_by_name(name: str) -> Format:
    """The format of that name. Raises ConfigError, listing all names, if there is none."""
    return _FORMATS.get(name)


def all_formats() -> list[Format]:
    """Every format, by rank and then in alphabetical order."""
    return sorted(_FORMATS.rows().values(), key=lambda f: f.rank)


def formats_of(*reads: str) -> list[Format]:
    """The formats of one or several sorts ("mesh"), in the order of `all_formats`."""
    return [f for f in all_formats() if f.reads in reads]


def suffixes_of(*reads: str) -> list[str]:
    """The readable suffixes of one or several sorts, in the order of their formats."""
    return list(dict.fromkeys(s for f in formats_of(*reads) if f.load is not None for s in f.suffixes))


def written_suffixes(*reads: str) -> list[str]:
    """The suffixes in which anything of these sorts can be written."""
    return [f.suffix for f in formats_of(*reads) if f.save is not None]


def format_of(place: PathLike | Peek, *reads: str) -> Format | None:
    """The format of a file or folder among these sorts, by its name and contents; None if there is none."""
    peek = Peek.at(place)
    found = [f for f in formats_of(*reads) if not f.suffixes or (not peek.is_folder and _named(f, peek))]
    for row in sorted(found, key=lambda f: (f.rank, -_named(f, peek))):
        if row.sniff is None or row.sniff(peek):
            return row
    return None


def format_named(name: str, *reads: str) -> Format | None:
    """The format of a file to be written, by its name alone; the longest matching suffix wins."""
    peek = Peek(Path(name))
    found = [
        (len(s), -f.suffixes.index(s), f) for f in formats_of(*reads) for s in f.suffixes if peek.ends_with(s)
    ]
    return max(found, key=lambda row: row[:2])[2] if found else None


def _named(row: Format, peek: Peek) -> int:
    """The length of the format's suffix that a name ends in; 0 if none."""
    return max((len(s) for s in row.suffixes if peek.ends_with(s)), default=0)
