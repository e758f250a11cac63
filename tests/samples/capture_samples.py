"""Small captures, written byte by byte by the tests themselves."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nst3d.cameras.pinhole import look_at

SIZE = (24, 32)
"""Height and width of the photographs."""
_MODELS = {"SIMPLE_PINHOLE": 0, "PINHOLE": 1, "SIMPLE_RADIAL": 2, "RADIAL": 3, "OPENCV": 4, "OPENCV_FISHEYE": 5,
           "FULL_OPENCV": 6, "FOV": 7, "SIMPLE_RADIAL_FISHEYE": 8, "RADIAL_FISHEYE": 9}  # fmt: skip


def poses(count: int = 10) -> np.ndarray:
    """(count, 4, 4) camera to world with OpenCV axes, around the origin; +z is up."""
    turn = np.arange(count) * 2 * np.pi / count
    places = np.stack([4 * np.cos(turn), 4 * np.sin(turn), 1 + np.sin(2 * turn)], axis=-1)
    return np.stack([look_at(p, np.zeros(3), np.array([0.0, 0, 1])) for p in places])


def opengl(pose: np.ndarray) -> np.ndarray:
    return pose * [1, -1, -1, 1]


def picture(index: int, size: tuple[int, int] = SIZE, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(index).integers(0, 256, (*size, channels), np.uint8)


def write_pictures(folder: Path, names: list[str], size: tuple[int, int] = SIZE, channels: int = 3) -> None:
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(i, size, channels)).save(path)


def write_transforms(folder: Path, given: np.ndarray | None = None, **values: Any) -> Path:
    """A transforms.json with as many pictures as poses; `values` replace or add to what it holds."""
    given = poses() if given is None else given
    names = [f"images/{i:04d}.png" for i in range(len(given))]
    write_pictures(folder, names)
    frames = [{"file_path": n, "transform_matrix": opengl(p).tolist()} for n, p in zip(names, given)]
    content = {"w": SIZE[1], "h": SIZE[0], "fl_x": 40.0, "frames": frames} | values
    path = folder / "transforms.json"
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    return path


def quaternion(rotation: np.ndarray) -> np.ndarray:
    """w, x, y, z of a rotation, by the largest eigenvector (Bar-Itzhack 2000)."""
    m = rotation
    k = np.array(
        [
            [m[0, 0] + m[1, 1] + m[2, 2], m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0]],
            [m[0, 2] - m[2, 0], m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], m[1, 2] + m[2, 1]],
            [m[1, 0] - m[0, 1], m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1]],
        ]
    )
    return np.linalg.eigh(k)[1][:, -1]


def write_colmap(root: Path, model: str, numbers: list[float], binary: bool, place: str = "sparse/0") -> Path:
    """A COLMAP model and its pictures, named in another order than they are listed; returns its folder."""
    given = poses()
    names = [f"sub/p {i}.png" for i in range(len(given))]
    write_pictures(root / "images", names)
    folder = root / place
    folder.mkdir(parents=True)
    rows = []
    for name, pose in zip(names, given):
        turned = pose[:3, :3].T
        rows.append((quaternion(turned), -turned @ pose[:3, 3], name))
    rows = rows[::-1]
    (_binary if binary else _text)(folder, model, numbers, rows)
    return folder


def _text(folder: Path, model: str, numbers: list[float], rows: list[Any]) -> None:
    parameters = " ".join(repr(float(n)) for n in numbers)
    (folder / "cameras.txt").write_text(f"# Camera list\n7 {model} {SIZE[1]} {SIZE[0]} {parameters}\n")
    lines = ["# Image list with two lines of data per image:"]
    for i, (q, t, name) in enumerate(rows):
        values = " ".join(repr(float(v)) for v in (*q, *t))
        lines += [f"{i + 1} {values} 7 {name}", "1.5 2.5 -1 3.5 4.5 9" if i % 2 else ""]
    (folder / "images.txt").write_text("\n".join(lines) + "\n")


def _binary(folder: Path, model: str, numbers: list[float], rows: list[Any]) -> None:
    head = struct.pack("<Qii2Q", 1, 7, _MODELS[model], SIZE[1], SIZE[0])
    (folder / "cameras.bin").write_bytes(head + struct.pack(f"<{len(numbers)}d", *numbers))
    data = struct.pack("<Q", len(rows))
    for i, (q, t, name) in enumerate(rows):
        data += struct.pack("<i7di", i + 1, *q, *t, 7) + name.encode() + b"\0"
        data += struct.pack("<Q", i) + struct.pack("<ddq", 1.5, 2.5, -1) * i
    (folder / "images.bin").write_bytes(data)


def write_llff(folder: Path, given: np.ndarray | None = None, photos: str = "images") -> Path:
    given = poses() if given is None else given
    write_pictures(folder / photos, [f"{i:03d}.png" for i in range(len(given))])
    rows = []
    for pose in given:
        right, down, forward, place = pose[:3].T
        block = np.stack([down, right, -forward, place, [*SIZE, 40.0]], axis=1)
        rows.append([*block.ravel(), 2.0, 9.0])
    np.save(folder / "poses_bounds.npy", np.array(rows))
    return folder
