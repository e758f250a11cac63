"""Objects of the real Open3D and PyTorch3D are painted in memory, and come back as what they were."""

from __future__ import annotations

import contextlib
import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import cube, noise, sphere
from tiny_jobs import TINY

import nst3d
from nst3d.images.io import write_image
from nst3d.pipeline.settings.surface import SurfaceOptions
from nst3d.stylize.schedule import Schedule, Stage

with contextlib.suppress(ImportError):  # Open3D's wheel lacks this library of the system's
    import libusb_package

    ctypes.CDLL(str(libusb_package.get_library_path()), ctypes.RTLD_GLOBAL)

pytestmark = pytest.mark.filterwarnings("ignore")
BOX = cube()
ROWS, COLUMNS = np.mgrid[:32, :48]
PICTURE = np.stack(
    [ROWS / 31, 0.5 + 0.4 * np.sin(COLUMNS * np.pi / 6), 0.5 + 0.4 * np.sin((ROWS - COLUMNS) * np.pi / 6)],
    axis=2,
).astype(np.float32)
"""(32, 48, 3): darker rows first, and waves of 12 pixels."""
STILL = replace(
    TINY,
    recipe=replace(TINY.recipe, palette_before=0.0),
    schedule=Schedule((Stage(48, 1, 1e-6),)),
    surface=SurfaceOptions(texture_size=96),
)
"""Paints next to nothing, so that the picture comes back, resampled."""


@pytest.fixture(scope="module")
def o3d():
    return pytest.importorskip("open3d", reason="open3d is not installed", exc_type=ImportError)


@pytest.fixture(scope="module")
def p3d():
    pytest.importorskip("pytorch3d.renderer", reason="pytorch3d is not installed", exc_type=ImportError)
    import pytorch3d.renderer
    import pytorch3d.structures

    return pytorch3d


@pytest.fixture(scope="module")
def style(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("style") / "style.png"
    write_image(path, np.kron(noise(8, 8, 3, seed=1), np.ones((6, 6, 1), np.float32)))
    return path


def open3d_box(o3d, uvs: bool = True):
    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(BOX.vertices), o3d.utility.Vector3iVector(BOX.faces)
    )
    if uvs:
        mesh.triangle_uvs = o3d.utility.Vector2dVector(BOX.uvs.reshape(-1, 2))
        image = (PICTURE * 255).astype(np.uint8)
        mesh.textures = [o3d.geometry.Image(np.ascontiguousarray(image))]
        mesh.triangle_material_ids = o3d.utility.IntVector(np.zeros(len(BOX.faces), np.int32))
    return mesh


def test_a_textured_triangle_mesh(o3d, style) -> None:
    mesh = open3d_box(o3d)
    painted = nst3d.paint(mesh, style, TINY)
    assert type(painted) is o3d.geometry.TriangleMesh
    np.testing.assert_array_equal(painted.vertices, mesh.vertices)
    np.testing.assert_array_equal(painted.triangles, mesh.triangles)
    np.testing.assert_allclose(painted.triangle_uvs, mesh.triangle_uvs, atol=1e-12)
    assert len(painted.textures) == 1
    assert np.asarray(painted.textures[0]).std() > 5
    assert np.asarray(mesh.textures[0]).shape == (32, 48, 3)


def test_textures_are_the_right_way_up(o3d, style) -> None:
    mesh = open3d_box(o3d)
    painted = nst3d.paint(mesh, style, STILL)
    old, new = (np.asarray(m.textures[0]).astype(float) for m in (mesh, painted))
    assert new.shape == (64, 96, 3)
    new = new.reshape(32, 2, 48, 2, 3).mean((1, 3))
    assert np.abs(new - old).mean() < 20  # what no face shows is filled anew
    assert np.abs(new[::-1] - old).mean() > 60


def test_several_materials(o3d, style) -> None:
    mesh = open3d_box(o3d)
    other = (np.kron(noise(8, 12, 3, seed=5), np.ones((4, 4, 1))) * 255).astype(np.uint8)
    mesh.textures = [mesh.textures[0], o3d.geometry.Image(np.ascontiguousarray(other))]
    ids = np.arange(len(BOX.faces)) // (len(BOX.faces) // 2)
    mesh.triangle_material_ids = o3d.utility.IntVector(ids.astype(np.int32))
    painted = nst3d.paint(mesh, style, TINY)
    assert len(painted.textures) == 2
    np.testing.assert_array_equal(painted.triangle_material_ids, ids)
    corners = [np.asarray(m.vertices)[np.asarray(m.triangles)] for m in (mesh, painted)]
    np.testing.assert_array_equal(*corners)


