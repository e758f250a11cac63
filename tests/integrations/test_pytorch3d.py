"""Views compiled from PyTorch3D's fragments, held to those that Embree finds, and painting with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from small_meshes import (
    CUBE_TEXTURE,
    camera_at,
    cube,
    mesh_of,
    noise,
    quad,
    sphere,
    texel_surface,
    vertex_surface,
)

from nst3d.cameras.lens import BrownConrady
from nst3d.cameras.pinhole import Camera
from nst3d.cli.main import main
from nst3d.errors import ConfigError
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.images.io import write_image
from nst3d.integrations.pytorch3d.fragments import Rasteriser, rasterised
from nst3d.renderers.mesh import MeshRenderer, MeshViewOptions
from nst3d.renderers.raycast import Hits, Raycaster
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.tensors import Array, ImageSize

reason = "PyTorch3D is not installed: pip install 'nst3d[pytorch3d]'"
pytest.importorskip("pytorch3d", reason=reason)

CPU = torch.device("cpu")
INSIDE = 2e-3
"""Difference of pictures where both see the same faces: float32 in the image against float32 in space."""
EDGES = 0.02
"""Share of covered pixels of which a sample sees another face."""
JUMPS = 0.003
"""Share of covered pixels that differ by more than INSIDE: silhouettes and overlaps, where faces do not meet."""
REAL = {
    "lighthouse": "scenes/lighthouse/lighthouse.glb",
    "bunny": "meshes/untextured/stanford-bunny.obj",
    "spot": "meshes/textured/spot/spot_triangulated.obj",
}
SURFACES = {
    "cube texels": lambda: texel_surface(cube(), CUBE_TEXTURE),
    "sphere texels": lambda: texel_surface(sphere(), ImageSize(16, 32)),
    "sphere vertices": lambda: vertex_surface(sphere(), 0.2),
}


@pytest.fixture(params=SURFACES.values(), ids=SURFACES.keys())
def surface(request) -> Surface:
    return request.param()


def renderers(surface: Surface) -> tuple[MeshRenderer, MeshRenderer]:
    """Embree's, PyTorch3D's."""
    own = MeshRenderer(surface)
    return own, MeshRenderer(surface, own.caster, Rasteriser(surface, CPU))


def differing(a: Hits, b: Hits, samples: int) -> Array:
    """Pixels (h, w) any of whose samples sees another face."""
    height, width = a.face.shape[0] // samples, a.face.shape[1] // samples
    return (a.face != b.face).reshape(height, samples, width, samples).any((1, 3))


def check_agreement(surface: Surface, camera: Camera) -> None:
    own, theirs = renderers(surface)
    edges = differing(own.fragments.view(camera, 2), theirs.fragments.view(camera, 2), 2)
    views = [r.compile_lit(camera, 2, ("none", "studio")) for r in (own, theirs)]
    colours = torch.from_numpy(noise(surface.num_colours, 3))
    covered = int((views[0][0].coverage > 0).sum())
    assert edges.sum() <= EDGES * covered + 2
    for one, other in zip(*views):
        gap = (one.render(colours, 0.5) - other.render(colours, 0.5)).abs().amax(-1).numpy()
        assert gap[~edges].max() < INSIDE
        assert (gap > INSIDE).sum() <= JUMPS * covered + 1


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("position", [(1.2, 0.8, 2.5), (-2, 0.3, 1)])
def test_real_meshes_look_the_same(name, position, request) -> None:
    path = Path(REAL[name])
    if path.parts[0] == "scenes":
        mesh = load_mesh(request.getfixturevalue("scenes_dir").parent / path)
    else:
        mesh = load_mesh(request.getfixturevalue("data_dir") / path)
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    check_agreement(surface, camera_at(position, ImageSize(160, 200)))


@pytest.mark.parametrize("position", [(1, 2, 3), (0, 0, 3), (-2, 0.3, 1)])
def test_textures_and_cameras_of_all_kinds(surface, position) -> None:
    camera = camera_at(position, ImageSize(45, 70))
    check_agreement(surface, camera)
    check_agreement(surface, replace(camera, aspect=1.4, centre=(20.3, 30.1)))
    check_agreement(surface, camera.cropped(7, 11, ImageSize(33, 17)))


def test_white_furnace(surface) -> None:
    """White colours on white give exactly white."""
    view = renderers(surface)[1].compile(camera_at((1, 2, 3), 33))
    white = view.render(torch.ones(view.num_colours, 3), 1.0)
    assert torch.equal(white, torch.ones(33, 33, 3))
    assert 0.1 < view.coverage.mean() < 0.9


@pytest.mark.parametrize("side", [1, -1])
def test_faces_have_two_sides_and_no_gap_between_them(side) -> None:
    """Samples lie exactly on the diagonal on which the two faces meet."""
    surface = vertex_surface(quad())
    camera = camera_at((0, 0, 2 * side), 8, 2 * np.arctan(2**-0.5 / 2))
    view = renderers(surface)[1].compile(camera, MeshViewOptions(samples=1))
    assert torch.equal(view.coverage, torch.ones(8, 8, 1))


@pytest.mark.parametrize("position", [(0.1, 0.05, 0.2), (0.3, 0.1, 0.05), (0.01, 0.02, 3**-0.5 - 1e-2)])
def test_from_inside_faces_are_cut_at_the_camera(position) -> None:
    surface = vertex_surface(cube())
    camera = camera_at(position, ImageSize(40, 60), 2.2)
    own, theirs = Raycaster(surface).view(camera, 1), Rasteriser(surface, CPU).view(camera, 1)
    same = own.face == theirs.face
    assert same.mean() > 0.98
    for a, b in ((own.u, theirs.u), (own.v, theirs.v), (own.depth, theirs.depth)):
        np.testing.assert_allclose(a[same], b[same], atol=2e-3)


@pytest.mark.parametrize("depth", [0.3, 3**-0.5 - 1e-2, 3**-0.5 - 1e-6])
def test_from_inside_there_is_no_gap_either(depth) -> None:
    """The view is symmetric: samples lie exactly on the edges of faces, which are cut off behind the camera."""
    hits = Rasteriser(vertex_surface(cube()), CPU).view(camera_at((0, 0, depth), ImageSize(40, 60), 2.2), 1)
    assert (hits.face >= 0).all()


def test_a_camera_that_sees_nothing(surface) -> None:
    hits = Rasteriser(surface, CPU).view(camera_at((0, 0, 3)).cropped(0, 0, ImageSize(2, 2)), 2)
    assert hits.face.shape == (4, 4)
    assert (hits.face == -1).all()
    assert np.isinf(hits.depth).all()


def test_tiles_are_rasterised_like_the_whole_image() -> None:
    """Against PyTorch3D's own MeshRasterizer with its own OpenCV camera, which asks every face at every pixel."""
    from pytorch3d.renderer import MeshRasterizer, RasterizationSettings
    from pytorch3d.structures import Meshes
    from pytorch3d.utils import cameras_from_opencv_projection

    surface = vertex_surface(sphere())
    camera = camera_at((1, 2, 3), ImageSize(48, 64))
    matrix = torch.tensor(
        [[camera.focal, 0, camera.centre[0]], [0, camera.focal, camera.centre[1]], [0, 0, 1]]
    )
    to_camera = torch.from_numpy(np.linalg.inv(camera.camera_to_world)).float()
    size = torch.tensor([camera.size])
    cameras = cameras_from_opencv_projection(
        to_camera[None, :3, :3], to_camera[None, :3, 3], matrix[None], size
    )
    meshes = Meshes([torch.from_numpy(surface.positions)], [torch.from_numpy(surface.faces).long()])
    found = MeshRasterizer(cameras, RasterizationSettings(image_size=tuple(camera.size), bin_size=0))(meshes)
    hits = Rasteriser(surface, CPU).view(camera, 1)
    same = hits.face == found.pix_to_face[0, ..., 0].numpy()
    assert same.mean() > 0.999
    seen = same & (hits.face >= 0)
    weights = found.bary_coords[0, :, :, 0].numpy()[seen]
    np.testing.assert_allclose(np.stack([hits.u, hits.v], -1)[seen], weights[:, 1:], atol=1e-3)
    np.testing.assert_allclose(hits.depth[seen], found.zbuf[0, ..., 0].numpy()[seen], atol=1e-4)


