"""The files of a COLMAP sparse model: cameras and images, as binary or text; points are skipped."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
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
_DECLARED = re.compile(r"#\s*Number of images:\s*(\d{1,9})\b")


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
    declared: int | None = None
    """The number of images that a text file's header states."""


def read_binary(cameras: Path, images: Path) -> Model:
    """The model in cameras.bin and images.bin. Raises InputError if they are truncated or malformed."""
    return Model({c.number: c for c in _binary_cameras(cameras)}, list(_binary_images(images)))


def read_text(cameras: Path, images: Path) -> Model:
    """The model in cameras.txt and images.txt. Raises InputError for malformed lines."""
    lines = _lines(images)
    told = next((match for line in lines if (match := _DECLARED.match(line))), None)
    poses = list(_text_images(lines, images))
    return Model({c.number: c for c in _text_cameras(cameras)}, poses, None if told is None else int(told[1]))


def count_images(images: Path) -> int:
    """The number of images in an images.bin or images.txt; 0 if it cannot be read."""
    try:
        if images.suffix.lower() == ".bin":
            return _Reader(images).count(73)
        return sum(1 for _ in _text_images(_lines(images), images))
    except InputError:
        return 0


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
    for line in _content(_lines(path)):
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


def _text_images(lines: Sequence[str], path: Path) -> Iterator[ModelImage]:
    # COLMAP writes two lines per image: pose and name, then its 2D points, perhaps none. Others leave the second out.
    for line in _content(lines):
        if _are_points(line):
            continue
        words = line.split(maxsplit=9)
        try:
            pose = np.array([float(w) for w in words[1:8]])
            camera, name = int(words[8]), words[9].strip()
        except (ValueError, IndexError):
            raise InputError(f"{path}: not an image: {line[:60]!r}") from None
        yield ModelImage(name, camera, pose[:4], pose[4:])


def _are_points(line: str) -> bool:
    """Whether a line holds x, y and a point's number, any number of times; a pose has ten words or a name."""
    words = line.split()
    if len(words) % 3:
        return False
    try:
        return bool(np.array(words, np.float64).size)
    except ValueError:
        return False


def _content(lines: Sequence[str]) -> Iterator[str]:
    """The lines that are neither empty nor comments."""
    return (line for line in lines if line and not line.startswith("#"))


def _lines(path: Path) -> list[str]:
    """The lines of a text file, stripped."""
    return [line.strip() for line in read_bytes(path).decode("utf-8", "replace").splitlines()]
