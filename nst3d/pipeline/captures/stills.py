"""Gathers photographs or frames of a video as stills: upright files with plain names in one folder."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from nst3d.errors import InputError
from nst3d.files import PathLike, replacing, write_bytes
from nst3d.formats.captures.bare import VIDEOS
from nst3d.formats.picture import is_picture
from nst3d.images.exif import CameraNotes, read_camera_notes
from nst3d.images.io import encode_png, read_image
from nst3d.images.levels import to_bytes
from nst3d.pipeline.captures.poses import Count, Still
from nst3d.tensors import ImageSize
from nst3d.video.choose import MEASURED, choose_frames, measure_frames
from nst3d.video.decode import read_frames, read_grey

FEWEST = 3
"""Number of photographs below which no place can be captured."""
_JPEG = {"quality": 95, "subsampling": 0}
_GLANCE = 100_000
"""Number of pixels to which a photograph is reduced when it is only checked: a JPEG then decodes faster."""
_UNREAD = (".heic", ".heif")
"""Suffixes of photographs by phones that are not read."""
_SOUGHT = "expected a folder of photographs or a video"


def is_video(path: PathLike) -> bool:
    """Whether a path has the suffix of a video."""
    return Path(path).suffix.lower() in VIDEOS


def find_photographs(source: Path) -> list[Path]:
    """The pictures in a folder, or in its folder images or input if it has none itself, sorted by name.

    Hidden files are left out. Raises InputError for fewer than three, and for what is no folder.
    """
    if not source.exists():
        raise InputError(f"{source}: no such file or folder, {_SOUGHT}")
    if not source.is_dir():
        raise InputError(f"{source}: is neither a folder nor a video ({', '.join(VIDEOS)}), {_SOUGHT}")
    found: list[Path] = []
    unread = 0
    for folder in (source, source / "images", source / "input"):
        if not found and folder.is_dir():
            files = [p for p in folder.iterdir() if not p.name.startswith(".")]
            found = sorted(filter(is_picture, files))
            unread += sum(p.suffix.lower() in _UNREAD for p in files)
    if len(found) < FEWEST:
        if unread:
            raise InputError(
                f"{source}: has {len(found)} photographs that can be read, and {unread} in HEIC, which cannot; convert"
                " those to JPEG"
            )
        raise InputError(
            f"{source}: has {len(found)} photographs; at least {FEWEST} are needed, and 20 to 200 that overlap"
            " work best"
        )
    return found


def gather_photographs(paths: Sequence[Path], folder: Path, count: Count) -> list[Still]:
    """Copy photographs into a folder; upright JPEG and PNG files as they are, others are turned or converted.

    Raises InputError for a file that is not a picture, OutputError if something cannot be written.
    """
    notes = [read_camera_notes(path) for path in paths]
    stills = []
    for index, (name, path, noted) in enumerate(zip(_plain_names(paths, notes), paths, notes)):
        count("copying", index, len(paths))
        if noted.upright and noted.plain:
            read_image(path, _GLANCE)  # a damaged one is named now, and not met by another program
            with replacing(folder / name) as temporary:
                shutil.copyfile(path, temporary)
        else:
            _write_upright(path, folder / name)
        stills.append(Still(name, noted.size, noted.focal, noted.camera))
    count("copying", len(paths), len(paths))
    return stills


def gather_frames(video: Path, folder: Path, most: int, count: Count) -> list[Still]:
    """Write the sharp, overlapping frames of a video into a folder, as frame_00042.jpg for its 43rd frame.

    Raises InputError for a video that cannot be read or has fewer than three frames, OutputError if something
    cannot be written.
    """
    measures = measure_frames(_counted(read_grey(video, MEASURED), count))
    numbers = choose_frames(measures, most)
    if len(numbers) < FEWEST:
        raise InputError(f"{video}: has {len(numbers)} frames; at least {FEWEST} are needed")
    stills = []
    for index, (number, frame) in enumerate(zip(numbers, read_frames(video, numbers))):
        count("choosing frames", index, len(numbers))
        name = f"frame_{number:05d}.jpg"
        buffer = io.BytesIO()
        Image.fromarray(frame).save(buffer, "JPEG", **_JPEG)
        write_bytes(folder / name, buffer.getvalue())
        stills.append(Still(name, ImageSize(*frame.shape[:2]), None, "video"))
    count("choosing frames", len(numbers), len(numbers))
    return stills


def _counted(frames: Iterable[Any], count: Count) -> Iterator[Any]:
    done = 0
    for frame in frames:
        yield frame
        done += 1
        count("reading the video", done, 0)
    count("reading the video", done, done)


def _write_upright(path: Path, target: Path) -> None:
    picture = read_image(path)
    if target.suffix == ".png":
        write_bytes(target, encode_png(picture.pixels, picture.alpha))
        return
    buffer = io.BytesIO()
    Image.fromarray(to_bytes(picture.pixels)).save(buffer, "JPEG", **_JPEG)
    write_bytes(target, buffer.getvalue())


def _plain_names(paths: Sequence[Path], notes: Sequence[CameraNotes]) -> list[str]:
    """A file name for each photograph, without what COLMAP's lists cannot hold; no two are the same."""
    taken: set[str] = set()
    names = []
    for path, noted in zip(paths, notes):
        suffix = path.suffix if noted.plain else ".png"
        stem = re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem)
        name, more = f"{stem}{suffix}", 2
        while name.lower() in taken:
            name, more = f"{stem}_{more}{suffix}", more + 1
        taken.add(name.lower())
        names.append(name)
    return names
