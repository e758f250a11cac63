"""Options of `nst3d render` that say how the camera flies and what is compared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from nst3d.cli.main import main

KEYS = (
    "keyframes:\n- {position: [0, 0, 5], look_at: [0, 0, 0]}\n- {position: [5, 0, 0], look_at: [0, 0, 0]}\n"
)


def test_keyframes_fade_and_passes(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "keys.yaml").write_text(KEYS)
    cube, out = str(inputs / "cube.glb"), tmp_path / "frames"
    command = ["render", cube, "--path", str(tmp_path / "keys.yaml"), "--out", str(out), "--seconds", "0.5"]
    command += [
        "--fps",
        "8",
        "--size",
        "48x32",
        "--ease",
        "0.3",
        "--loop",
        "--before",
        cube,
        "--fade",
        "0.2:0.8",
    ]
    assert main([*command, "--passes", "depth", "opacity", "--field-of-view", "60", "--quiet"]) == 0
    names = [f"{name}_{k:05d}.png" for name in ("frame", "depth", "opacity") for k in range(4)]
    assert sorted(p.name for p in out.iterdir()) == sorted([*names, "depth.json"])
    assert capsys.readouterr().out == f"{out}\n"


def test_before_beside_after(inputs: Path, tmp_path: Path) -> None:
    cube, out = str(inputs / "cube.glb"), tmp_path / "a.png"
    assert main(["render", cube, "--before", cube, "--out", str(out), "--size", "48x32", "--quiet"]) == 0
    with Image.open(out) as picture:
        assert picture.size == (96, 32)


def test_several_scenes_are_one_film(inputs: Path, tmp_path: Path) -> None:
    cube, out = str(inputs / "cube.glb"), tmp_path / "frames"
    command = ["render", cube, cube, cube, "--out", str(out), "--frames", "3", "--size", "48x32"]
    assert main([*command, "--quiet"]) == 0
    assert len(list(out.iterdir())) == 3
    assert main([*command, "--overwrite", "--before", cube, "--fade", "0.2:0.8"]) == 1


def test_both_scenes_are_checked(inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2", reason="nst3d[video] is not installed")
    cube, out = str(inputs / "cube.glb"), str(tmp_path / "a.mp4")
    command = ["render", cube, "--before", cube, "--out", out, "--frames", "3", "--size", "48x32", "--check"]
    assert main([*command, "--quiet"]) == 0
    said = capsys.readouterr().out.splitlines()[1]
    found = re.fullmatch(
        r"from frame to frame, (0\.\d+) of 1 changes .* \(2 pairs\), and (0\.\d+) in the scene of --before",
        said,
    )
    assert found, said
    assert float(found[1]) == pytest.approx(float(found[2]), abs=0.01)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--path", "zigzag"], "'zigzag' is not known"),
        (["--path", "none.json"], "no such file, expected a camera path"),
        (["--path", "cameras"], "give --cameras, a capture"),
        (["--fade", "0.2:0.8"], "needs --before"),
        (["--fade", "half"], "like 0.3:0.7"),
        (["--at", "half"], "like 0,0.3,1"),
        (["--at", "0,1"], "--at says where several scenes show alone"),
        (["--frames", "3", "--seconds", "2"], "not both"),
        (["--ease", "0.6"], "from 0 to 0.5"),
        (["--keep-specular", "2"], "--keep-specular is 2: expected a number from 0 to 1"),
        (["--cameras", "no_such_capture"], "expected a capture"),
        (["--resume"], "no frames to resume from"),
    ],
)
def test_errors(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    assert (
        main(["render", str(inputs / "cube.glb"), "--out", str(tmp_path / "a.mp4"), "--size", "32", *options])
        == 1
    )
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert says in errors
    assert list(tmp_path.iterdir()) == []
