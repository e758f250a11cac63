"""What kind of scene a path is taken for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from ball_field import ball_field
from nerfstudio_samples import splat_state, write_run
from small_meshes import cube, mesh_of, noise
from small_splats import ball

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.cli.main import main
from nst3d.errors import InputError
from nst3d.formats.captures.registry import save_transforms
from nst3d.formats.fields.registry import load_field, save_field
from nst3d.formats.io.peek import Peek
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.formats.picture import load_picture
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.images.io import write_image
from nst3d.pipeline.kinds.registry import all_kinds, open_path
from nst3d.representations.paint import VertexPaint
from nst3d.tensors import ImageSize


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("content/coffee.png", "picture"),
        ("meshes/vertexcolor/fuze.ply", "mesh"),
        ("meshes/gltf/cat.glb", "mesh"),
        ("meshes/textured/spot", "mesh"),
        ("gaussians/derived/playbot_4_0.ply", "splats"),
        ("gaussians/derived/playbot_4_0.compressed.ply", "splats"),
        ("gaussians/derived/playbot_4_0.spz", "splats"),
        ("gaussians/splat/spot_10k.splat", "splats"),
        ("nerf/fox", "capture"),
        ("nerf/fox/transforms.json", "capture"),
        ("nerf/mic_400", "capture"),
    ],
)
def test_real_files(data_dir, name, kind) -> None:
    assert open_path(data_dir / name).kind.name == kind


def test_splats_are_asked_for_before_meshes(tmp_path) -> None:
    splats = ball(20)
    save_splats(tmp_path / "a.ply", splats, splats.colours)
    assert open_path(tmp_path / "a.ply").kind.name == "splats"


def test_archives_by_what_they_hold(tmp_path: Path) -> None:
    np.savez(tmp_path / "capture.npz", images=np.zeros((2, 4, 4, 3)), poses=np.zeros((2, 4, 4)), focal=3.0)
    assert open_path(tmp_path / "capture.npz").kind.name == "capture"
    np.savez(tmp_path / "other.npz", other=np.zeros(3))
    with pytest.raises(InputError, match="neither"):
        open_path(tmp_path / "other.npz")
    with pytest.raises(InputError, match="no such file"):
        open_path(tmp_path / "none")


OPENED: list[str] = []
"""The files that were opened, as Python's own audit hook hears of them: whoever opens them, and however."""
LISTENING: list[bool] = []


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if LISTENING and event == "open" and isinstance(arguments[0], str | os.PathLike):
        OPENED.append(os.fspath(arguments[0]))


@pytest.fixture(scope="module", autouse=True)
def _hearing() -> None:
    sys.addaudithook(_hear)


def test_a_folder_of_scenes_in_folders_names_them(tmp_path: Path) -> None:
    for level in ("0", "1"):
        camera = perspective(look_at(np.array([0, 0, 3.0]), np.zeros(3), np.eye(3)[1]), ImageSize(8, 8), 0.9)
        save_transforms(tmp_path / level, [camera], [noise(8, 8, 3)], splits=["train"])
    with pytest.raises(InputError, match="a folder with 0, 1; give the path of one"):
        open_path(tmp_path)


@contextmanager
def counted(path: Path) -> Iterator[list[int]]:
    """How often a file was opened within, in the list when all is done."""
    start, count = len(OPENED), [0]
    LISTENING.append(True)
    yield count
    LISTENING.pop()
    count[0] = OPENED[start:].count(str(path))


def points() -> bytes:
    header = "ply\nformat binary_little_endian 1.0\nelement vertex 200\n"
    header += "".join(f"property float {axis}\n" for axis in "xyz") + "end_header\n"
    return header.encode() + noise(200, 3).astype("<f4").tobytes()


def a_mesh(path: Path) -> None:
    mesh = mesh_of(cube(colours=noise(8, 3)))
    save_mesh(path, mesh, VertexPaint(mesh.parts, (0,)), mesh.parts[0].colours)


def a_cloud(path: Path) -> None:
    path.write_bytes(points())


def some_splats(path: Path) -> None:
    save_splats(path, ball(60), ball(60).colours)


def a_run(path: Path) -> None:
    os.replace(write_run(path.parent.parent, splat_state()).parent, path.parent)


SCENES: dict[str, tuple[str, Callable[[Path], object], Callable[[Peek], object], int]] = {
    "picture": (
        "a.png",
        lambda path: write_image(path, noise(40, 40, 3)),
        lambda peek: load_picture(peek.path),
        0,
    ),
    "mesh": ("a.ply", a_mesh, load_mesh, 1),
    "field": (
        "a.npz",
        lambda path: save_field(path, ball_field(nodes=12, views=4, pixels=24)),
        load_field,
        1,
    ),
    "splats": ("a.ply", some_splats, load_splats, 1),
    "points": ("a.ply", a_cloud, load_splats, 1),
    "splats of a run": ("run/config.yml", a_run, load_splats, 1),
}
"""The file, what writes it, what loads it once its kind is known, and how often its header is read to tell that."""


class _PaintingError(BaseException):  # an Exception would end in the log file of unexpected errors
    pass


@pytest.mark.parametrize("name", SCENES)
def test_one_paint_reads_what_tells_the_kind_once(name, tmp_path, monkeypatch) -> None:
    file, write, load, looks = SCENES[name]
    scene = tmp_path / file
    write(scene)
    write_image(tmp_path / "style.png", noise(16, 16, 3))
    with counted(scene) as to_tell:
        opened = open_path(scene)
    assert opened.kind.name == name.partition(" ")[0]
    with counted(scene) as again:
        for kind in all_kinds():
            kind.sniff(opened.peek)
        assert opened.told
    with counted(scene) as to_load:
        load(opened.peek)
    assert to_tell == [looks]
    assert again == [0]

    def stop(*_: object) -> None:
        raise _PaintingError

    monkeypatch.setattr("nst3d.pipeline.jobs.paint.Painter", stop)
    fast = ["--settings.rig.views", "4", "--settings.rig.max-views", "4", "--size", "32", "--quiet"]
    given = [
        "paint",
        str(scene),
        "--style",
        str(tmp_path / "style.png"),
        "--out",
        str(tmp_path / "out"),
        *fast,
    ]
    with counted(scene) as to_paint, pytest.raises(_PaintingError):
        main(given)
    # Once to tell what it is, by the loader as often as it must, and once to know it again when resuming.
    assert to_paint == [to_tell[0] + to_load[0] + 1]
    assert to_load[0] <= 2
