"""Splats that scenes should not have, and do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_splats import random_splats, splats_at
from small_meshes import camera_at

from nst3d.cameras.pinhole import Camera
from nst3d.renderers.splat_project import Projection, project
from nst3d.renderers.splat_reference import splat_weights
from nst3d.renderers.splat_tiles import TileIndex
from nst3d.renderers.splats import SplatOptions, SplatRenderer
from nst3d.tensors import ImageSize

EXACT = SplatOptions(cutoff=0)
FRONT = Camera(np.eye(4), 60.0, (35.0, 24.0), ImageSize(50, 70))
TURN = (np.cos(0.3), 0.0, 0.0, np.sin(0.3))
"""Turns the x axis 0.6 radians towards y."""

ODD = {
    "zero scale": ([0.0], (0, 0, 2), 0.9),
    "a line": ([(0.5, 0, 0)], (0, 0, 2), 0.9),
    "a needle": ([(1e3, 1e-6, 1e-6)], (0, 0, 2), 0.9),
    "a needle along the axis": ([(1e-6, 1e-6, 1e3)], (0.2, 0.1, 5), 0.9),
    "a sheet": ([(5, 5, 1e-9)], (0, 0, 2), 0.9),
    "huge": ([1e6], (0, 0, 2), 0.5),
    "huge and outside": ([3.0], (40, 0, 2), 0.5),
    "just in front": ([0.01], (0, 0, 0.011), 0.9),
    "at the guard": ([0.4], (2.4, 0.3, 1), 0.9),
    "too bright": ([0.3], (0, 0, 2), 1.0),
}
GONE = {
    "behind": ([0.1], (0, 0, -2), 0.9),
    "too near": ([0.1], (0, 0, 0.009), 0.9),
    "transparent": ([0.1], (0, 0, 2), 0.0),
    "too faint": ([0.1], (0, 0, 2), 0.0039),
    "beside": ([0.01], (5, 0, 2), 0.9),
    "infinite scale": ([np.inf], (0, 0, 2), 0.9),
    "no scale": ([np.nan], (0, 0, 2), 0.9),
    "nowhere": ([0.1], (np.nan, 0, 2), 0.9),
    "infinitely far": ([0.1], (0, 0, np.inf), 0.9),
    "infinitely far to the side": ([0.1], (np.inf, 0, 2), 0.9),
    "no opacity": ([0.1], (0, 0, 2), np.nan),
}


@pytest.mark.parametrize(("scales", "position", "opacity"), ODD.values(), ids=ODD.keys())
def test_odd_splats_are_drawn_like_the_twin_does(scales, position, opacity) -> None:
    splats = splats_at([position], scales, [opacity], [TURN])
    expected = splat_weights(splats, FRONT)[..., 0]
    view = SplatRenderer(splats, EXACT).compile(FRONT)
    assert (view.coverage[..., 0] - expected).abs().max() < 1e-5


@pytest.mark.parametrize(("scales", "position", "opacity"), GONE.values(), ids=GONE.keys())
def test_splats_that_cannot_be_seen_are_left_out(scales, position, opacity) -> None:
    splats = splats_at([position], scales, [opacity])
    assert not len(project(splats, FRONT, Projection()).splats)
    frame = SplatRenderer(splats).draw(FRONT, np.ones((1, 3), np.float32))
    assert not frame.opacity.any()
    assert np.isinf(frame.depth).all()


def test_an_endless_needle_is_a_straight_line_a_pixel_wide() -> None:
    splats = splats_at([(0, 0, 2)], [(1e12, 1e-6, 1e-6)], [0.9], [TURN])
    opacity = SplatRenderer(splats).draw(FRONT, np.ones((1, 3))).opacity
    y, x = np.mgrid[:50, :70] + 0.5
    across = (y - 24) * np.cos(0.6) - (x - 35) * np.sin(0.6)
    expected = 0.9 * np.exp(-0.5 * across**2 / 0.3)
    assert np.abs(opacity - np.where(expected < 1 / 255, 0, expected)).max() < 1e-4


def test_a_scene_of_nothing() -> None:
    renderer = SplatRenderer(random_splats(0))
    frame = renderer.draw(FRONT, np.zeros((0, 3), np.float32), 1.0)
    assert not frame.colour.any()
    view = renderer.compile(FRONT)
    assert not view.coverage.any()
    assert view.adjoint(torch.ones(*FRONT.size, 3)).shape == (0, 3)


def test_bad_splats_do_not_harm_the_others() -> None:
    good = random_splats(40)
    camera = camera_at((0, 0, 3), 40)
    expected = SplatRenderer(good).draw(camera, good.colours)
    bad = random_splats(40)
    bad.positions[::4] = np.nan
    bad.scales[1::4] = np.inf
    bad.rotations[2::4] = np.nan
    frame = SplatRenderer(bad).draw(camera, bad.colours)
    assert np.isfinite(frame.colour).all()
    assert 0 < frame.opacity.sum() < expected.opacity.sum()


def test_lists_of_huge_splats_are_made_in_parts() -> None:
    """2,000 splats that all cover all 24 tiles of 16 pixels: 48,000 entries, never more than asked for at once."""
    depths = np.linspace(1, 2, 2000)
    splats = splats_at([(0, 0, z) for z in depths], [50.0] * 2000, [0.01] * 2000)
    size = ImageSize(60, 90)
    camera = Camera(np.eye(4), 60.0, (45.0, 30.0), size)
    index = TileIndex(project(splats, camera, Projection()), size)
    for most, longest in ((1, 2000), (2000, 2000), (5000, 4000), (10**6, 48000)):
        parts = list(index.lists(most))
        assert max(len(p.entries) for p in parts) == longest
        assert sum(len(p.entries) for p in parts) == 48000
        assert [p.first for p in parts] == list(range(0, 24, longest // 2000))
    assert all((np.diff(p.entries[: p.starts[1]]) > 0).all() for p in index.lists(10**6))


def test_a_thin_splat_is_listed_only_where_it_passes() -> None:
    """A diagonal across 32 × 32 tiles reaches some 3 tiles of each row, not all."""
    splats = splats_at(
        [(0, 0, 2)], [(100, 1e-4, 1e-4)], [0.9], [(np.cos(np.pi / 8), 0, 0, np.sin(np.pi / 8))]
    )
    size = ImageSize(512, 512)
    camera = Camera(np.eye(4), 500.0, (256.0, 256.0), size)
    index = TileIndex(project(splats, camera, Projection()), size)
    (tiles,) = index.lists(10**6)
    assert 32 <= len(tiles.entries) <= 3 * 32
