"""Camera paths as keyframes in a YAML file, nst3d's own format."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from nst3d.cameras.paths import Flight, Keyframe
from nst3d.cameras.pinhole import look_at
from nst3d.errors import InputError, shown
from nst3d.formats.flights.nerfstudio import OPENGL
from nst3d.formats.flights.values import (
    angle,
    check_names,
    flag,
    keys_of,
    number,
    pose_of,
    size_of,
    vector,
    whole_number,
)
from nst3d.formats.io.yaml_values import load_yaml
from nst3d.formats.registry import Format, register_format
from nst3d.tensors import Array

_FILE_SETTINGS = (
    "keyframes",
    "size",
    "frames",
    "fps",
    "seconds",
    "loop",
    "ease",
    "field_of_view",
    "up",
    "axes",
)
_KEY_SETTINGS = ("position", "look_at", "matrix", "field_of_view", "time", "roll")


def flight_from_yaml(path: Path, text: str, up: Array | None) -> Flight:
    """The flight described by a file's text; see the registry's `load_camera_path`. Raises InputError."""
    try:
        values = load_yaml(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected 'keyframes:' with a list, found {shown(values)}")
    check_names(values, _FILE_SETTINGS, str(path))
    keys = keys_of(values, "keyframes", path)
    if "up" in values:
        up = vector(values["up"], f"{path}: up")
    if up is None:
        up = np.array([0.0, 1.0, 0.0])
    if not np.linalg.norm(up) > 0:
        raise InputError(f"{path}: up is zero, expected a direction")
    axes = values.get("axes", "opencv")
    if axes not in ("opencv", "opengl"):
        raise InputError(
            f"{path}: axes {shown(axes)}: choose opencv (y down, z forward) or opengl (y up, z backward)"
        )
    general = angle(values, str(path))
    frames = [
        _yaml_key(key, f"{path}: keyframe {i}", up, axes == "opengl") for i, key in enumerate(keys, start=1)
    ]
    if general is not None:
        frames = [k if k.field_of_view is not None else replace(k, field_of_view=general) for k in frames]
    _check_times([k.time for k in frames], path)
    seconds = number(values, "seconds", str(path), 1e-3, 1e6)
    start = frames[0].time
    return Flight(
        tuple(frames),
        closed=flag(values, "loop", path),
        size=size_of(values["size"], path) if "size" in values else None,
        frames=whole_number(values, "frames", path),
        fps=number(values, "fps", str(path), 0.1, 240),
        seconds=seconds,
        back=None if seconds is None or start is None else start + seconds,
        ease=number(values, "ease", str(path), 0, 0.5),
        up=up,
    )


def _yaml_key(key: Any, where: str, up: Array, opengl: bool) -> Keyframe:
    if not isinstance(key, dict):
        raise InputError(f"{where}: expected position and look_at, or matrix, found {shown(key)}")
    check_names(key, _KEY_SETTINGS, where)
    if "matrix" in key:
        if "position" in key or "look_at" in key:
            raise InputError(f"{where}: has both a matrix and a position or look_at; give one of the two")
        pose = pose_of(key["matrix"], f"{where}: matrix")
        pose = pose @ OPENGL if opengl else pose
    elif "position" in key and "look_at" in key:
        position = vector(key["position"], f"{where}: position")
        target = vector(key["look_at"], f"{where}: look_at")
        if np.linalg.norm(target - position) < 1e-9 * max(1.0, float(np.abs(position).max())):
            raise InputError(f"{where}: position and look_at are the same point")
        pose = look_at(position, target, up)
    else:
        raise InputError(f"{where}: expected position and look_at, or matrix")
    roll = math.radians(number(key, "roll", where, -3600, 3600) or 0.0)
    turn = np.eye(4)
    turn[:2, :2] = [[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]]
    return Keyframe(pose @ turn, angle(key, where), number(key, "time", where, -1e6, 1e6))


def _check_times(times: list[float | None], path: Path) -> None:
    given = [t for t in times if t is not None]
    if given and len(given) < len(times):
        raise InputError(
            f"{path}: {len(given)} of {len(times)} keyframes have a time; give all of them one, or none"
        )
    if any(b <= a for a, b in itertools.pairwise(given)):
        raise InputError(f"{path}: keyframe times must increase")


register_format(Format("keyframes", (".yaml", ".yml"), "flight", "a camera path", flight_from_yaml))
