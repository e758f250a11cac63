from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from small_meshes import cube, mesh_of, noise, quad, sphere, textured

from nst3d.errors import TooLargeError
from nst3d.limits import Limits, limited
from nst3d.representations.appearance import base_colours
from nst3d.representations.mesh import Instance, Material, Mesh, Part, Texture
from nst3d.representations.surface import TexelBinding, build_surface
from nst3d.representations.texels import anchor_rows, overlaps
from nst3d.representations.triangles import uv_areas
from nst3d.representations.unwrap import (
    TexelBudget,
    faces_without_uvs,
    paint_textures,
    placed_areas,
)

BUDGET = TexelBudget(texel=0.02)


def two_materials(first: Material, second: Material, **fields) -> Mesh:
    """Two quads side by side in UV space, of one material each."""
    left = quad(uvs=[[0, 0], [0.5, 0], [0.5, 1], [0, 1]])
    right = replace(quad(uvs=[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]), material=1)
    return mesh_of(left, right, materials=(first, second), **fields)


def test_good_uvs_are_kept() -> None:
    mesh = textured(cube(), noise(8, 12, 3), front=(1.0, 0.0, 0.0))
    paint = paint_textures(mesh, BUDGET)
    assert paint.fresh == (False,)
    assert paint.uvs[0] is mesh.parts[0].uvs
    (slot,) = paint.slots
    assert (slot.name, slot.texture, slot.materials, slot.wrap) == ("image", 0, (0,), ("repeat", "repeat"))
    assert slot.size.width / slot.size.height == pytest.approx(12 / 8, abs=0.05)
    assert paint.num_colours == slot.size.height * slot.size.width
    assert faces_without_uvs(mesh) == 0


def test_sizes_follow_the_surface_and_the_budget() -> None:
    mesh = textured(quad(), noise(8, 8, 3))
    # The quad is √2 units wide in its frame, its UVs fill the texture.
    assert paint_textures(mesh, BUDGET).slots[0].size == (72, 72)
    assert paint_textures(mesh, TexelBudget(0.02, fixed=40)).slots[0].size == (40, 40)
    assert paint_textures(mesh, TexelBudget(1e-6, largest=256)).slots[0].size == (256, 256)
    assert paint_textures(mesh, TexelBudget(10, smallest=64)).slots[0].size == (64, 64)
    quarter = textured(quad(uvs=np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) / 2), noise(8, 8, 3))
    assert paint_textures(quarter, BUDGET).slots[0].size == (144, 144)


def test_a_mesh_without_uvs_gets_an_atlas() -> None:
    mesh = mesh_of(replace(cube(), uvs=None), replace(sphere(5), uvs=None))
    paint = paint_textures(mesh, BUDGET)
    assert paint.fresh == (True, True)
    assert paint.slot_of_part == (0, 0)
    assert [s.texture for s in paint.slots] == [None]
    assert paint.slots[0].wrap == ("clamp", "clamp")
    corners = np.concatenate(paint.uvs)
    assert corners.min() >= 0
    assert corners.max() <= 1
    assert not overlaps(corners, 0.001)
    assert faces_without_uvs(mesh) == len(cube().faces) + len(sphere(5).faces)
    for part, uvs in zip(mesh.parts, paint.uvs):
        assert uvs.shape == (len(part.faces), 3, 2)


def test_atlas_texels_have_the_wanted_size() -> None:
    mesh = mesh_of(replace(cube(), uvs=None))
    paint = paint_textures(mesh, BUDGET)
    size = paint.slots[0].size
    texels = uv_areas(paint.uvs[0]).sum() * size.height * size.width
    side = np.sqrt(placed_areas(mesh)[0].sum() / texels)
    assert 0.012 < side < 0.028
    a, b = paint.uvs[0][:, 1] - paint.uvs[0][:, 0], paint.uvs[0][:, 2] - paint.uvs[0][:, 0]
    in_atlas = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2
    np.testing.assert_allclose(in_atlas / in_atlas.mean(), 1, rtol=0.1)  # one density for all faces


@pytest.mark.parametrize("part", [cube(), sphere(6)], ids=["cube", "sphere"])
def test_atlas_islands_are_padded(part) -> None:
    mesh = mesh_of(replace(part, uvs=None))
    paint = paint_textures(mesh, BUDGET)
    surface = build_surface(mesh, paint)
    assert isinstance(surface.binding, TexelBinding)
    island = islands(surface.binding.corners.astype(float), part.faces)
    assert island.max() >= 1
    face = anchor_rows(surface).face.reshape(paint.slots[0].size)
    owner = np.pad(np.where(face >= 0, island[face], -1), 3, constant_values=-1)
    for shift in [(0, k) for k in range(1, 4)] + [(k, 0) for k in range(1, 4)] + [(2, 2), (-2, 2)]:
        other = np.roll(owner, shift, axis=(0, 1))
        assert not ((owner >= 0) & (other >= 0) & (owner != other)).any()


