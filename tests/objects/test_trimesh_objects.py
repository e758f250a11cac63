"""Objects of trimesh are painted in memory, and come back as what they were."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image
from small_meshes import noise
from tiny_jobs import TINY, Listener

import nst3d
from nst3d.images.io import write_image
from nst3d.integrations.objects import OBJECTS, ObjectKind
from nst3d.pipeline.settings.surface import SurfaceOptions

COARSE = replace(TINY, surface=SurfaceOptions(max_vertices=0))


@pytest.fixture(scope="module")
def style(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("style") / "style.png"
    write_image(path, np.kron(noise(8, 8, 3, seed=1), np.ones((6, 6, 1), np.float32)))
    return path


def boxed(material: object) -> trimesh.Trimesh:
    """A box with a UV square for each of its sides, side by side."""
    box = trimesh.creation.box()
    corners, normals = box.vertices[box.faces].reshape(-1, 3), np.repeat(box.face_normals, 3, axis=0)
    number = np.abs(normals).argmax(1) * 2 + (normals.max(1) > 0.5)
    other = [(1, 2), (0, 2), (0, 1)]
    flat = np.array([v[list(other[n // 2])] for v, n in zip(corners, number)]) + 0.5
    uvs = np.c_[(number + 0.05 + 0.9 * flat[:, 0]) / 6, 0.05 + 0.9 * flat[:, 1]]
    looks = trimesh.visual.TextureVisuals(uvs, material)
    return trimesh.Trimesh(corners, np.arange(36).reshape(-1, 3), visual=looks, process=False)


def picture(seed: int = 2) -> Image.Image:
    return Image.fromarray((noise(16, 96, 3, seed=seed) * 255).astype(np.uint8))


def pixels(material: object) -> np.ndarray:
    image = getattr(material, "baseColorTexture", None) or material.image
    return np.asarray(image, np.float32)


def test_a_textured_mesh_gets_a_new_texture_and_nothing_else(style: Path) -> None:
    material = trimesh.visual.material.PBRMaterial(
        name="tin", baseColorTexture=picture(), normalTexture=picture(3), metallicFactor=0.25
    )
    mesh = boxed(material)
    mesh.metadata["made"] = "by hand"
    mesh.vertex_attributes["heat"] = np.arange(len(mesh.vertices))
    before, old = mesh.vertices.copy(), pixels(mesh.visual.material).copy()
    painted = nst3d.paint(mesh, style, TINY)
    assert type(painted) is trimesh.Trimesh
    np.testing.assert_array_equal(painted.vertices, before)
    np.testing.assert_array_equal(painted.faces, mesh.faces)
    np.testing.assert_array_equal(painted.visual.uv, mesh.visual.uv)
    np.testing.assert_array_equal(painted.vertex_attributes["heat"], np.arange(len(before)))
    assert painted.metadata["made"] == "by hand"
    new = painted.visual.material
    assert (new.name, new.metallicFactor) == ("tin", 0.25)
    np.testing.assert_array_equal(np.asarray(new.normalTexture), np.asarray(picture(3)))
    assert pixels(new).std() > 5
    assert pixels(new).mean((0, 1)) == pytest.approx(
        255 * np.asarray(Image.open(style)).mean((0, 1)) / 255, abs=60
    )
    np.testing.assert_array_equal(pixels(mesh.visual.material), old)  # the one that was given is as it was


def test_the_same_colours_as_from_a_file(style: Path, tmp_path: Path) -> None:
    mesh = boxed(trimesh.visual.material.PBRMaterial(baseColorTexture=picture()))
    mesh.export(tmp_path / "box.glb")
    job = nst3d.Job(tmp_path / "box.glb", style, tmp_path / "out", TINY)
    nst3d.run_job(job)
    written = trimesh.load_mesh(tmp_path / "out" / "painted.glb")
    painted = nst3d.paint(trimesh.load_mesh(tmp_path / "box.glb"), style, TINY)
    difference = np.abs(pixels(painted.visual.material).astype(int) - pixels(written.visual.material))
    assert difference.max() <= 1  # sums of several threads round differently
    assert (difference > 0).mean() < 1e-3


def test_simple_materials_stay_simple_and_lose_their_tint(style: Path) -> None:
    material = trimesh.visual.material.SimpleMaterial(picture(), diffuse=(102, 102, 102, 255), glossiness=7)
    painted = nst3d.paint(boxed(material), style, TINY).visual.material
    assert type(painted) is trimesh.visual.material.SimpleMaterial
    assert painted.glossiness == 7
    assert painted.diffuse.tolist() == [255] * 4
    assert painted.image.size[0] > 16


def test_vertex_colours_come_back_on_vertices(style: Path) -> None:
    mesh = trimesh.creation.icosphere(2)
    mesh.visual.vertex_colors = (noise(len(mesh.vertices), 3) * 255).astype(np.uint8)
    painted = nst3d.paint(mesh, style, COARSE)
    assert painted.visual.kind == "vertex"
    assert len(painted.visual.vertex_colors) == len(painted.vertices)
    fine = nst3d.paint(mesh, style, TINY)
    assert fine.is_watertight
    assert fine.visual.vertex_colors[:, :3].std() > 5


def test_face_colours_start_sharp(style: Path) -> None:
    mesh = trimesh.creation.box()
    mesh.visual.face_colors = np.repeat([[255, 0, 0, 255], [0, 0, 255, 255]], 6, axis=0)
    (content,) = nst3d.integrations.objects.kind_of_object(mesh).read(mesh)
    part = content.parts[0]
    shades = part.colours[part.faces]
    assert (shades == shades[:, :1]).all()
    np.testing.assert_array_equal(shades[[0, 11], 0], [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(part.vertices[part.faces], mesh.vertices[mesh.faces])


def test_a_bare_mesh_gets_an_atlas(style: Path) -> None:
    painted = nst3d.paint(trimesh.creation.box(), style, TINY)
    assert painted.visual.kind == "texture"
    assert painted.visual.uv.shape == (len(painted.vertices), 2)
    np.testing.assert_allclose(painted.area, 6)


def test_scenes_keep_nodes_names_and_what_has_no_faces(style: Path) -> None:
    scene = trimesh.Scene()
    scene.add_geometry(boxed(trimesh.visual.material.PBRMaterial(baseColorTexture=picture())), "a", "box")
    move = trimesh.transformations.translation_matrix([3, 0, 0])
    scene.add_geometry(scene.geometry["box"], node_name="b", transform=move)
    scene.add_geometry(trimesh.PointCloud(noise(5, 3)), "dust", "points")
    scene.metadata["title"] = "boxes"
    painted = nst3d.paint(scene, style, TINY)
    assert type(painted) is trimesh.Scene
    assert set(painted.geometry) == set(scene.geometry)
    assert set(painted.graph.nodes_geometry) == set(scene.graph.nodes_geometry)
    for node in scene.graph.nodes_geometry:
        np.testing.assert_array_equal(painted.graph[node][0], scene.graph[node][0])
    assert painted.metadata["title"] == "boxes"
    assert (
        pixels(painted.geometry["box"].visual.material).shape
        != pixels(scene.geometry["box"].visual.material).shape
    )


def test_listeners_hear_of_it(style: Path) -> None:
    heard = Listener()
    nst3d.paint(trimesh.creation.box(), style, TINY, listeners=heard)
    assert heard.steps == 6


def test_what_cannot_be_painted_is_said(style: Path) -> None:
    with pytest.raises(
        nst3d.Nst3dError, match=r"object of builtins\.str: expected .*trimesh\.Scene.*run_job"
    ):
        nst3d.paint("teapot.glb", style)
    with pytest.raises(nst3d.Nst3dError, match=r"the trimesh\.Scene: no faces"):
        nst3d.paint(trimesh.Scene(), style)


def test_other_packages_add_objects(style: Path) -> None:
    class Balloon:
        """A ball of any size."""

        colours: np.ndarray | None = None

    def read(balloon):
        ball = trimesh.creation.icosphere(1)
        return [nst3d.Mesh.of(ball.vertices, ball.faces, np.full((len(ball.vertices), 3), 0.5))]

    def give(balloon, painted):
        made = Balloon()
        made.colours = painted[0].colours
        return made

    row = ObjectKind("Balloon", Balloon.__module__.split(".")[0], ("Balloon",), "mesh", read, give)
    nst3d.register_object(row)
    try:
        assert nst3d.paint(Balloon(), style, TINY).colours.shape[1] == 3
        with pytest.raises(nst3d.Nst3dError, match="already registered"):
            nst3d.register_object(nst3d.ObjectKind("Balloon", "b", (), "mesh", read, give))
    finally:
        OBJECTS.forget("Balloon")