def test_a_triangle_mesh_with_vertex_colours(o3d, style) -> None:
    ball = sphere(12)
    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(ball.vertices), o3d.utility.Vector3iVector(ball.faces)
    )
    mesh.vertex_colors = o3d.utility.Vector3dVector(noise(len(ball.vertices), 3).astype(float))
    mesh.compute_vertex_normals()
    painted = nst3d.paint(mesh, style, TINY)
    assert not painted.has_textures()
    assert len(painted.vertex_colors) == len(painted.vertices) == len(painted.vertex_normals)
    assert np.asarray(painted.vertex_colors).std() > 0.02


def test_a_point_cloud_keeps_its_points(o3d, style) -> None:
    ball = sphere(24)
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(ball.vertices))
    cloud.colors = o3d.utility.Vector3dVector(noise(len(ball.vertices), 3).astype(float))
    before = np.array(cloud.colors)
    painted = nst3d.paint(cloud, style, TINY)
    assert type(painted) is o3d.geometry.PointCloud
    np.testing.assert_array_equal(painted.points, cloud.points)
    assert np.abs(np.asarray(painted.colors) - before).mean() > 0.02
    np.testing.assert_array_equal(cloud.colors, before)


def test_open3d_tensors_are_refused(o3d, style) -> None:
    with pytest.raises(nst3d.Nst3dError, match=r"expected .*open3d\.geometry\.TriangleMesh"):
        nst3d.paint(o3d.t.geometry.TriangleMesh.from_legacy(open3d_box(o3d)), style)


def pytorch3d_box(p3d, align: bool = True):
    values, corners = np.unique(BOX.uvs.reshape(-1, 2), axis=0, return_inverse=True)
    looks = p3d.renderer.TexturesUV(
        maps=torch.from_numpy(PICTURE)[None],
        faces_uvs=[torch.from_numpy(corners.reshape(-1, 3))],
        verts_uvs=[torch.from_numpy(values).float()],
        align_corners=align,
    )
    vertices, faces = torch.from_numpy(BOX.vertices).float(), torch.from_numpy(BOX.faces.astype(np.int64))
    return p3d.structures.Meshes([vertices], [faces], looks)


def sampled(meshes, weights: torch.Tensor) -> torch.Tensor:
    """The texture at a place in each face, (f, 3)."""
    from pytorch3d.renderer.mesh.rasterizer import Fragments

    count = len(meshes.faces_packed())
    pixels = torch.arange(count).view(1, 1, count, 1)
    spread = weights.view(1, 1, 1, 1, 3).expand(1, 1, count, 1, 3)
    return meshes.textures.sample_textures(Fragments(pixels, spread * 0, spread, spread[..., 0]))[0, 0, :, 0]


@pytest.mark.parametrize("align", [True, False])
def test_meshes_with_textures_show_the_same_when_nothing_is_painted(p3d, style, align) -> None:
    meshes = pytorch3d_box(p3d, align)
    painted = nst3d.paint(meshes, style, STILL)
    assert type(painted) is p3d.structures.Meshes
    assert type(painted.textures) is p3d.renderer.TexturesUV
    assert torch.equal(painted.verts_packed(), meshes.verts_packed())
    assert torch.equal(painted.faces_packed(), meshes.faces_packed())
    place = torch.tensor([0.2, 0.3, 0.5])
    difference = (sampled(painted, place) - sampled(meshes, place)).abs().mean()
    assert difference < 0.01  # a texture moved by half a texel is 0.03 off


def test_a_batch_of_meshes_with_vertex_colours(p3d, style) -> None:
    ball = sphere(12)
    vertices, faces = torch.from_numpy(ball.vertices).float(), torch.from_numpy(ball.faces.astype(np.int64))
    shades = [torch.from_numpy(noise(len(vertices), 3, seed=k)).float() for k in (1, 2)]
    looks = p3d.renderer.TexturesVertex(shades)
    meshes = p3d.structures.Meshes([vertices, vertices + 1], [faces, faces], looks)
    painted = nst3d.paint(meshes, style, replace(TINY, surface=SurfaceOptions(max_vertices=0)))
    assert len(painted) == 2
    assert type(painted.textures) is p3d.renderer.TexturesVertex
    for number in range(2):
        features = painted.textures.verts_features_list()[number]
        assert features.shape == painted.verts_list()[number].shape


def test_meshes_with_an_atlas_of_faces_are_refused(p3d, style) -> None:
    meshes = pytorch3d_box(p3d)
    meshes.textures = p3d.renderer.TexturesAtlas(torch.rand(1, len(BOX.faces), 4, 4, 3))
    with pytest.raises(
        nst3d.Nst3dError, match="TexturesAtlas cannot be painted; give TexturesUV or TexturesVertex"
    ):
        nst3d.paint(meshes, style, TINY)
