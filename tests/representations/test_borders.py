"""Where a texture is cut, and the points beside cuts."""

from __future__ import annotations

import numpy as np
import pytest
from small_meshes import cube, mesh_of, sphere

from nst3d.representations.borders import (
    beside_cuts,
    point_pairs,
    shared_edges,
    smooth_cuts,
    texel_sides,
)
from nst3d.representations.mesh import Material, Part, Texture, Wrap
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.representations.unwrap import TexelBudget, paint_textures

SIZE = 64


def textured(part: Part, wrap: Wrap = "repeat") -> Surface:
    picture = Texture("skin", np.zeros((SIZE, SIZE, 3), np.float32), wrap=(wrap, wrap))
    mesh = mesh_of(part, materials=(Material("plain", texture=0),), textures=(picture,))
    return build_surface(mesh, paint_textures(mesh, TexelBudget(1.0, fixed=SIZE), "show"))


def two_islands() -> Part:
    """Two squares side by side in one plane, which meet at x = 0, with UVs in the halves of the texture."""
    vertices = np.array([[x, y, 0] for y in (-1, 1) for x in (-2, 0, 2)], float)
    faces = np.array([[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4]], np.int32)
    uvs = (vertices[:, :2] + [2, 1]) / [4, 2] * [0.5, 0.5]
    corners = uvs[faces] + np.array([0, 0, 0.375, 0.375])[:, None, None]
    return Part("islands", vertices, faces, 0, uvs=corners)


def test_the_edge_between_islands_is_cut_and_the_diagonals_are_not() -> None:
    edges = shared_edges(textured(two_islands()))
    assert sorted(edges.cut.tolist()) == [False, False, True]
    assert edges.smooth.all()
    assert {tuple(pair) for pair in edges.faces[edges.cut].tolist()} == {(0, 3)}
    assert beside_cuts(edges, 4).sum() == 2


def test_points_are_half_a_texel_from_the_edge_at_the_same_place() -> None:
    surface = textured(two_islands())
    edges = shared_edges(surface)
    pairs = point_pairs(surface, edges.of(np.flatnonzero(edges.cut)))
    assert len(pairs.lengths) >= 2
    triangles = surface.positions[surface.faces[pairs.faces]]
    points = np.einsum("mfk,mfkc->mfc", pairs.weights, triangles)
    np.testing.assert_allclose(points.mean(1), pairs.places, atol=1e-6)
    apart = np.linalg.norm(points[:, 0] - points[:, 1], axis=1)
    np.testing.assert_allclose(apart, texel_sides(surface)[0], rtol=1e-5)
    np.testing.assert_allclose(pairs.weights.sum(2), 1)
    assert pairs.lengths.sum() <= 2 * surface.positions[:, 1].max() + 1e-6


def test_a_texel_s_side_is_the_root_of_its_area() -> None:
    surface = textured(two_islands())
    area = surface.areas().sum() / (2 * 0.25 * 0.5 * SIZE**2)
    assert texel_sides(surface) == pytest.approx(np.sqrt(area))


@pytest.mark.parametrize(("wrap", "more"), [("repeat", 0), ("clamp", 10)])
def test_a_texture_that_wraps_is_not_cut_where_it_does(wrap, more) -> None:
    """A globe is cut from pole to pole where it does not wrap, and always around its poles, by each of 24 edges."""
    edges = shared_edges(textured(sphere(12), wrap))
    assert edges.cut.sum() == 2 * 24 + more
    assert smooth_cuts(edges).sum() == edges.cut.sum()


def test_creases_are_no_places_for_seams() -> None:
    edges = shared_edges(textured(cube()))
    assert edges.cut.sum() == 12
    assert not smooth_cuts(edges).any()
    assert beside_cuts(edges, 12).sum() == 6


def test_painted_vertices_have_no_borders() -> None:
    mesh = mesh_of(cube())
    with pytest.raises(TypeError, match="textured"):
        shared_edges(build_surface(mesh, paint_vertices(mesh, np.inf, 0)))
