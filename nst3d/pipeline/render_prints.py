"""Tells whether an interrupted render was of the same thing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nst3d.pipeline.flight import Plan

if TYPE_CHECKING:
    from nst3d.pipeline.render_job import RenderJob

_BLOCK = 1 << 22


def fingerprint(job: RenderJob, plan: Plan) -> str:
    """A digest of what frames depend on: the files' bytes, every camera, the look and what is written."""
    digest = hashlib.sha256()
    for path in (job.scene, job.compare.before):
        if path is not None:
            _add_file(digest, path)
    for camera in plan.cameras:
        numbers = [*camera.camera_to_world.ravel(), camera.focal, camera.aspect, *camera.centre, *camera.size]
        digest.update(np.array(numbers, np.float64).tobytes())
    settings = (job.look, job.compare.fade, job.output.passes, job.output.pass_format)
    digest.update(repr((settings, plan.shares.tolist())).encode())
    return digest.hexdigest()


def _add_file(digest: hashlib._Hash, path: Path) -> None:
    """A file's bytes, and of what lies beside it (textures, parts) the names, sizes and times."""
    folder = path if path.is_dir() else path.parent
    if path.is_dir() or path.suffix.lower() in (".gltf", ".obj"):
        for other in sorted(p for p in folder.iterdir() if p.is_file()):
            state = other.stat()
            digest.update(f"{other.name} {state.st_size} {state.st_mtime_ns}".encode())
    if path.is_file():
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
