from __future__ import annotations

import time

import numpy as np
import pytest
from small_meshes import CUBE_TEXTURE, ISLAND, cube, quad, sphere, texel_surface, vertex_surface

from nst3d.representations.surface import TexelBinding
from nst3d.representations.texels import anchor_rows, overlaps, wrap_texel
from nst3d.tensors import ImageSize


def centres(size: ImageSize) -> np.ndarray:
    """UV of each texel's centre, (rows, 2), top row first."""
    x, y = np.meshgrid(np.arange(size.width) + 0.5, np.arange(size.height) + 0.5)
    return np.stack([x / size.width, 1 - y / size.height], axis=-1).reshape(-1, 2)


@pytest.mark.parametrize("size", [ImageSize(8, 8), ImageSize(5, 12), CUBE_TEXTURE])
@pytest.mark.parametrize("part", [quad(), cube(), sphere(6)], ids=["quad", "cube", "sphere"])
def test_anchors_map_back_to_their_own_texel(part, size) -> None:
    surface = texel_surface(part, size)
    anchors = anchor_rows(surface)
    assert isinstance(surface.binding, TexelBinding)
    assert anchors.valid.any()
    found = anchors.interpolate(surface.binding.corners)
    np.testing.assert_allclose(found, centres(size)[anchors.valid], atol=1e-6)
    np.testing.assert_allclose(anchors.weights[anchors.valid].sum(1), 1, rtol=1e-6)
    assert anchors.weights.min() >= -1e-5


def test_every_texel_inside_an_island_has_an_anchor_and_none_outside() -> None:
    anchors = anchor_rows(texel_surface(cube(), CUBE_TEXTURE))
    cell, border = ISLAND
    inside = np.zeros((cell, cell), bool)
    inside[border:-border, border:-border] = True
    assert np.array_equal(anchors.valid.reshape(CUBE_TEXTURE), np.tile(inside, (2, 3)))


def test_a_quad_covers_all_of_its_texture() -> None:
    assert anchor_rows(texel_surface(quad(), ImageSize(7, 9))).valid.all()


def test_uvs_beyond_the_unit_square_wrap() -> None:
    far = quad(uvs=[[2, -3], [3, -3], [3, -2], [2, -2]])
    size = ImageSize(4, 6)
    surface = texel_surface(far, size)
    anchors = anchor_rows(surface)
    assert anchors.valid.all()
    assert isinstance(surface.binding, TexelBinding)
    uvs = anchors.interpolate(surface.binding.corners)
    np.testing.assert_allclose(uvs - np.floor(uvs), centres(size), atol=1e-5)


def test_vertices_are_their_own_anchors() -> None:
    surface = vertex_surface(sphere(5))
    anchors = anchor_rows(surface)
    assert anchors.valid.all()
    corners = surface.positions[surface.faces]
    np.testing.assert_allclose(anchors.interpolate(corners), surface.positions, atol=1e-7)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(0, [1, 2, 0, 1, 2, 0, 1]), (1, [0, 0, 0, 1, 2, 2, 2]), (2, [1, 0, 0, 1, 2, 2, 1])],
    ids=["repeat", "clamp", "mirror"],
)
def test_wrap_modes(mode, expected) -> None:
    assert [wrap_texel(k, 3, mode) for k in range(-2, 5)] == expected


@pytest.mark.parametrize("most", [0.0, 0.05])
def test_no_overlap(most) -> None:
    assert not overlaps(quad().uvs, most)
    assert not overlaps(cube().uvs, most)  # islands side by side
    assert not overlaps(sphere(6).uvs, most)  # neighbours share borders, and the seam wraps


def test_all_of_it_overlaps() -> None:
    twice = np.concatenate([quad().uvs, quad().uvs])
    assert overlaps(twice, 0.999)
    assert overlaps(
        np.concatenate([quad().uvs, quad().uvs + np.array([3, -2])]), 0.999
    )  # a whole turn further


def test_a_share_overlaps() -> None:
    left = quad(uvs=[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]).uvs
    middle = left + np.array([0.25, 0])
    assert overlaps(np.concatenate([left, middle]), 0.3)
    assert not overlaps(np.concatenate([left, middle]), 0.37)  # a third; borders do not count


def test_mirrored_halves_overlap() -> None:
    half = quad(uvs=[[0, 0], [1, 0], [1, 1], [0, 1]]).uvs
    assert overlaps(np.concatenate([half, half[:, ::-1]]), 0.999)


def test_uvs_without_area_count_as_overlapping() -> None:
    assert overlaps(np.zeros((4, 3, 2)), 0.999)


def test_huge_uvs_end() -> None:
    assert overlaps(quad().uvs * 50, 0.05)


def test_faces_that_wrap_many_times_are_told_at_once() -> None:
    assert overlaps(np.concatenate([quad().uvs * 1e6] * 500), 0.05)  # rasterised, this takes a minute


def test_the_test_ends_once_it_is_certain() -> None:
    """Twenty thousand leaves on one picture, and as many screws on a twentieth beside a whole that is not shared."""
    started = time.process_time()
    leaves = np.concatenate([quad().uvs] * 20_000)
    assert overlaps(leaves, 0.05)
    body = quad(uvs=[[0.25, 0], [1, 0], [1, 1], [0.25, 1]]).uvs
    screws = np.concatenate([body, *[quad().uvs * 0.15] * 20_000])
    assert not overlaps(screws, 0.05)
    assert overlaps(screws, 0.01)
    assert time.process_time() - started < 5  # every texel of every face takes a minute
