"""3MF, the archives of 3D printing, read only: shapes and their placement."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from nst3d.errors import InputError
from nst3d.formats.meshes.through_trimesh import Foreign, refuse_entities, register_foreign
from nst3d.limits import claim

_STYLED = re.compile(rb"<(\w+:)?(basematerials|colorgroup|texture2dgroup)\b")


def _check(data: bytes, path: Path) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            claim(0, str(path), sum(info.file_size for info in archive.infolist()))
            models = [n for n in archive.namelist() if n.lower().endswith(".model")]
            if not models:
                raise InputError(f"{path}: not a 3MF file; it contains no 3D model")
            for name in models:
                refuse_entities(archive.read(name), path)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise InputError(f"{path}: not a 3MF file, broken or truncated ({error})") from None


def _lost(data: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        models = [n for n in archive.namelist() if n.lower().endswith(".model")]
        styled = any(_STYLED.search(archive.read(name)) for name in models)
    return "the colours and textures of a 3MF are not read; starting from grey" if styled else ""


register_foreign(
    "three-mf",
    Foreign("3mf", "a 3MF", ("lxml", "networkx"), _check, lambda data: "z", _lost),
    (b"PK\x03\x04",),
)
