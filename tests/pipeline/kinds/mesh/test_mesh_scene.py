from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import cube, mesh_of, noise, quad, sphere, textured

from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.mesh.scene import filled, prepare_mesh, rebound, stage_cameras
from nst3d.pipeline.kinds.mesh.subject import MeshSubject
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.renderers.visibility import cell_points
from nst3d.representations.mesh import Material, Mesh, Texture
from nst3d.representations.paint import TexturePaint, VertexPaint
from nst3d.representations.surface import TexelBinding
from nst3d.stylize.coat import Coat
from nst3d.stylize.layout import Layout
from nst3d.stylize.style import Style
from nst3d.tensors import ImageSize

RIG = RigOptions(views=5, max_views=6)
STYLE = torch.from_numpy(noise(12, 16, 3, seed=1))


def scene_of(mesh, size: int = 48, **options):
    return prepare_mesh(mesh, SurfaceOptions(**options), RIG, size)


def test_textures_where_uvs_serve_vertices_where_colours_are_there() -> None:
    assert isinstance(scene_of(textured(cube(), noise(8, 8, 3))).paint, TexturePaint)
    assert isinstance(scene_of(mesh_of(replace(cube(), uvs=None))).paint, TexturePaint)  # a new atlas
    assert isinstance(scene_of(mesh_of(cube(colours=noise(8, 3)))).paint, VertexPaint)
    assert isinstance(scene_of(textured(cube(), noise(8, 8, 3)), paint="vertex").paint, VertexPaint)
    assert isinstance(scene_of(mesh_of(cube(colours=noise(8, 3))), paint="texture").paint, TexturePaint)


def test_texels_are_about_as_large_as_pixels() -> None:
    scene = scene_of(textured(cube(), noise(8, 8, 3)), size=64, texels_per_pixel=1.0)
    area = scene.surface.areas().sum()
    texels = scene.anchors.valid.sum()
    side = np.sqrt(area / texels)
    assert side == pytest.approx(scene.rig.pixel, rel=0.3)


def test_vertices_are_about_as_far_apart_as_pixels() -> None:
    scene = scene_of(mesh_of(cube()), size=32, paint="vertex", texels_per_pixel=1.0)
    corners = scene.surface.positions[scene.surface.faces]
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    assert edges.max() <= 1.8 * scene.rig.pixel * (1 + 1e-5)
    assert edges.mean() > 0.5 * scene.rig.pixel


def test_the_initial_colours_are_the_assets_own_and_fill_the_gaps() -> None:
    pixels = np.broadcast_to(np.float32([0.2, 0.4, 0.6]), (8, 12, 3)).copy()
    scene = scene_of(textured(cube(), pixels))
    assert not scene.anchors.valid.all()
    torch.testing.assert_close(
        scene.initial, torch.tensor([0.2, 0.4, 0.6]).expand(len(scene.initial), 3), atol=1e-4, rtol=0
    )


def test_filling_leaves_vertices_alone() -> None:
    table = torch.from_numpy(noise(6, 3))
    assert filled(table, Layout(6), torch.zeros(6)) is table


def test_rebinding_to_smaller_textures() -> None:
    layout = Layout.of_images([ImageSize(8, 12), ImageSize(4, 4)])
    scene = scene_of(textured(cube(), noise(8, 8, 3)))
    surface = scene.surface
    assert isinstance(surface.binding, TexelBinding)
    two = replace(
        surface,
        binding=replace(surface.binding, slots=np.array([[0, 8, 12, 1, 2], [96, 4, 4, 0, 0]], np.int32)),
    )
    half = rebound(two, layout.scaled(0.5))
    assert half.binding.slots.tolist() == [[0, 4, 6, 1, 2], [24, 2, 2, 0, 0]]
    assert half.num_colours == 28
    assert rebound(two, layout).binding.slots.tolist() == two.binding.slots.tolist()


def test_stage_cameras() -> None:
    scene = scene_of(textured(cube(), noise(8, 8, 3)), size=64)
    whole = stage_cameras(scene, 0.5, crop=False)
    assert {c.size for c in whole} == {ImageSize(32, 32)}
    for camera in stage_cameras(scene, 1.0, crop=True):
        pixels, _ = camera.project(scene.hull)
        assert pixels.min() >= 0
        assert (pixels <= [camera.size.width, camera.size.height]).all()
    with pytest.raises(ConfigError, match="larger `size`"):
        stage_cameras(scene, 0.1, crop=False)


def subject_of(mesh, config: PaintConfig | None = None) -> MeshSubject:
    return MeshSubject(scene_of(mesh), Path("mesh.glb"), [Coat([Style((STYLE,))])], config or PaintConfig())


