"""What is kept of a scene: found again for the same things alone, whole, within bounds, and never trusted."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from random_views import random_view

from nst3d.operators import IdentityView
from nst3d.pipeline.runtime import scene_cache
from nst3d.pipeline.runtime.scene_cache import SceneCache
from nst3d.tensors import ImageSize


@dataclass(frozen=True)
class Setting:
    side: float = 1.0
    names: tuple[str, ...] = ("a", "b")


class Made:
    """Makes a row of numbers, and counts how often."""

    def __init__(self, size: int = 100) -> None:
        self.times, self._size = 0, size

    def __call__(self) -> dict[str, np.ndarray]:
        self.times += 1
        return {"numbers": np.arange(self._size, dtype=np.float32)}


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*"))


def test_the_same_things_find_what_was_made(tmp_path) -> None:
    made = Made()
    for _ in range(2):
        cache = SceneCache.opened(folder=tmp_path).of("x", Setting(), np.arange(6).reshape(2, 3), None)
        assert np.array_equal(cache.arrays(made)["numbers"], np.arange(100))
    assert made.times == 1
    assert len(files_in(tmp_path)) == 1


@pytest.mark.parametrize(
    "things",
    [
        ("y", Setting(), np.arange(6).reshape(2, 3)),
        ("x", Setting(side=1.0000001), np.arange(6).reshape(2, 3)),
        ("x", Setting(names=("ab",)), np.arange(6).reshape(2, 3)),
        ("x", Setting(), np.arange(6).reshape(3, 2)),
        ("x", Setting(), np.arange(6).reshape(2, 3).astype(np.int32)),
        ("x", Setting(), np.arange(1, 7).reshape(2, 3)),
        ("x", Setting(), np.arange(6).reshape(2, 3), None),
    ],
)
def test_other_things_find_nothing(tmp_path, things) -> None:
    made = Made()
    SceneCache.opened(folder=tmp_path).of("x", Setting(), np.arange(6).reshape(2, 3)).arrays(made)
    SceneCache.opened(folder=tmp_path).of(*things).arrays(made)
    assert made.times == 2


def test_another_version_finds_nothing(tmp_path, monkeypatch) -> None:
    made = Made()
    SceneCache.opened(folder=tmp_path).of(1).arrays(made)
    monkeypatch.setattr(scene_cache, "code_digest", lambda: b"another")
    SceneCache.opened(folder=tmp_path).of(1).arrays(made)
    assert made.times == 2


def test_things_without_identity_are_not_kept(tmp_path) -> None:
    made = Made()
    for _ in range(2):
        SceneCache.opened(folder=tmp_path).of(lambda: 1).arrays(made)
    assert made.times == 2
    assert files_in(tmp_path) == []


def test_a_number_counts_as_such_whoever_made_it(tmp_path) -> None:
    made = Made()
    SceneCache.opened(folder=tmp_path).of(np.float64(0.1), np.int64(3)).arrays(made)
    SceneCache.opened(folder=tmp_path).of(0.1, 3).arrays(made)
    assert made.times == 1


@pytest.mark.parametrize("damage", ["cut", "foreign", "flipped", "empty"])
def test_damaged_files_are_made_again_with_one_note(tmp_path, damage) -> None:
    made, notes = Made(), list[str]()
    SceneCache.opened(folder=tmp_path).of(1).arrays(made)
    (path,) = files_in(tmp_path)
    good = path.read_bytes()
    middle = len(good) // 2
    path.write_bytes(
        {
            "cut": good[:middle],
            "foreign": b"GIF89a" + good[6:50],
            "flipped": good[:middle] + bytes([good[middle] ^ 255]) + good[middle + 1 :],
            "empty": b"",
        }[damage]
    )
    cache = SceneCache.opened(notes.append, tmp_path)
    assert np.array_equal(cache.of(1).arrays(made)["numbers"], np.arange(100))
    assert made.times == 2
    assert path.read_bytes() == good
    assert len(notes) == 1
    assert "damaged" in notes[0]
    assert str(path) in notes[0]


def test_what_the_caller_does_not_know_is_made_again(tmp_path) -> None:
    notes: list[str] = []
    SceneCache.opened(folder=tmp_path).of(1).arrays(Made())
    made = Made(7)
    cache = SceneCache.opened(notes.append, tmp_path).of(1)
    assert len(cache.arrays(made, lambda found: len(found["numbers"]) == 7)["numbers"]) == 7
    assert len(notes) == 1
    assert len(SceneCache.opened(folder=tmp_path).of(1).arrays(made)["numbers"]) == 7
    assert made.times == 1


def test_the_longest_unused_go_first(tmp_path) -> None:
    most = 3 * 400
    for number in range(3):
        SceneCache.opened(folder=tmp_path, most=2 * most).of(number).arrays(Made())
        (new,) = [p for p in files_in(tmp_path) if p.stat().st_mtime > 1e6]
        os.utime(new, (number, number))
    SceneCache.opened(folder=tmp_path).of(0).arrays(Made())  # used again: now the latest
    SceneCache.opened(folder=tmp_path, most=sum(p.stat().st_size for p in files_in(tmp_path))).of(3).arrays(
        Made()
    )
    left, made = SceneCache.opened(folder=tmp_path), Made()
    for number in (0, 3, 2):
        left.of(number).arrays(made)
    assert made.times == 0
    left.of(1).arrays(made)
    assert made.times == 1


def test_a_run_does_not_throw_out_its_own(tmp_path) -> None:
    made = Made()
    cache = SceneCache.opened(folder=tmp_path, most=1000)
    for number in range(5):
        cache.of(number).arrays(made)
    assert len(files_in(tmp_path)) == 2  # those beyond the bound are made each time
    for number in range(5):
        cache.of(number).arrays(made)
    assert made.times == 8


def test_views_come_back_to_the_bit_or_are_compiled(tmp_path) -> None:
    view, compiled = random_view(), list[int]()

    def compile():
        compiled.append(1)
        return view

    for _ in range(2):
        found = SceneCache.opened(folder=tmp_path).of("view").view(compile)
        mine, theirs = (v.arrays() for v in (view, found))
        assert mine is not None
        assert theirs is not None
        assert mine.arrays.keys() == theirs.arrays.keys()
        assert all(np.array_equal(mine.arrays[k], theirs.arrays[k]) for k in mine.arrays)
    assert len(compiled) == 1


def test_views_that_cannot_be_stored_are_compiled_each_time(tmp_path) -> None:
    view = IdentityView(ImageSize(2, 3))
    for _ in range(2):
        assert SceneCache.opened(folder=tmp_path).of("view").view(lambda: view) is view
    assert files_in(tmp_path) == []


def test_off_keeps_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_CACHE", "off")
    monkeypatch.chdir(tmp_path)
    made = Made()
    for _ in range(2):
        SceneCache.opened().of(1).arrays(made)
    assert made.times == 2
    assert files_in(tmp_path) == []


def test_the_usual_place_and_one_that_cannot_be_written(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_CACHE", str(tmp_path / "here"))
    SceneCache.opened().of(1).arrays(Made())
    assert len(files_in(tmp_path / "here" / "scenes")) == 1
    (tmp_path / "file").write_text("stays")
    assert len(SceneCache.opened(folder=tmp_path / "file").of(1).arrays(Made())["numbers"]) == 100
    assert (tmp_path / "file").read_text() == "stays"


def test_equal_fields_of_other_kinds_are_other_things(tmp_path) -> None:
    @dataclass(frozen=True)
    class Other:
        side: float = 1.0
        names: tuple[str, ...] = ("a", "b")

    made = Made()
    for thing in (Setting(), Other(), replace(Setting(), side=2)):
        SceneCache.opened(folder=tmp_path).of(thing).arrays(made)
    assert made.times == 3
