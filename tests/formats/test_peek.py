"""A look into a path reads nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from nst3d.formats.io.peek import Peek


def test_what_was_read_is_remembered(tmp_path) -> None:
    (tmp_path / "A.Compressed.PLY").write_bytes(b"ply\n" + bytes(100))
    reads: list[Path] = []

    def size(path: Path) -> int:
        reads.append(path)
        return path.stat().st_size

    peek = Peek(tmp_path / "A.Compressed.PLY")
    assert [peek.once(size), peek.once(size)] == [104, 104]
    assert reads == [peek.path]
    assert peek.start == b"ply\n" + bytes(60)
    peek.path.write_bytes(b"other")
    assert peek.read_start() == b"ply\n" + bytes(60)
    assert peek.suffix == ".ply"
    assert peek.ends_with(".compressed.ply")
    assert not peek.is_folder
    assert Peek.at(peek) is peek
    assert Peek.at(peek.path).start == b"other"


def test_a_folder_and_what_is_missing_start_with_nothing(tmp_path) -> None:
    assert Peek(tmp_path).is_folder
    for path in (tmp_path, tmp_path / "none"):
        assert Peek(path).start == b""
        with pytest.raises(OSError, match=r"directory"):
            Peek(path).read_start()


def test_a_file_that_belongs_to_a_path_is_remembered_too(tmp_path) -> None:
    peek = Peek(tmp_path)
    assert peek.beside(tmp_path) is peek
    assert peek.beside(tmp_path / "a") is peek.beside(tmp_path / "a")
    assert not Peek(tmp_path / ".ply").ends_with(".ply")
