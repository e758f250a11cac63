"""Scans cleaned, depth fused and scenes shown by the real Open3D."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_meshes import cube, mesh_of, sphere

from nst3d.cameras.axes import UP_AND_FRONT
from nst3d.cli.main import main
from nst3d.errors import ConfigError, InputError
from nst3d.formats.fields.registry import save_field
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.kinds.mesh.cleaning import as_one
from nst3d.pipeline.meshing.field_mesh import MeshingOptions, fused_mesh, fused_surface
from nst3d.pipeline.meshing.sights import cameras_around, draw_depth_pictures
from nst3d.pipeline.settings.clean import CleanOptions
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.representations.neighbours import Neighbours

with contextlib.suppress(ImportError):  # Open3D's wheel lacks this library of the system's
    import libusb_package

    ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)

pytest.importorskip(
    "open3d", reason="open3d is not installed: pip install 'nst3d[open3d]'", exc_type=ImportError
)
from ball_field import BALL, CENTRE, UP, ball_field

from nst3d.integrations.open3d.clean import clean_scene
from nst3d.integrations.open3d.dress import laid_out
from nst3d.integrations.open3d.fuse import fused_surface as open3d_surface
from nst3d.integrations.open3d.view import open_window_content, save_picture
from nst3d.tensors import ImageSize

pytestmark = pytest.mark.filterwarnings("ignore")


def scan(path: Path, rings: int = 24) -> tuple[Path, np.ndarray]:
    """A ball, its colours its places, written as OBJ with faults: loose faces, repeated faces, a fin, a hole."""
    one = as_one(mesh_of(sphere(rings)))
    kept = one.faces[40:]
    places = one.vertices[kept].reshape(-1, 3)  # each face by itself
    lines = [
        f"v {' '.join(map(repr, [*v, *c]))}" for v, c in zip(places.tolist(), ((places + 1) / 2).tolist())
    ]
    lines.append("v 0 0 3 1 1 1")
    faces = (np.arange(len(places)).reshape(-1, 3) + 1).tolist()
    faces += [faces[0][::-1], [*faces[100][:2], len(lines)]]
    path.write_text("\n".join([*lines, *(f"f {a} {b} {c}" for a, b, c in faces)]) + "\n")
    return path, one.vertices


def cloud(path: Path, normals: bool) -> Path:
    """Points on the unit ball, shaded by their places, without its lowest part."""
    places = np.random.default_rng(0).normal(size=(6000, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    places = places[places[:, 2] > -0.8]
    stray = np.array([[0.0, 0, 4]])
    columns = [np.concatenate([places, stray]), np.concatenate([(places + 1) / 2, stray * 0])]
    columns += [np.concatenate([places, stray / 4])] if normals else []
    np.savetxt(path, np.concatenate(columns, axis=1))
    return path


def test_numba_does_not_complain_of_open3d_s_threads() -> None:
    code = (
        "import ctypes, contextlib\n"
        "with contextlib.suppress(ImportError):\n"
        "    import libusb_package; ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)\n"
        "from nst3d.integrations.open3d.package import open3d; open3d('test')\n"
        "from numba.np.ufunc.parallel import _launch_threads; _launch_threads()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "TBB" not in done.stderr


def test_a_scan_is_cleaned_and_decimated(tmp_path) -> None:
    path, places = scan(tmp_path / "scan.obj")
    notes: list[str] = []
    part = clean_scene(path, CleanOptions(faces=600), notes.append).parts[0]
    told = "; ".join(notes)
    for word in ("merged vertices: ", "duplicate faces: 1", "edges removed: 1", "decimated from", "holes: 1"):
        assert word in told
    assert 550 <= len(part.faces) <= 600
    assert np.abs(np.linalg.norm(part.vertices, axis=1) - 1).max() < 0.05  # the fin is gone
    assert np.abs(part.colours - (part.vertices + 1) / 2).mean() < 0.03  # colours go where the vertices go
    again = clean_scene(path, CleanOptions(faces=0), notes.append).parts[0]
    assert {tuple(v) for v in again.vertices} <= {tuple(v) for v in places}
    assert len(again.vertices) < 0.6 * len(again.faces)


@pytest.mark.parametrize("normals", [True, False])
def test_points_become_a_coloured_mesh(tmp_path, normals) -> None:
    notes: list[str] = []
    path = cloud(tmp_path / "a.xyz", normals)
    part = clean_scene(path, CleanOptions(), notes.append).parts[0]
    told = "; ".join(notes)
    assert "stray points: 1" in told
    assert ("estimated" in told) != normals
    assert np.abs(np.linalg.norm(part.vertices, axis=1) - 1).max() < 0.08
    assert "holes: 1" in told
    assert part.vertices[:, 2].min() > -0.95  # what was not scanned is not made up
    assert np.abs(part.colours - (part.vertices + 1) / 2).mean() < 0.03
    corners = part.vertices[part.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("fk,fk->f", normal, corners.mean(1)) > 0).mean() > 0.99


@pytest.mark.parametrize("far", [np.zeros(3), np.array([500_000, 5_800_000, 100])])
def test_clouds_may_stand_anywhere(tmp_path, far) -> None:
    places = np.random.default_rng(0).normal(size=(400, 3))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    np.savetxt(tmp_path / "a.xyz", places + far, fmt="%.9f")
    part = clean_scene(tmp_path / "a.xyz", CleanOptions(depth=5), [].append).parts[0]
    assert np.abs(np.linalg.norm(part.vertices - far, axis=1) - 1).max() < 0.15


@pytest.mark.parametrize("axis", [0, 2])
def test_flat_clouds_have_a_surface(tmp_path, axis) -> None:
    places = np.insert(np.random.default_rng(0).random((900, 2)), axis, 7.0, axis=1)
    np.savetxt(tmp_path / "a.xyz", places)
    part = clean_scene(tmp_path / "a.xyz", CleanOptions(depth=5), [].append).parts[0]
    assert np.abs(part.vertices[:, axis] - 7).max() < 0.01


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (np.linspace(0, 1, 90)[:, None] * [1, 2, 3], "lie on a line"),
        (np.linspace(0, 1, 90)[:, None] * [1, 2, 3] + [5e5, 5.8e6, 0], "lie on a line"),
        (np.random.default_rng(0).random((40, 3)), "has 40 distinct points, a surface needs at least 50"),
        (np.ones((90, 3)), "has 1 distinct points"),
    ],
)
def test_clouds_that_make_no_surface(tmp_path, places, message) -> None:
    np.savetxt(tmp_path / "a.xyz", places, fmt="%.9f")
    with pytest.raises(InputError, match=rf"a\.xyz: .*{message}"):
        clean_scene(tmp_path / "a.xyz", CleanOptions(), [].append)


def test_an_octree_s_depth_is_for_points(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"`clean\.depth`: is for point clouds"):
        clean_scene(scan(tmp_path / "scan.obj")[0], CleanOptions(depth=6), [].append)


def test_a_scan_is_painted_clean(tmp_path) -> None:
    write_image(tmp_path / "style.png", np.random.default_rng(0).random((40, 40, 3)))
    out = tmp_path / "out"
    command = ["paint", str(cloud(tmp_path / "a.xyz", True)), "--style", str(tmp_path / "style.png")]
    command += ["--out", str(out), "--clean", "--clean-faces", "500", "--size", "32", "--iterations", "2"]
    command += ["--quiet", "--settings.output.no-turntable", "--settings.rig.views", "4"]
    assert main(command) == 0
    assert (out / "painted.glb").exists()
    assert "clean:\n  faces: 500" in (out / "config.yaml").read_text()


def test_fusion_agrees_with_the_built_in(tmp_path) -> None:
    """Chamfer distance below half a cell, and both near the true ball."""
    field = ball_field(nodes=36, views=18)
    renderer = VoxelRenderer(field)
    cameras = cameras_around(field.space, UP, 120)
    sights = draw_depth_pictures(renderer, cameras, field.colours, 0.0, lambda done: None)
    options = MeshingOptions(resolution=48, faces=0, smoothing=0)
    places = []
    for fuse in (fused_surface, open3d_surface):
        mesh, lattice = fused_mesh(field.space, sights, UP, options, "ball", fuse)
        places.append(mesh.parts[0].vertices)
    cell = float(lattice.cells(np.asarray(CENTRE, float)[None])[0])
    there = Neighbours(places[0]).of(places[1], 1)[1]
    back = Neighbours(places[1]).of(places[0], 1)[1]
    assert (there.mean() + back.mean()) / 2 < 0.5 * cell
    for found in places:
        assert abs(np.linalg.norm(found - CENTRE, axis=1).mean() - BALL) < cell


@pytest.mark.parametrize("shown", [True, False])
def test_fusion_of_pictures_without_depth(shown) -> None:
    """Empty, or behind what the lattice holds, as in the built-in way."""
    field = ball_field(nodes=24, views=4)
    sights = draw_depth_pictures(VoxelRenderer(field), field.cameras, field.colours, 0.0, lambda done: None)
    depth = np.float32(1e6) if shown else np.float32(np.inf)
    empty = [replace(sight, depth=np.full_like(sight.depth, depth)) for sight in sights]
    options = MeshingOptions(resolution=24)
    for fuse in (fused_surface, open3d_surface):
        with pytest.raises(InputError, match="its pictures show no surface"):
            fused_mesh(field.space, empty, UP, options, "ball", fuse)


def test_a_picture_without_a_window(tmp_path) -> None:
    path, _ = scan(tmp_path / "scan.obj")
    try:
        save_picture(open_window_content(path), tmp_path / "a.png", ImageSize(120, 160))
    except ConfigError as error:
        pytest.skip(f"this machine draws no pictures: {error}")
    pixels = read_image(tmp_path / "a.png").pixels
    assert pixels.shape == (120, 160, 3)
    assert (pixels[0, 0] == 1).all()
    assert (pixels < 0.9).any(2).mean() > 0.02
    edge = np.concatenate([pixels[[0, -1]].reshape(-1, 3), pixels[:, [0, -1]].reshape(-1, 3)])
    assert (edge == 1).all()


def test_all_of_a_box_is_in_its_picture(tmp_path, capfd, monkeypatch) -> None:
    """Its textures repeat, and each side has another copy of them."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    one = cube()
    write_image(tmp_path / "green.png", np.tile([0.1, 0.9, 0.1], (8, 8, 1)))
    (tmp_path / "a.mtl").write_text("newmtl m\nmap_Kd green.png\n")
    lines = ["mtllib a.mtl", *(f"v {x} {y} {z}" for x, y, z in one.vertices)]
    lines += ["vt 3.1 -2.9", "vt 3.9 -2.9", "vt 3.9 -0.1", "usemtl m"]
    lines += [f"f {a}/1 {b}/2 {c}/3" for a, b, c in one.faces + 1]
    (tmp_path / "a.obj").write_text("\n".join(lines) + "\n")
    try:
        save_picture(open_window_content(tmp_path / "a.obj"), tmp_path / "a.png", ImageSize(100, 100))
    except ConfigError as error:
        pytest.skip(f"this machine draws no pictures: {error}")
    pixels = read_image(tmp_path / "a.png").pixels
    edge = np.concatenate([pixels[[0, -1]].reshape(-1, 3), pixels[:, [0, -1]].reshape(-1, 3)])
    assert (edge == 1).all()
    green = (pixels[..., 1] > pixels[..., 0] + 0.2).mean()
    assert green > 0.15
    assert "XDG_RUNTIME_DIR" not in capfd.readouterr().err
    assert "XDG_RUNTIME_DIR" not in os.environ


