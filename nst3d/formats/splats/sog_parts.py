"""The parts of a SOG scene: a zip archive or a folder with a meta.json, with sizes checked before reading."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst3d.errors import InputError
from nst3d.formats.io.files import read_bytes, resolve
from nst3d.limits import claim, regular
from nst3d.tensors import Array

META = "meta.json"
_LARGEST_META = 1 << 26
_LARGEST_PICTURE = 16383**2
"""WebP's own limit on a picture's sides."""
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError)


@dataclass(frozen=True)
class SogFiles:
    """The members by name, in order, and the content of meta.json."""

    members: dict[str, bytes]
    meta: dict[str, Any]
    name: str
    """File name, for messages."""

    def pixels(self, section: str, number: int = 0) -> Array:
        """A picture's pixels (h, w, 4) uint8, by its index in a section of meta.json."""
        try:
            member = self.meta[section]["files"][number]
            data = self.members[member]
        except (KeyError, IndexError, TypeError):
            raise InputError(f"{self.name}: broken: picture {number} of {section!r} is missing") from None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about many pixels: bounded by WebP's limit
            try:
                picture = Image.open(io.BytesIO(data), formats=("WEBP", "PNG"))
                if picture.width * picture.height > _LARGEST_PICTURE:
                    raise ValueError("too large")
                claim(0, self.name, 12 * picture.width * picture.height)
                return np.array(picture.convert("RGBA"))
            except (*_BROKEN, Image.DecompressionBombError) as error:
                raise InputError(f"{self.name}: its {member} is broken ({str(error)[:80]})") from None

    def codebook(self, section: str) -> Array:
        """The 256 values (float64) of a section of meta.json."""
        return self.numbers(section, "codebook", 256)

    def numbers(self, section: str, key: str, count: int) -> Array:
        """A list of numbers (count,) float64 in a section of meta.json."""
        try:
            values = np.asarray(self.meta[section][key], np.float64)
        except (KeyError, TypeError, ValueError, OverflowError):
            values = np.zeros(0)
        if values.shape != (count,):
            raise InputError(
                f"{self.name}: broken: meta.json does not have {count} numbers at {section}.{key}"
            )
        return values


def encode_webp(pixels: Array) -> bytes:
    """The bytes of a lossless WebP of pixels (h, w, 4) uint8 that keeps colours where alpha is 0."""
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "WEBP", lossless=True, exact=True, quality=100, method=4)
    return buffer.getvalue()


def meta_path(path: Path) -> Path | None:
    """The meta.json of a SOG scene in a folder, if the path is that folder or that file."""
    if path.is_dir() and (path / META).is_file():
        return path / META
    return path if path.name == META and path.is_file() else None


def is_sog_meta(path: Path) -> bool:
    """Whether a meta.json belongs to a SOG scene."""
    try:
        meta = json.loads(path.read_bytes()) if regular(path).stat().st_size <= _LARGEST_META else None
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(meta, dict) and {"means", "sh0", "quats"} <= meta.keys()


def read_sog_files(path: Path) -> SogFiles:
    """All parts of a SOG scene. Raises InputError if one is missing or the archive is broken."""
    folder = meta_path(path)
    if folder is not None:
        meta = _meta(read_bytes(folder), folder)
        members = {n: read_bytes(resolve(folder.parent, n)) for n in _named(meta, folder)}
        return SogFiles(members | {META: folder.read_bytes()}, meta, str(folder))
    members = _unzipped(path)
    if META not in members:
        raise InputError(f"{path}: a zip archive without meta.json, not a SOG scene")
    meta = _meta(members[META], path)
    if missing := [n for n in _named(meta, path) if n not in members]:
        raise InputError(f"{path}: broken: {', '.join(missing)} is missing")
    return SogFiles(members, meta, str(path))


def zip_members(members: dict[str, bytes]) -> bytes:
    """An archive of the members, stored without further compression or dates."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _unzipped(path: Path) -> dict[str, bytes]:
    data = read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
            # Pictures do not compress further: an archive that claims otherwise is a zip bomb.
            if sum(e.file_size for e in entries) > 8 * len(data) + _LARGEST_META:
                raise InputError(f"{path}: broken: it would unpack to far more than its size")
            claim(sum(e.file_size for e in entries), str(path))
            return {e.filename: archive.read(e) for e in entries}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, *_BROKEN) as error:
        raise InputError(f"{path}: not a SOG scene, broken or truncated ({str(error)[:80]})") from None


def _meta(data: bytes, path: Path) -> dict[str, Any]:
    try:
        meta = json.loads(data) if len(data) <= _LARGEST_META else None
    except (ValueError, RecursionError):
        meta = None
    if not isinstance(meta, dict) or not isinstance(meta.get("means"), dict):
        raise InputError(f"{path}: its meta.json is broken or not a SOG scene's")
    if meta.get("version") != 2:
        raise InputError(
            f"{path}: SOG version {meta.get('version', 1)} is not supported, only 2; convert it with PlayCanvas'"
            " splat-transform, for example to .ply"
        )
    return meta


def _named(meta: dict[str, Any], path: Path) -> list[str]:
    """The pictures named in meta.json."""
    sections = [s for s in meta.values() if isinstance(s, dict) and isinstance(s.get("files"), list)]
    names = [n for s in sections for n in s["files"]]
    if not all(isinstance(n, str) and n == Path(n).name and n not in ("..", META) for n in names):
        raise InputError(f"{path}: its meta.json refers to files outside its folder")
    return names
