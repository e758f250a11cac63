"""nst3d blend and nst3d export on splats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nst3d.cli.main import main
from nst3d.formats.mesh_files import load_mesh
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.images.levels import from_bytes
from nst3d.representations.splats import Splats

COUNT = 700


@pytest.fixture(scope="module")
def splats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with red.ply and blue.ply: a ball of flat, nearly opaque splats."""
    folder = tmp_path_factory.mktemp("spl ats")
    index = np.arange(COUNT) + 0.5
    z, turn = 1 - 2 * index / COUNT, index * np.pi * (3 - 5**0.5)
    r = np.sqrt(1 - z * z)
    positions = np.stack([r * np.cos(turn), r * np.sin(turn), z], axis=1)
    for name, colour in (("red", (0.9, 0.2, 0.1)), ("blue", (0.1, 0.2, 0.9))):
        ball = Splats(
            positions=positions.astype(np.float32),
            scales=np.full((COUNT, 3), 0.07, np.float32),
            rotations=np.tile(np.array([1, 0, 0, 0], np.float32), (COUNT, 1)),
            opacities=np.full(COUNT, 0.98, np.float32),
            harmonics=np.zeros((COUNT, 1, 3), np.float32),
        )
        save_splats(folder / f"{name}.ply", ball, np.tile(np.array(colour, np.float32), (COUNT, 1)), 1.0)
    return folder


def test_blend_mixes(nst3d, splats) -> None:
    out = splats / "half.ply"
    done = nst3d("blend", splats / "red.ply", splats / "blue.ply", "--alpha", 0.25, "--out", out)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, str(out), "")
    assert np.allclose(load_splats(out).colours, [0.7, 0.2, 0.3], atol=1e-6)


def test_export_makes_a_textured_mesh(nst3d, splats) -> None:
    out = splats / "ball.glb"
    options = ("--resolution", 24, "--view-size", 64, "--views", 16, "--faces", 0, "--quiet")
    done = nst3d("export", splats / "red.ply", "--out", out, *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == str(out)
    assert done.stdout.splitlines()[1].endswith(", from 16 views")
    assert "using cameras all around it" in done.stderr
    mesh = load_mesh(out)
    radii = np.linalg.norm(mesh.parts[0].vertices, axis=1)
    assert np.abs(radii - 1).max() < 0.1
    texture = from_bytes(mesh.textures[0].pixels)
    assert np.abs(texture - [0.9, 0.2, 0.1]).max() < 0.03


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("blend", "red.ply", "blue.ply", "--out", "x.ply"), "--alpha or --weights"),
        (("blend", "red.ply", "blue.ply", "--alpha", 2, "--out", "x.ply"), "expected -0.5 to 1.5"),
        (("blend", "red.ply", "--alpha", 0.5, "--out", "x.ply"), "two scenes"),
        (("blend", "red.ply", "gone.ply", "--alpha", 0.5, "--out", "x.ply"), "gone.ply: no such file"),
        (("blend", "red.ply", "blue.ply", "--weights", "1,2,3", "--out", "x.ply"), "3 numbers for 2 scenes"),
        (("blend", "red.ply", "blue.ply", "--alpha", 0.5, "--out", "blue.ply"), "blue.ply: exists"),
        (
            ("blend", "red.ply", "note.png", "--alpha", 0.5, "--out", "x.ply"),
            "splats and a picture cannot be blended",
        ),
        (("export", "gone.npz", "--out", "x.glb"), "gone.npz: no such file"),
        (("export", "red.ply", "--out", "x.stl"), ".glb, .gltf, .obj"),
        (
            ("export", "red.ply", "--out", "x.glb", "--resolution", 1),
            "--resolution is 1: expected a number from 8",
        ),
        (("export", "red.ply", "--out", "x.glb", "--cameras", "nowhere"), "nowhere"),
        (("export", "red.ply", "--out", "there.glb"), "there.glb: exists; give --overwrite"),
        (("export", "note.txt", "--out", "x.glb"), "neither a voxel field"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(splats, arguments, says, capfd) -> None:
    (splats / "note.txt").write_text("a ball")
    (splats / "there.glb").write_text("kept")
    (splats / "note.png").write_text("told by its name")
    files = (".ply", ".npz", ".glb", ".stl", ".txt", ".png", "nowhere")
    names = [str(splats / a) if str(a).endswith(files) else str(a) for a in arguments]
    assert main(names) == 1
    told = capfd.readouterr().err
    assert told.count("\n") == 1
    assert told.startswith("nst3d: ")
    assert says in told
    assert not list(splats.glob("x.*"))
    assert (splats / "there.glb").read_text() == "kept"