def test_textures_are_laid_out_as_often_as_a_face_spans_them() -> None:
    places = np.array([[3.25, 3.5, 4.0], [-1.5, -0.25, 0.75]])
    inside, row = laid_out(places, 4, "repeat")
    assert row.tolist() == [*range(4)] * 3
    np.testing.assert_allclose(inside * 3, [[0.25, 0.5, 1.0], [0.5, 1.75, 2.75]])
    inside, row = laid_out(places, 2, "mirror")
    assert row.tolist() == [0, 1, 1, 0, 0, 1]
    np.testing.assert_allclose(inside * 3, [[1.25, 1.5, 2.0], [0.5, 1.75, 2.75]])
    inside, row = laid_out(places[1:], 2, "clamp")
    assert row.tolist() == [0, 0, 0, 0, 0, 1]
    np.testing.assert_allclose(inside * 3, [[0.5, 1.75, 2.75]])


def test_one_point_is_nothing_to_look_at(tmp_path) -> None:
    (tmp_path / "a.xyz").write_text("1 2 3\n1 2 3\n")
    with pytest.raises(InputError, match=r"a\.xyz: everything is at one point"):
        open_window_content(tmp_path / "a.xyz")


@pytest.mark.parametrize("up", ["-z", "x"])
def test_up_can_be_said(tmp_path, up) -> None:
    look = open_window_content(cloud(tmp_path / "a.xyz", False), up)
    np.testing.assert_array_equal([look.orientation.up, look.orientation.front], UP_AND_FRONT[up])