def test_small_batches_change_nothing(surface, monkeypatch) -> None:
    camera = camera_at((1, 2, 3), ImageSize(40, 60))
    whole = Rasteriser(surface, CPU).view(camera, 2)
    monkeypatch.setattr("nst3d.integrations.pytorch3d.fragments._BATCH", 5)
    parts = Rasteriser(surface, CPU).view(camera, 2)
    for name in ("face", "u", "v", "depth"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))


def test_a_lens_is_refused(surface) -> None:
    camera = replace(camera_at((1, 2, 3)), lens=BrownConrady(k1=0.1))
    with pytest.raises(ConfigError, match="renderer to embree"):
        rasterised(CPU)(surface).view(camera, 2)


def test_paint_with_it_from_the_command_line(tmp_path, capfd) -> None:
    """The same paint as with Embree's views, but for what edges change; the run's config.yaml names the renderer."""
    mesh = mesh_of(cube())
    paint = paint_vertices(mesh, 0.5, 1000)
    save_mesh(tmp_path / "cube.glb", mesh, paint, noise(paint.num_colours, 3))
    write_image(tmp_path / "style.png", np.kron(noise(8, 8, 3), np.ones((6, 6, 1), np.float32)))
    small = [
        "--iterations",
        "3",
        "--size",
        "48",
        "--settings.rig.views",
        "4",
        "--settings.rig.max-views",
        "4",
    ]
    small += ["--settings.output.no-turntable", "--settings.output.size", "64", "--quiet"]
    colours = []
    for renderer in ("pytorch3d", "embree"):
        out = tmp_path / renderer
        files = [str(tmp_path / "cube.glb"), "--style", str(tmp_path / "style.png"), "--out", str(out)]
        assert main(["paint", *files, *small, "--renderer", renderer]) == 0, capfd.readouterr().err
        assert yaml.safe_load((out / "config.yaml").read_text())["settings"]["renderer"] == renderer
        colours.append(load_mesh(out / "painted.glb").parts[0].colours)
    assert colours[0] is not None
    assert np.abs(colours[0][:, :3] - colours[1][:, :3]).mean() < 0.02


def test_other_scenes_than_meshes_are_refused(tmp_path, capfd) -> None:
    write_image(tmp_path / "photo.png", noise(40, 40, 3))
    picture = str(tmp_path / "photo.png")
    given = ["paint", picture, "--style", picture, "--out", str(tmp_path / "out"), "--renderer", "pytorch3d"]
    assert main(given) == 1
    assert "--renderer pytorch3d is for meshes" in capfd.readouterr().err
