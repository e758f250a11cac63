"""The files of a COLMAP sparse model: cameras and images, as binary or text; points are skipped."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nst3d.errors import InputError
from nst3d.formats.io.files import read_bytes
from nst3d.tensors import Array

_MODELS = {  # number in binary files: name, number of parameters
    0: ("SIMPLE_PINHOLE", 3),
    1: ("PINHOLE", 4),
    2: ("SIMPLE_RADIAL", 4),
    3: ("RADIAL", 5),
    4: ("OPENCV", 8),
    5: ("OPENCV_FISHEYE", 8),
    6: ("FULL_OPENCV", 12),
    7: ("FOV", 5),
    8: ("SIMPLE_RADIAL_FISHEYE", 4),
    9: ("RADIAL_FISHEYE", 5),
    10: ("THIN_PRISM_FISHEYE", 12),
    11: ("RAD_TAN_THIN_PRISM_FISHEYE", 16),
}
_COUNTS = dict(_MODELS.values())
_POINT = 24
"""Bytes of a 2D point in images.bin: x, y, index of the 3D point."""


@dataclass(frozen=True)
class ModelCamera:
    """A line of cameras.txt."""

    number: int
    model: str
    size: tuple[int, int]
    """Height, width."""
    parameters: Array


@dataclass(frozen=True)
class ModelImage:
    """A line of images.txt: a pose from world to camera."""

    name: str
    camera: int
    quaternion: Array
    """w, x, y, z."""
    translation: Array


@dataclass(frozen=True)
class Model:
    """Cameras by number, and images."""

    cameras: dict[int, ModelCamera]
    images: list[ModelImage]


def read_binary(cameras: Path, images: Path) -> Model:
    """The model in cameras.bin and images.bin. Raises InputError if they are truncated or malformed."""
    return Model({c.number: c for c in _binary_cameras(cameras)}, list(_binary_images(images)))


def read_text(cameras: Path, images: Path) -> Model:
    """The model in cameras.txt and images.txt. Raises InputError for malformed lines."""
    return Model({c.number: c for c in _text_cameras(cameras)}, list(_text_images(images)))


class _Reader:
    """Little-endian values one after the other, never past the end."""

    def __init__(self, path: Path) -> None:
        self.path, self.data, self.at = path, read_bytes(path), 0

    def take(self, layout: str) -> tuple[float, ...]:
        size = struct.calcsize(layout)
        self.need(size)
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += size
        return values

    def count(self, least: int) -> int:
        """A count of items that take at least `least` bytes each."""
        number = int(self.take("<Q")[0])
        self.need(number * least)
        return number

    def text(self) -> str:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            self.need(len(self.data))
        name = self.data[self.at : end].decode("utf-8", "replace")
        self.at = end + 1
        return name

    def need(self, size: int) -> None:
        if size > len(self.data) - self.at:
            raise InputError(
                f"{self.path}: truncated or not a COLMAP file: {size} bytes declared, {len(self.data) - self.at} left"
            )

    def end(self) -> None:
        if self.at != len(self.data):
            raise InputError(f"{self.path}: {len(self.data) - self.at} bytes more than it declares")


def _binary_cameras(path: Path) -> Iterator[ModelCamera]:
    reader = _Reader(path)
    for _ in range(reader.count(24)):
        number, kind, width, height = (int(v) for v in reader.take("<iiQQ"))
        if kind not in _MODELS:
            raise InputError(f"{path}: camera {number} has model number {kind}, which COLMAP does not have")
        model, count = _MODELS[kind]
        parameters = np.array(reader.take(f"<{count}d"))
        yield ModelCamera(number, model, (height, width), parameters)
    reader.end()


def _binary_images(path: Path) -> Iterator[ModelImage]:
    reader = _Reader(path)
    for _ in range(reader.count(73)):
        _, *pose, camera = reader.take("<i7di")
        name = reader.text()
        points = reader.count(_POINT)
        reader.at += points * _POINT
        yield ModelImage(name, int(camera), np.array(pose[:4]), np.array(pose[4:]))
    reader.end()


def _text_cameras(path: Path) -> Iterator[ModelCamera]:
    for line in filter(None, _lines(path)):
        words = line.split()
        try:
            number, width, height = int(words[0]), int(words[2]), int(words[3])
            parameters = np.array([float(w) for w in words[4:]])
        except (ValueError, IndexError):
            raise InputError(f"{path}: not a camera: {line[:60]!r}") from None
        if words[1] in _COUNTS and len(parameters) != _COUNTS[words[1]]:
            raise InputError(
                f"{path}: camera {number} has {len(parameters)} parameters, {words[1]} needs {_COUNTS[words[1]]}"
            )
        yield ModelCamera(number, words[1], (height, width), parameters)


def _text_images(path: Path) -> Iterator[ModelImage]:
    # Two lines per image: the pose and name, then its 2D points, which may be an empty line.
    lines = _lines(path)
    while lines and not lines[-1]:
        lines.pop()
    for line in lines[::2]:
        words = line.split(maxsplit=9)
        try:
            pose = np.array([float(w) for w in words[1:8]])
            camera, name = int(words[8]), words[9].strip()
        except (ValueError, IndexError):
            raise InputError(f"{path}: not an image: {line[:60]!r}") from None
        yield ModelImage(name, camera, pose[:4], pose[4:])


def _lines(path: Path) -> list[str]:
    """The lines of a text file without comments, and without empty lines before the first."""
    text = read_bytes(path).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if not line.startswith("#")]
    while lines and not lines[0]:
        lines.pop(0)
    return lines
