"""Reading through trimesh, for formats that are not written back.

trimesh is given bytes and never a path or a URL: textures go through our own search and decoder. Whatever makes
XML dangerous is refused before it is parsed, and the sizes in an archive are checked before it is unpacked.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from PIL import Image

from nst3d.cameras.axes import UP_AND_FRONT
from nst3d.errors import InputError, MissingDependencyError, cut
from nst3d.files import PathLike
from nst3d.formats.io.files import find_beside, read_bytes
from nst3d.formats.meshes.from_trimesh import SceneNames, mesh_of_scene
from nst3d.formats.registry import Format, register_format
from nst3d.images.io import decode_image
from nst3d.images.levels import to_bytes
from nst3d.representations.mesh import Mesh
from nst3d.representations.repair import repaired
from nst3d.tensors import Array

_ENCODING = re.compile(rb"encoding\s*=\s*[\"']([^\"']*)")
_PLAIN = (b"utf-8", b"us-ascii", b"ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252")
_DTD = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass
class _Textures:
    """Finds the textures of an asset for trimesh, which calls `get`; remembers what went wrong."""

    folder: Path
    notes: list[str] = field(default_factory=list)

    def get(self, name: str) -> bytes:
        """The picture that an asset calls `name`, as an uncompressed TIFF, which opens nothing else."""
        try:
            path = find_beside(unquote(name), [self.folder])
            if path is None:
                raise InputError(f"texture {name!r} was not found beside the mesh")
            picture = decode_image(read_bytes(path), str(path))
        except InputError as error:
            note = f"{error}; the material's colour is used"
            self.notes += [note] if note not in self.notes else []
            raise
        channels = picture.pixels if picture.alpha is None else _with_alpha(picture.pixels, picture.alpha)
        buffer = io.BytesIO()
        Image.fromarray(to_bytes(channels)).save(buffer, "TIFF")
        return buffer.getvalue()


def _with_alpha(pixels: Array, alpha: Array) -> Array:
    import numpy as np

    return np.concatenate([pixels, alpha[..., None]], axis=2)


@dataclass(frozen=True)
class Foreign:
    """What trimesh needs to read a format, and what its files say beside."""

    suffix: str
    """trimesh's name for it."""
    words: str
    packages: tuple[str, ...] = ()
    """What reads it in addition to trimesh, by the names that are imported."""
    check: Callable[[bytes, Path], None] = lambda data, path: None
    """Raises InputError for bytes that trimesh must not be given."""
    up: Callable[[bytes], str] = lambda data: "y"
    """The axis that points up."""
    lost: Callable[[bytes], str] = lambda data: ""
    """A note on what the file has and trimesh does not read; or nothing."""


def load_foreign(path: PathLike, row: Foreign) -> Mesh:
    """The mesh in a file, each geometry a part. Raises InputError for what is broken, dangerous or empty."""
    path = Path(path)
    data = _in_utf8(read_bytes(path))
    row.check(data, path)
    for package in row.packages:
        _need(package, path, row.words)
    textures = _Textures(path.parent)
    scene = read_scene(data, row.suffix, path, row.words, textures)
    up, front = UP_AND_FRONT[row.up(data)]
    names = SceneNames(path.stem, linear=False, merged=True)
    mesh = mesh_of_scene(scene, names, up, front)
    lost = row.lost(data)
    notes = (*mesh.notes, *textures.notes, *([lost] if lost else []))
    return repaired(Mesh(**{**vars(mesh), "notes": notes}), str(path))


def _in_utf8(data: bytes) -> bytes:
    """XML in UTF-16, which Windows programs write, as UTF-8; anything else unchanged."""
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError:  # the check says that it is none
        return data
    head, rest = text[:200], text[200:]
    return (re.sub("(?i)utf-16", "utf-8", head, count=1) + rest).encode()


def read_scene(data: bytes, suffix: str, path: Path, words: str, textures: Any = None) -> Any:
    """The trimesh.Scene in a file's bytes. Raises InputError, one line, if it is broken or has no faces."""
    import trimesh

    try:
        with _quiet():
            scene = trimesh.load_scene(io.BytesIO(data), suffix, textures, process=False)
    except InputError:
        raise
    except Exception as error:  # whatever a broken file makes its readers raise
        reason = cut(str(error)) or type(error).__name__
        raise InputError(f"{path}: not {words}, broken or truncated ({reason})") from None
    if not any(isinstance(g, trimesh.Trimesh) and len(g.faces) for g in scene.geometry.values()):
        raise InputError(f"{path}: not {words}, truncated, or without faces; expected a mesh")
    return scene


@contextmanager
def _quiet() -> Iterator[None]:
    """Turn text that is no number into an error, and keep the readers' own talk from the user."""
    log, silent = logging.getLogger("trimesh"), logging.NullHandler()
    propagates = log.propagate
    log.addHandler(silent)
    log.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", "string or file could not be read to its end")
            yield
    finally:
        log.removeHandler(silent)
        log.propagate = propagates


def _need(package: str, path: Path, words: str) -> None:
    try:
        import_module(package)
    except ImportError:
        raise MissingDependencyError(
            f"{path}: is {words}, which needs {package}: pip install 'nst3d[formats]'"
        ) from None


def refuse_entities(data: bytes, path: Path) -> None:
    """Raise InputError for bytes that are no XML, or XML that declares what its readers would expand.

    Only encodings in which ASCII is ASCII are read, so that a declaration cannot hide.
    """
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise InputError(f"{path}: not an XML file; rename it to the suffix of its format")
    encoding = _ENCODING.search(data[:200])
    if b"\0" in data or (encoding is not None and encoding[1].lower() not in _PLAIN):
        raise InputError(f"{path}: XML in an encoding that is not read; save it as UTF-8")
    if _DTD.search(data):
        raise InputError(
            f"{path}: declares a document type or entities, which are not read; export it without them"
        )


def register_foreign(name: str, row: Foreign, magic: tuple[bytes, ...] = ()) -> None:
    """Register a format that is read through trimesh."""
    register_format(
        Format(
            name,
            (f".{row.suffix}",),
            "mesh",
            row.words,
            lambda path: load_foreign(path, row),
            magic=magic,
            hint=f"{row.words.partition(' ')[2]} is only read",
            rank=2,
        )
    )
