"""Reduced photographs that are kept for the next run."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst3d.cameras.pinhole import Camera
from nst3d.formats.captures.photos import load_reduced
from nst3d.pipeline.captures import kept
from nst3d.pipeline.captures.kept import KeptPhotographs
from nst3d.pipeline.runtime.caches import cache_folder
from nst3d.representations.capture import Photo
from nst3d.tensors import Array, ImageSize

SMALL = ImageSize(12, 16)
BYTES = 12 * 16 * 3 * 4


def photo_at(path: Path, seed: int = 0, channels: int = 3) -> Photo:
    pixels = np.random.default_rng(seed).integers(0, 256, (48, 64, channels), np.uint8)
    Image.fromarray(pixels).save(path)
    return Photo(path.name, Camera(np.eye(4), 50.0, (32.0, 24.0), ImageSize(48, 64)), path)


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """The names of photographs that are decoded."""
    names: list[str] = []

    def counted(photo: Photo, size: ImageSize | None = None) -> Array:
        names.append(photo.name)
        return load_reduced(photo, size)

    monkeypatch.setattr(kept, "load_reduced", counted)
    return names


@pytest.mark.parametrize("channels", [3, 4])
def test_the_second_time_nothing_is_decoded_and_nothing_differs(tmp_path, read, channels) -> None:
    photo = photo_at(tmp_path / "p.png", channels=channels)
    first, second = (KeptPhotographs(tmp_path / "kept").load(photo, SMALL) for _ in range(2))
    assert read == ["p.png"]
    assert first.shape == (*SMALL, channels)
    assert (first.dtype, first.tobytes()) == (second.dtype, second.tobytes())


def test_another_size_or_a_changed_file_is_decoded(tmp_path, read) -> None:
    photo = photo_at(tmp_path / "p.png")
    reader = KeptPhotographs(tmp_path / "kept")
    reader.load(photo, SMALL)
    assert reader.load(photo, ImageSize(6, 8)).shape == (6, 8, 3)
    photo_at(tmp_path / "p.png", seed=1)
    os.utime(tmp_path / "p.png", ns=(1, 1))
    changed = reader.load(photo, SMALL)
    assert np.array_equal(changed, load_reduced(photo, SMALL))
    assert len(read) == 3


def test_what_is_damaged_is_decoded_again(tmp_path, read) -> None:
    photo, folder = photo_at(tmp_path / "p.png"), tmp_path / "kept"
    sound = KeptPhotographs(folder).load(photo, SMALL)
    (file,) = folder.iterdir()
    for damage in (file.read_bytes()[:-8], b"", np.full(BYTES // 4, np.nan, "<f4").tobytes()):
        file.write_bytes(damage)
        assert np.array_equal(KeptPhotographs(folder).load(photo, SMALL), sound)
    assert len(read) == 4


def test_the_longest_unused_make_room(tmp_path, read) -> None:
    photos, folder = [photo_at(tmp_path / f"{i}.png", i) for i in range(4)], tmp_path / "kept"
    for photo in photos[:3]:
        KeptPhotographs(folder, 3 * BYTES).load(photo, SMALL)
    for age, file in enumerate(sorted(folder.iterdir())):
        os.utime(file, ns=(age, age))
    KeptPhotographs(folder, 3 * BYTES).load(photos[0], SMALL)  # used: now the latest
    KeptPhotographs(folder, 3 * BYTES).load(photos[3], SMALL)
    assert len(list(folder.iterdir())) == 3
    read.clear()
    for photo in (photos[0], photos[3]):
        KeptPhotographs(folder, 3 * BYTES).load(photo, SMALL)
    assert read == []


def test_a_run_too_large_for_the_room_keeps_what_fits(tmp_path, read) -> None:
    photos, reader = (
        [photo_at(tmp_path / f"{i}.png", i) for i in range(4)],
        KeptPhotographs(tmp_path / "kept", 2 * BYTES),
    )
    for photo in photos:
        reader.load(photo, SMALL)
    assert len(list((tmp_path / "kept").iterdir())) == 2
    read.clear()
    for photo in photos:
        KeptPhotographs(tmp_path / "kept", 2 * BYTES).load(photo, SMALL)
    assert len(read) == 2


def test_nothing_is_kept_of_small_photographs_or_in_a_place_that_is_no_folder(tmp_path, read) -> None:
    photo = photo_at(tmp_path / "p.png")
    KeptPhotographs(tmp_path / "kept").load(photo, ImageSize(40, 60))
    assert not (tmp_path / "kept").exists()
    (tmp_path / "file").write_text("stays")
    assert KeptPhotographs(tmp_path / "file").load(photo, SMALL).shape == (*SMALL, 3)
    assert (tmp_path / "file").read_text() == "stays"


def test_the_place_of_the_cache(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("NST3D_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("NST3D_CACHE")
    assert cache_folder().name == "nst3d"