def islands(corners: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which connected piece of UV space each face lies in."""
    number = np.arange(len(faces))
    edges: dict[tuple, int] = {}
    for f in range(len(faces)):
        for k in range(3):
            pair = [(int(faces[f, i]), *np.round(corners[f, i], 6)) for i in (k, (k + 1) % 3)]
            other = edges.setdefault(tuple(sorted(pair)), f)
            number[number == number[f]] = number[other]
    return np.unique(number, return_inverse=True)[1]


def test_overlapping_uvs_are_replaced_unless_kept_by_hand() -> None:
    part = cube()
    part.uvs[:] = quad().uvs[np.arange(12) % 2]  # every side shows the whole texture
    mesh = textured(part, noise(8, 8, 3))
    assert faces_without_uvs(mesh) == 12
    assert paint_textures(mesh, BUDGET).fresh == (True,)
    assert paint_textures(mesh, BUDGET, "show").fresh == (False,)
    kept = paint_textures(mesh, BUDGET, "keep")
    assert kept.fresh == (False,)
    assert kept.slots[0].texture == 0
    assert paint_textures(textured(cube(), noise(8, 8, 3)), BUDGET, "new").fresh == (True,)


@pytest.mark.parametrize("broken", [np.nan, np.inf])
def test_uvs_that_are_no_numbers_are_replaced(broken) -> None:
    part = quad()
    part.uvs[0, 0, 0] = broken
    paint = paint_textures(textured(part, noise(8, 8, 3)), BUDGET, "keep")
    assert paint.fresh == (True,)
    assert np.isfinite(paint.uvs[0]).all()


def test_materials_that_share_an_image_share_a_slot() -> None:
    image = (Texture("image", noise(8, 8, 3)),)
    mesh = two_materials(Material("a", texture=0), Material("b", texture=0), textures=image)
    paint = paint_textures(mesh, BUDGET)
    assert [s.materials for s in paint.slots] == [(0, 1)]
    assert paint.slot_of_part == (0, 0)


def test_one_image_under_two_factors_is_painted_twice() -> None:
    image = (Texture("image", noise(8, 8, 3)),)
    tinted = Material("b", (1.0, 0.5, 0.5), texture=0)
    mesh = two_materials(Material("a", texture=0), tinted, textures=image)
    paint = paint_textures(mesh, BUDGET)
    assert [(s.materials, s.texture) for s in paint.slots] == [((0,), 0), ((1,), 0)]
    assert paint.slots[1].offset == paint.slots[0].size.height * paint.slots[0].size.width


def test_parts_that_overlap_within_one_image_go_into_the_atlas_together() -> None:
    image = (Texture("image", noise(8, 8, 3)),)
    materials = (Material("a", texture=0), Material("b", texture=0), Material("c"))
    parts = (quad(), replace(quad(), material=1), replace(cube(), material=2))
    mesh = mesh_of(*parts, materials=materials, textures=image)
    paint = paint_textures(mesh, BUDGET)
    assert paint.fresh == (True, True, False)
    assert [s.name for s in paint.slots] == ["c", "atlas"]
    assert paint.slot_of_part == (1, 1, 0)


def test_flat_colours_need_no_uvs_to_be_shown() -> None:
    mesh = mesh_of(replace(cube(), uvs=None))
    paint = paint_textures(mesh, BUDGET, "show")
    assert paint.fresh == (False,)
    shades = mesh_of(replace(cube(), uvs=None, colours=noise(8, 3)))
    assert paint_textures(shades, BUDGET, "show").fresh == (True,)


def test_instances_share_their_texels_at_the_largest_placement() -> None:
    large = np.diag([2.0, 2.0, 2.0, 1.0])
    mesh = mesh_of(cube(), instances=(Instance(0), Instance(0, large)))
    expected = (2 * 2 * mesh.frame.scale) ** 2 / 2
    np.testing.assert_allclose(placed_areas(mesh)[0], expected)
    paint = paint_textures(mesh, BUDGET)
    assert build_surface(mesh, paint).num_colours == paint.num_colours


def folded(side: int) -> Part:
    """A sheet of side × side squares whose right half mirrors the UVs of the left."""
    u, v = (g.ravel() for g in np.meshgrid(np.linspace(0, 1, side + 1), np.linspace(0, 1, side + 1)))
    at = np.arange((side + 1) ** 2).reshape(side + 1, side + 1)
    a, b, c, d = (g.ravel() for g in (at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]))
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]).astype(np.int32)
    uvs = np.stack([np.abs(2 * u - 1), v], 1)
    return Part("sheet", np.stack([u, v, 0.05 * np.sin(9 * u)], 1), faces, 0, uvs=uvs[faces])


def test_a_dense_mesh_is_unwrapped_along_its_own_seams() -> None:
    """As two mirrored halves; one chart of 20,000 faces would take most of a minute."""
    started = time.process_time()
    part = folded(102)
    paint = paint_textures(textured(part, noise(8, 8, 3)), BUDGET)
    assert time.process_time() - started < 8
    assert paint.fresh == (True,)
    assert not overlaps(paint.uvs[0], 0.001)
    assert (uv_areas(paint.uvs[0]) > 0).all()
    points = np.unique(np.concatenate([part.faces[..., None], paint.uvs[0]], 2).reshape(-1, 3), axis=0)
    assert len(points) == len(part.vertices) + 103  # split along the fold alone


def test_a_dense_mesh_without_uvs_is_cut_into_small_charts() -> None:
    started = time.process_time()
    paint = paint_textures(mesh_of(replace(folded(102), uvs=None)), BUDGET)
    assert time.process_time() - started < 8
    assert not overlaps(paint.uvs[0], 0.001)
    flat = folded(102)
    flat.uvs[:] = 0.5  # a palette: every face shows one texel
    assert not overlaps(paint_textures(textured(flat, noise(8, 8, 3)), BUDGET, "new").uvs[0], 0.001)


def test_deterministic() -> None:
    mesh = mesh_of(replace(sphere(6), uvs=None))
    first, second = paint_textures(mesh, BUDGET), paint_textures(mesh, BUDGET)
    assert first.slots == second.slots
    assert np.array_equal(first.uvs[0], second.uvs[0])


def speck(side: float, place: float) -> Part:
    """A right triangle too small for the unwrapper."""
    return Part("speck", place + side * np.eye(3)[[2, 0, 1]], np.array([[0, 1, 2]], np.int32), 0)


def test_slivers_get_a_texel_of_their_own() -> None:
    specks = [replace(speck(1e-4, 0.2 * k), material=k + 1) for k in range(3)]
    materials = [Material("body"), *(Material(f"speck {k}", (k / 2, 0.5, 0.5)) for k in range(3))]
    mesh = mesh_of(replace(cube(), uvs=None), *specks, materials=tuple(materials))
    paint = paint_textures(mesh, BUDGET)
    assert paint.slivers == 3
    surface = build_surface(mesh, paint)
    anchors = anchor_rows(surface)
    rows = [np.flatnonzero(anchors.face == 12 + k) for k in range(3)]
    assert [len(r) for r in rows] == [1, 1, 1]
    colours = base_colours(mesh, paint, surface, anchors)
    np.testing.assert_allclose(colours[np.concatenate(rows)][:, 0], [0, 0.5, 1], atol=1e-6)
    assert not overlaps(np.concatenate(paint.uvs), 0.001)
    for row in np.concatenate(rows):  # nothing else within a texel's reach
        y, x = np.unravel_index(row, paint.slots[0].size)
        around = anchors.face.reshape(paint.slots[0].size)[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        assert (around >= 0).sum() == 1


def test_a_mesh_of_slivers_alone_has_an_atlas() -> None:
    sliver = Part(
        "sliver", np.array([[0, 0, 0], [1, 0, 0], [0.5, 1e-9, 0]]), np.array([[0, 1, 2]], np.int32), 0
    )
    paint = paint_textures(mesh_of(sliver), BUDGET)
    assert paint.slivers == 1
    assert (anchor_rows(build_surface(mesh_of(sliver), paint)).face >= 0).sum() == 1


def test_a_flattened_placement_shows_its_area() -> None:
    placed = (Instance(0, np.diag([2.0, 2.0, 0.0, 1.0])),)
    mesh = mesh_of(quad(), instances=placed)
    assert placed_areas(mesh)[0].sum() * (1 / mesh.frame.scale) ** 2 == pytest.approx(16)


def test_an_atlas_of_many_charts_is_packed_again_with_larger_texels() -> None:
    mesh = mesh_of(*(cube(uvs=None) for _ in range(300)))
    height, width = paint_textures(mesh, TexelBudget(1e-6, largest=1024)).slots[0].size
    assert height * width <= 1.5 * 1024**2


def test_a_painting_that_exceeds_the_memory_is_refused_before_it_is_allocated() -> None:
    mesh = mesh_of(quad())
    with limited(Limits(memory=1e-3)), pytest.raises(TooLargeError, match=r"a painting in 1 million texels"):
        paint_textures(mesh, TexelBudget(0.02, fixed=1024))
