"""The transform from a capture to the glTF scene made from it, kept in the extras of the document's asset."""

from __future__ import annotations

import numpy as np

from nst3d.formats.gltf.document import GltfDocument, Json
from nst3d.tensors import Array

_OWN, _KEY = "nst3d", "scene_from_capture"
_ROUNDING = 1e-4


def capture_extras(frame: Array) -> Json:
    """The extras that store a rigid (4, 4) transform from capture to scene coordinates, row by row."""
    return {_OWN: {_KEY: frame.tolist()}}


def scene_from_capture(document: GltfDocument) -> Array | None:
    """The rigid (4, 4) float64 transform from capture to scene coordinates; None if the document has none."""
    held = document.json["asset"].get("extras")
    own = held.get(_OWN) if isinstance(held, dict) else None
    rows = own.get(_KEY) if isinstance(own, dict) else None
    try:
        frame = np.array(rows, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    return frame if frame.shape == (4, 4) and _is_rigid(frame) else None


def _is_rigid(frame: Array) -> bool:
    rotation = frame[:3, :3]
    with np.errstate(over="ignore", invalid="ignore"):
        skew = np.abs(rotation.T @ rotation - np.eye(3)).max()
        still = np.isfinite(frame).all() and (frame[3] == (0, 0, 0, 1)).all()
        return bool(still and skew < _ROUNDING and np.linalg.det(rotation) > 0)
