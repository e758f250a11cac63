from __future__ import annotations

import numpy as np
import pytest

from nst3d.representations.isosurface import pieces, smoothed, surface_nets, without_crumbs
from nst3d.representations.triangles import face_areas


def distances(centres, radius: float, shape=(24, 26, 28)) -> np.ndarray:
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1).astype(float)
    return np.min([np.linalg.norm(grid - c, axis=-1) - radius for c in centres], axis=0)


def euler_number(vertices, faces) -> int:
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return len(vertices) - len(np.unique(edges, axis=0)) + len(faces)


def volume(vertices, faces) -> float:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("fc,fc->f", a, np.cross(b, c)).sum() / 6)


CENTRE = np.array([11.3, 12.6, 13.1])


def test_a_sphere_is_a_closed_sphere_that_looks_outwards() -> None:
    vertices, faces = surface_nets(distances([CENTRE], 8.0))
    radii = np.linalg.norm(vertices - CENTRE, axis=1)
    assert np.abs(radii - 8).max() < 0.12
    assert euler_number(vertices, faces) == 2
    assert volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.02)
    directed = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed)  # each edge once each way: closed, one winding
    assert {tuple(e) for e in directed} == {tuple(e[::-1]) for e in directed}


def test_a_plane_is_found_exactly_and_ends_at_the_grid() -> None:
    values = np.broadcast_to(np.arange(5.0)[:, None, None] - 1.75, (5, 4, 6))
    vertices, faces = surface_nets(values)
    assert np.allclose(vertices[:, 0], 1.75)
    assert len(vertices) == 3 * 5
    assert face_areas(vertices, faces).sum() == pytest.approx(2 * 4)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 0] > 0).all()  # towards the positive side


def test_the_surface_is_open_where_values_are_unknown() -> None:
    values = distances([CENTRE], 8.0)
    values[..., 14:] = np.nan
    vertices, faces = surface_nets(values)
    assert vertices[:, 2].max() <= 13
    assert euler_number(vertices, faces) == 1  # a cap


def test_nothing_gives_nothing() -> None:
    for values in (np.ones((4, 4, 4)), -np.ones((4, 4, 4)), np.full((4, 4, 4), np.nan), np.ones((1, 4, 4))):
        vertices, faces = surface_nets(values)
        assert vertices.shape == (0, 3)
        assert faces.shape == (0, 3)
        assert without_crumbs(vertices, faces, 5)[1].shape == (0, 3)


def test_crumbs_go_and_the_largest_piece_stays() -> None:
    small = np.array([3.0, 3.0, 3.0])
    vertices, faces = surface_nets(np.minimum(distances([CENTRE], 7.0), distances([small], 1.6)))
    labels = pieces(len(vertices), faces)
    assert len(np.unique(labels)) == 2
    crumb = (labels[faces[:, 0]] == labels[np.linalg.norm(vertices - small, axis=1).argmin()]).sum()
    assert len(without_crumbs(vertices, faces, int(crumb))[1]) == len(faces)
    kept, rest = without_crumbs(vertices, faces, int(crumb) + 1)
    assert len(rest) == len(faces) - crumb
    assert rest.max() == len(kept) - 1
    assert np.linalg.norm(kept - CENTRE, axis=1).max() < 7.5
    assert len(without_crumbs(vertices, faces, 10**9)[1]) == len(rest)


def test_smoothing_takes_off_noise_but_not_size() -> None:
    vertices, faces = surface_nets(distances([CENTRE], 8.0))
    noisy = vertices + np.random.default_rng(0).normal(0, 0.15, vertices.shape)
    radii = [np.linalg.norm(v - CENTRE, axis=1) for v in (noisy, smoothed(noisy, faces, 10))]
    assert radii[1].std() < 0.45 * radii[0].std()
    assert radii[1].mean() == pytest.approx(radii[0].mean(), rel=0.01)
    assert smoothed(noisy, faces, 0) is noisy
