"""Transforms captures from the world of a nerfstudio run's training data into the run's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.formats.io.json_values import read_object
from nst3d.formats.io.peek import Peek
from nst3d.formats.nerfstudio.config import CLASS
from nst3d.formats.nerfstudio.run import FRAME, RunTransform, is_run, run_frame
from nst3d.representations.capture import Capture
from nst3d.tensors import Array

_AS_SAVED = ("NerfstudioDataParserConfig", "ColmapDataParserConfig")
"""Dataparsers whose saved transform starts before applied_transform; assumed for unknown ones, too."""

_OLD = ((0, 1, 0, 0), (1, 0, 0, 0), (0, 0, -1, 0))
"""nerfstudio's applied_transform for a transforms.json that an older version made from a COLMAP model."""


def in_frame_of(place: PathLike | Peek, capture: Capture) -> Capture:
    """The capture with its cameras in the world of a nerfstudio run; unchanged for other scenes.

    A run's world is p = scale · (R p_data + t), from its dataparser_transforms.json. The capture is assumed
    to be the run's data, with a note. Raises InputError if that file is broken.
    """
    peek = Peek.at(place)
    if not is_run(peek):
        return capture
    frame, config = run_frame(peek)
    if frame is None:
        note = f"{peek.path}: has no {FRAME}; the cameras of {capture.source} are used as they are"
        return replace(capture, notes=(*capture.notes, note))
    rotation, shift, scale = _from_saved(frame, config, capture)
    photos = tuple(
        replace(
            p,
            camera=replace(
                p.camera, camera_to_world=_turned(p.camera.camera_to_world, rotation, shift, scale)
            ),
        )
        for p in capture.photos
    )
    note = (
        f"the cameras of {capture.source} are transformed into the run's world, scale {scale:.4g}: it must be the data"
        " that the run was trained on"
    )
    near_far = None if capture.depths is None else (capture.depths[0] * scale, capture.depths[1] * scale)
    return replace(
        capture, photos=photos, up=rotation @ capture.up, depths=near_far, notes=(*capture.notes, note)
    )


def _turned(pose: Array, rotation: Array, shift: Array, scale: float) -> Array:
    """A camera's pose (4, 4) in the run's world; its axes stay unit vectors."""
    result = np.eye(4)
    result[:3, :3] = rotation @ pose[:3, :3]
    result[:3, 3] = scale * (rotation @ pose[:3, 3] + shift)
    return result


def _from_saved(
    frame: RunTransform, config: Mapping[str, Any], capture: Capture
) -> tuple[Array, Array, float]:
    """Rotation (3, 3), shift (3,) and scale from the capture's world, as in its file, to the run's.

    nerfstudio's saved transform starts from the poses before transforms.json's applied_transform, inverted
    here.
    """
    whole, scale = np.vstack([frame.transform, [0.0, 0.0, 0.0, 1.0]]), frame.scale
    if capture.kind == "transforms.json" and _dataparser(config) in (*_AS_SAVED, ""):
        said = read_object(capture.source)
        old = (capture.source.parent / "colmap/sparse/0").exists()
        applied = np.eye(4)
        applied[:3] = np.array(said.get("applied_transform", _OLD if old else applied), np.float64)[:3, :4]
        factor = float(said.get("applied_scale", 1.0))
        if abs(np.linalg.det(applied)) < 1e-9 or not factor > 0:
            raise InputError(f"{capture.source}: its applied_transform or applied_scale cannot be inverted")
        whole, scale = whole @ np.linalg.inv(applied), scale / factor
    return whole[:3, :3], whole[:3, 3], scale


def _dataparser(config: Mapping[str, Any]) -> str:
    """The class name of a run's dataparser config; empty if unknown."""
    here: Any = config
    for name in ("pipeline", "datamanager", "dataparser"):
        here = here.get(name) if isinstance(here, Mapping) else None
    return str(here.get(CLASS, "")).rpartition(".")[2] if isinstance(here, Mapping) else ""