def test_a_textured_mesh_starts_in_the_styles_palette() -> None:
    subject = subject_of(textured(cube(), noise(16, 24, 3)))
    assert not subject.bare
    valid = torch.from_numpy(subject.scene.anchors.valid)
    mean = subject.start[valid].mean(0)
    torch.testing.assert_close(mean, STYLE.mean((0, 1)), atol=0.03, rtol=0)
    assert torch.equal(subject.initial, subject.scene.initial)


def test_a_bare_mesh_starts_bright_above_and_dark_below() -> None:
    subject = subject_of(mesh_of(sphere(8)))
    assert subject.bare
    anchors, surface = subject.scene.anchors, subject.scene.surface
    height = anchors.interpolate(surface.positions[surface.faces])[:, 1]
    brightness = subject.start[torch.from_numpy(anchors.valid)].mean(1).numpy()
    assert brightness[height > 0.4].mean() > brightness[height < -0.4].mean() + 0.05
    assert torch.equal(subject.initial, torch.full_like(subject.start, 0.75))


def test_content_is_lit_and_lies_on_the_styles_mean() -> None:
    subject = subject_of(mesh_of(sphere(8)))
    stage = subject.stage(1.0)
    content = stage.content(0)
    view = stage.views[0]
    assert content.shape == (3, *view.size)
    empty = view.coverage[..., 0] == 0
    background = STYLE.mean((0, 1))
    torch.testing.assert_close(content[:, empty], background[:, None].expand(3, int(empty.sum())))
    flat = view.render(subject.start, background).permute(2, 0, 1)
    assert (content - flat)[:, ~empty].abs().mean() > 0.02


def test_neighbours_are_the_closest_views_and_correspondences_join_them() -> None:
    subject = subject_of(mesh_of(sphere(8)))
    stage = subject.stage(1.0)
    neighbours = stage.neighbours()
    assert len(neighbours) == len(subject.scene.rig.cameras)
    directions = np.stack([c.forward for c in subject.scene.rig.cameras])
    for view, near in enumerate(neighbours):
        assert view not in near
        cosines = directions[near] @ directions[view]
        assert (np.diff(cosines) <= 1e-12).all()
    link = stage.correspond(0, neighbours[0][0], 4)
    cells = cell_points(subject.scene.surface, subject.scene.renderer.caster, stage.cameras[0], 4)
    assert link.valid.shape == cells.face.shape
    assert link.valid.any()


def test_finished_vertices_that_lie_at_one_place_share_a_colour() -> None:
    part = quad(colours=noise(4, 3))
    split = replace(
        part,
        vertices=part.vertices[part.faces].reshape(-1, 3),
        faces=np.arange(6, dtype=np.int32).reshape(2, 3),
        colours=noise(6, 3),
        uvs=None,
    )
    subject = subject_of(mesh_of(split))
    table = torch.from_numpy(noise(subject.layout.num_colours, 3))
    done = subject.shared(subject.finished(table, torch.ones(len(table), 1), subject.stage(1.0)))
    vertices = subject.scene.paint.parts[0].vertices
    _, place = np.unique(vertices, axis=0, return_inverse=True)
    for group in range(place.max() + 1):
        assert (done[place.ravel() == group] == done[place.ravel() == group][0]).all()


def leaf(black: float) -> Mesh:
    """A card whose picture is green where it is solid, and of any colour, with no alpha, around that."""
    pixels = np.full((32, 32, 3), black, np.float32)
    pixels[:, 8:24] = (0.1, 0.6, 0.2)
    alpha = np.zeros((32, 32), np.float32)
    alpha[:, 8:24] = 1
    material = Material("leaf", texture=0, alpha_mode="mask", cutoff=0.9)
    return mesh_of(quad(), materials=(material,), textures=(Texture("leaf", pixels, alpha),))


def test_colours_that_are_cut_away_do_not_count(tmp_path: Path) -> None:
    starts = []
    for black in (0.0, 0.9):
        scene = scene_of(leaf(black), texture_size=32)
        subject = MeshSubject(scene, tmp_path / "leaf.glb", [Coat([Style((STYLE,))])], PaintConfig())
        starts.append(subject.start.reshape(32, 32, 3)[4:-4, 12:20])
    torch.testing.assert_close(*starts, atol=0.02, rtol=0)


def test_hidden_backs_can_be_shown() -> None:
    mesh = mesh_of(quad(), materials=(Material("sheet", double_sided=False),))
    scene = scene_of(mesh)
    assert scene.surface.sides is not None
    assert scene.renderer.caster.surface.sides is not None
    both = scene_of(mesh, sides="both")
    assert both.surface.solid
    assert both.renderer.caster.surface.solid
    inside_out = scene_of(
        mesh_of(replace(sphere(6), faces=sphere(6).faces[:, ::-1], uvs=None), materials=mesh.materials)
    )
    assert inside_out.surface.solid
    assert len(inside_out.notes) == 1
