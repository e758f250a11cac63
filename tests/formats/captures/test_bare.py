"""Photographs and videos without poses: recognised by every command, with the way to poses."""

from __future__ import annotations

from pathlib import Path

import pytest
from capture_samples import write_llff, write_pictures, write_transforms

from nst3d.cli.main import main
from nst3d.errors import InputError
from nst3d.formats.captures.registry import load_capture
from nst3d.pipeline.kinds.any_scene import load
from nst3d.pipeline.kinds.registry import open_path

NAMES = [f"IMG_{i}.jpg" for i in range(3)]
WAY = r"nst3d capture .*--out capture/, then nst3d reconstruct"


@pytest.fixture(params=["photographs", "photographs in images", "video"])
def bare(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "video":
        (tmp_path / "my clip.MOV").write_bytes(b"\0\0\0\x18ftypqt  ")
        return tmp_path / "my clip.MOV"
    write_pictures(tmp_path / ("images" if "in" in request.param.split() else ""), NAMES)
    (tmp_path / ".DS_Store").write_bytes(b"junk")
    (tmp_path / "notes.txt").write_text("of our cat")
    return tmp_path


def test_the_way_to_poses_is_named(bare: Path, scenes_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert open_path(bare).kind.name == "photographs"
    for call in (load, load_capture):
        with pytest.raises(InputError, match=WAY):
            call(bare)
    style = str(scenes_dir / "styles/ink_wash.jpg")
    out = str(bare.parent / "out")
    for words in (["paint", str(bare), "--style", style, "--out", out], ["inspect", str(bare)],
                  ["reconstruct", str(bare), "--out", out], ["render", str(bare), "--out", f"{out}.mp4"],
                  ["export", str(bare), "--out", f"{out}.glb"]):  # fmt: skip
        assert main(words) == 1
        error = capsys.readouterr().err
        assert "without camera poses" in error, words
        assert "nst3d capture" in error, words


def test_what_has_poses_or_a_scene_is_something_else(tmp_path: Path) -> None:
    write_llff(tmp_path / "llff")
    write_transforms(tmp_path / "transforms")
    for name in ("llff", "transforms"):
        assert open_path(tmp_path / name).kind.name == "capture"
    write_pictures(tmp_path / "model", NAMES)
    (tmp_path / "model/a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    assert open_path(tmp_path / "model").kind.name == "mesh"
    write_pictures(tmp_path / "two", NAMES[:2])
    with pytest.raises(InputError, match="no capture found"):
        load_capture(tmp_path / "two")