def test_points_and_fields_as_points(tmp_path) -> None:
    look = open_window_content(cloud(tmp_path / "a.xyz", False))
    assert len(look.geometries[0].points) > 4000
    save_field(tmp_path / "ball.npz", ball_field(nodes=24, views=8))
    places = np.asarray(open_window_content(tmp_path / "ball.npz").geometries[0].points)
    assert abs(np.median(np.linalg.norm(places - CENTRE, axis=1)) - BALL) < 0.1 * BALL


def test_meshes_are_lit_by_their_own_normals(tmp_path) -> None:
    """Of a ball whose file says that all of it looks up."""
    path = tmp_path / "ball.ply"
    one = as_one(mesh_of(sphere(8)))
    header = "ply\nformat ascii 1.0\n"
    header += f"element vertex {len(one.vertices)}\n"
    header += "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz"))
    header += f"element face {len(one.faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    rows = [f"{x} {y} {z} 0 1 0" for x, y, z in one.vertices] + [f"3 {a} {b} {c}" for a, b, c in one.faces]
    path.write_text(header + "\n".join(rows) + "\n")
    (shown,) = open_window_content(path).geometries
    assert np.allclose(np.asarray(shown.vertex_normals), [0, 1, 0])
    assert shown.has_triangle_normals()  # else Open3D lights nothing


def test_no_window_without_a_display(tmp_path, monkeypatch, capsys) -> None:
    if sys.platform != "linux":
        pytest.skip("only there a display may be missing")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert main(["view", str(scan(tmp_path / "scan.obj")[0]), "--desktop"]) == 1
    assert "no display" in capsys.readouterr().err
