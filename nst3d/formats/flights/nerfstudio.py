"""Reads the camera_path.json that nerfstudio's viewer exports."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nst3d.cameras.paths import Flight, Keyframe
from nst3d.errors import InputError, cut, shown
from nst3d.formats.flights.values import angle, flag, keys_of, number, pose_of, whole_number
from nst3d.formats.registry import Format, register_format
from nst3d.tensors import Array, ImageSize

OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
"""From OpenGL's camera axes (y up, z backward) to OpenCV's, and back."""
_NAMES = {"camera_to_world": "frame", "matrix": "keyframe"}


def flight_from_json(path: Path, text: str) -> Flight:
    """The flight in the text of a camera_path.json.

    Its frames, if present, are used as they are (the viewer has smoothed them); otherwise its keyframes, with
    their transition times, on our own spline. Raises InputError, one line, for anything else.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({cut(str(error))})") from None
    if not isinstance(values, dict) or not ("camera_path" in values or "keyframes" in values):
        raise InputError(f"{path}: not a nerfstudio camera path: it has neither camera_path nor keyframes")
    kind = values.get("camera_type", "perspective")
    if kind != "perspective":
        raise InputError(
            f"{path}: its camera_type is {shown(kind)}; only perspective cameras can be rendered"
        )
    dense = values.get("camera_path") or []
    keys = keys_of(values, "camera_path" if dense else "keyframes", path)
    pose = "camera_to_world" if dense else "matrix"
    frames = [_json_key(key, pose, f"{path}: {_NAMES[pose]} {i}") for i, key in enumerate(keys, start=1)]
    fps = number(values, "fps", str(path), 0.1, 240)
    seconds = number(values, "seconds", str(path), 1e-3, 1e6)
    closed = flag(values, "is_cycle", path)
    times = np.arange(len(frames)) if dense else _transitions(values, keys, closed, path)
    frames = [replace(k, time=float(t)) for k, t in zip(frames, times)]
    whole = float(len(frames)) if dense else float(times[-1]) if len(times) > len(frames) else None
    return Flight(
        tuple(frames),
        closed,
        vertical=True,
        size=_json_size(values, keys, path),
        frames=len(frames) if dense else None,
        fps=fps,
        seconds=seconds,
        back=whole if closed else None,
    )


def _json_key(key: Any, name: str, where: str) -> Keyframe:
    if not isinstance(key, dict) or name not in key:
        raise InputError(f"{where}: has no {name}")
    matrix = key[name]
    if isinstance(matrix, str):  # early viewers wrote the list as a string
        try:
            matrix = json.loads(matrix)
        except ValueError:
            raise InputError(f"{where}: {name} is not a list of numbers") from None
    return Keyframe(pose_of(matrix, f"{where}: {name}") @ OPENGL, angle(key, where, "fov"))


def _transitions(values: dict[str, Any], keys: list[Any], closed: bool, path: Path) -> Array:
    """Times, in seconds, of the keyframes and of the return to the first; each states its own transition."""
    usual = number(values, "default_transition_sec", str(path), 0, 1e6) or 2.0
    steps = []
    for i, key in enumerate(keys, start=1):
        own = number(key, "override_transition_sec", f"{path}: keyframe {i}", 1e-3, 1e6)
        steps.append(own if own and key.get("override_transition_enabled") else usual)
    times = np.concatenate([[0.0], np.cumsum(steps[1:])])
    return np.append(times, times[-1] + steps[0]) if closed else times


def _json_size(values: dict[str, Any], keys: list[Any], path: Path) -> ImageSize | None:
    width = whole_number(values, "render_width", path)
    height = whole_number(values, "render_height", path)
    if width and height:
        return ImageSize(height, width)
    aspect = number(keys[0], "aspect", f"{path}: frame 1", 0.02, 50)
    if height and aspect:
        return ImageSize(height, round(height * aspect))
    return None


def _load(path: Path, text: str, up: Array | None) -> Flight:
    return flight_from_json(path, text)


register_format(Format("camera-path", (".json",), "flight", "a camera path", _load))
