from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_meshes import cube, mesh_of, noise, quad, texture_paint, textured

from nst3d.images.colour import srgb_decode, srgb_encode
from nst3d.representations.appearance import base_colours, bilinear, is_bare, vertex_colours
from nst3d.representations.mesh import Instance, Material, Mesh, Texture
from nst3d.representations.paint import MeshPaint
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import build_surface
from nst3d.representations.texels import anchor_rows
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import Array, ImageSize

SIZE = ImageSize(8, 8)


def colours_of(mesh: Mesh, paint: MeshPaint) -> Array:
    surface = build_surface(mesh, paint)
    return base_colours(mesh, paint, surface, anchor_rows(surface))


def test_texels_of_the_same_grid_are_copied() -> None:
    pixels = noise(8, 8, 3)
    mesh = textured(quad(), pixels)
    np.testing.assert_allclose(colours_of(mesh, texture_paint(mesh, SIZE)), pixels.reshape(-1, 3), atol=1e-5)


def test_factors_multiply_in_linear_light() -> None:
    pixels, factor = noise(8, 8, 3), (0.9, 0.5, 0.2)
    mesh = replace(textured(quad(), pixels), materials=(Material("m", factor, texture=0),))
    expected = srgb_encode(srgb_decode(pixels) * srgb_decode(np.array(factor)))
    found = colours_of(mesh, texture_paint(mesh, SIZE))
    np.testing.assert_allclose(found, expected.reshape(-1, 3), atol=1e-5)


def test_a_factor_alone() -> None:
    mesh = mesh_of(quad(), materials=(Material("m", (0.2, 0.4, 0.6)),))
    expected = np.tile([0.2, 0.4, 0.6], (64, 1))
    np.testing.assert_allclose(colours_of(mesh, texture_paint(mesh, SIZE)), expected, atol=1e-6)
    vertices = paint_vertices(mesh, np.inf, 100)
    np.testing.assert_allclose(colours_of(mesh, vertices), expected[:4], atol=1e-6)


def test_vertex_colours_come_back_and_mix_in_linear_light() -> None:
    colours = noise(8, 3)
    mesh = mesh_of(cube(colours=colours))
    np.testing.assert_allclose(colours_of(mesh, paint_vertices(mesh, np.inf, 100)), colours, atol=1e-6)
    black_and_white = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 0, 0]], np.float32)
    mesh = mesh_of(quad(colours=black_and_white))
    ramp = colours_of(mesh, texture_paint(mesh, SIZE)).reshape(8, 8, 3)[..., 0]
    np.testing.assert_allclose(ramp[3], srgb_encode((np.arange(8) + 0.5) / 8), atol=1e-5)


def test_vertices_at_one_place_keep_their_own_colours() -> None:
    """As files split them where sides meet."""
    one = cube()
    shown = noise(len(one.faces) * 3, 3)
    split = replace(
        one,
        vertices=one.vertices[one.faces.ravel()],
        faces=np.arange(len(shown), dtype=np.int32).reshape(-1, 3),
        normals=None,
        colours=shown,
    )
    mesh = mesh_of(split)
    np.testing.assert_allclose(vertex_colours(mesh, paint_vertices(mesh, np.inf, 0)), shown, atol=1e-6)
    twice = replace(mesh, instances=(Instance(0), Instance(0)))
    np.testing.assert_allclose(vertex_colours(twice, paint_vertices(twice, np.inf, 0)), shown, atol=1e-6)


def test_a_texture_on_vertices() -> None:
    pixels = noise(8, 8, 3)
    mesh = textured(quad(), pixels)
    mesh = replace(mesh, textures=(Texture("image", pixels, wrap=("clamp", "clamp")),))
    found = colours_of(mesh, paint_vertices(mesh, 0.4, 10_000))
    assert len(found) > 20
    corner = pixels[[7, 7, 0, 0], [0, 7, 7, 0]]
    np.testing.assert_allclose(found[:4], corner, atol=1e-5)


def test_rows_on_no_face_stay_black() -> None:
    mesh = mesh_of(cube())
    paint = texture_paint(mesh, ImageSize(16, 24))
    surface = build_surface(mesh, paint)
    anchors = anchor_rows(surface)
    found = base_colours(mesh, paint, surface, anchors)
    assert found[~anchors.valid].max() == 0
    np.testing.assert_allclose(found[anchors.valid], 1, atol=1e-6)


def test_the_old_texture_moves_into_a_new_atlas() -> None:
    """Colours that are linear in space survive the move to other UVs."""
    y, x = np.mgrid[:32, :32].astype(np.float32) / 31
    pixels = np.stack([x, y, 0 * x + 0.5], axis=-1)
    mesh = textured(quad(), pixels)
    paint = paint_textures(mesh, TexelBudget(0.05), "new")
    surface = build_surface(mesh, paint)
    anchors = anchor_rows(surface)
    found = base_colours(mesh, paint, surface, anchors)[anchors.valid]
    points = anchors.interpolate(surface.positions[surface.faces]) / mesh.frame.scale
    inside = np.abs(points[:, :2]).max(1) < 0.95
    expected = np.stack([(points[:, 0] + 1) / 2, (1 - points[:, 1]) / 2, 0 * points[:, 0] + 0.5], axis=1)
    np.testing.assert_allclose(found[inside], expected[inside], atol=0.03)


def test_instances_share_rows_and_colours() -> None:
    pixels, away = noise(8, 8, 3), np.eye(4)
    away[0, 3] = 5
    mesh = textured(quad(), pixels, instances=(Instance(0), Instance(0, away)))
    found = colours_of(mesh, texture_paint(mesh, SIZE))
    np.testing.assert_allclose(found, pixels.reshape(-1, 3), atol=1e-5)


def test_fine_textures_are_averaged_not_picked() -> None:
    pixels = noise(64, 64, 3)
    mesh = textured(quad(), pixels)
    found = colours_of(mesh, texture_paint(mesh, SIZE))
    blocks = srgb_decode(pixels).reshape(8, 8, 8, 8, 3)
    means = pixels.reshape(8, 8, 8, 8, 3).mean((1, 3))
    assert np.abs(found.reshape(8, 8, 3) - means).max() < 0.2  # a single pixel would be off by up to 0.5
    assert found.std() < 0.35 * pixels.std()
    assert blocks.shape == (8, 8, 8, 8, 3)


@pytest.mark.parametrize("mode", ["repeat", "clamp", "mirror"])
def test_bilinear_samples_by_hand(mode) -> None:
    image = np.array([[[0.0], [1.0]], [[2.0], [3.0]]])
    uvs = np.array([[0.25, 0.75], [0.75, 0.25], [0.5, 0.5], [0.0, 0.75], [1.25, 0.75]])
    outside = {"repeat": (0.5, 0.0), "clamp": (0.0, 1.0), "mirror": (0.0, 1.0)}[mode]
    found = bilinear(image, uvs, (mode, mode))[:, 0]
    np.testing.assert_allclose(found, [0, 3, 1.5, *outside], atol=1e-12)


def test_what_counts_as_bare() -> None:
    assert is_bare(mesh_of(cube()))
    assert is_bare(mesh_of(cube(), quad()))
    assert not is_bare(mesh_of(cube(colours=noise(8, 3))))
    assert not is_bare(textured(cube(), noise(4, 4, 3)))
    two = (Material("a"), Material("b", (1.0, 0.0, 0.0)))
    assert not is_bare(mesh_of(cube(), quad(material=1), materials=two))
    assert is_bare(mesh_of(cube(), materials=two))  # the other material is not used
