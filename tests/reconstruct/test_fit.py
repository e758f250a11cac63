"""Fitting as a whole: what it finds, that it is the same each time, and how its grid changes."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
import torch
from small_fields import CENTRE
from small_fits import BACKGROUND, TINY, fit, grid, photographs

from nst3d.cameras.bounds import SceneFrame
from nst3d.cameras.pinhole import Camera
from nst3d.metrics.image import psnr
from nst3d.reconstruct.fit import Fit, Level
from nst3d.reconstruct.grid import pruned, refined
from nst3d.reconstruct.torch_fit import TorchStepper
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.tensors import ImageSize


def values(f: Fit) -> list[bytes]:
    return [a.tobytes() for a in f.state().values()]


@pytest.mark.parametrize("hull", [False, True])
def test_it_recovers_a_ball(hull) -> None:
    options = replace(TINY, levels=(Level(14, 40), Level(24, 50)), batch=1000)
    ball = fit(options, hull=hull)
    for _ in ball:
        pass
    field = ball.field()
    cameras, images, _ = photographs(views=9)  # others than those that it was fitted to
    renderer = VoxelRenderer(field)
    shown = [renderer.draw(c, field.colours, 1.0).over(BACKGROUND) for c in cameras]
    assert np.mean([psnr(a, b) for a, b in zip(shown, images)]) > 23
    assert len(field) < 24**3  # the corners of the box are left out


def test_silhouettes_make_the_box_tight_without_cutting_the_ball() -> None:
    with_hull, without = fit(), fit(hull=False)
    assert np.allclose(without.field().space.radius, 1)
    space = with_hull.field().space
    assert (space.radius > 0.6).all()
    assert (space.radius < 0.85).all()
    points = (
        space.to_world(with_hull.grid.nodes.astype(float), with_hull.grid.shape) - without.grid.space.centre
    )
    apart = np.linalg.norm(points, axis=1)
    assert len(points) < np.prod(with_hull.grid.shape)
    everywhere = np.linalg.norm(
        space.to_world(np.argwhere(np.ones(with_hull.grid.shape)), with_hull.grid.shape)
        - without.grid.space.centre,
        axis=1,
    )
    assert (apart < 0.6).sum() == (everywhere < 0.6).sum()


def test_threads_change_nothing() -> None:
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("numba was started with one thread")
    before, results = numba.get_num_threads(), []
    for threads in (1, 2):
        numba.set_num_threads(threads)
        run = fit()
        for _ in run:
            pass
        results.append(values(run))
    numba.set_num_threads(before)
    assert results[0] == results[1]


@pytest.fixture(scope="module", params=["bounded", "unbounded"])
def unbroken(request) -> tuple[str, list[bytes]]:
    """A kind of scene, and what a fit to it ends with."""
    run = fit(kind=request.param, hull=request.param == "bounded")
    for _ in run:
        pass
    return request.param, values(run)


@pytest.mark.parametrize("stop", [4, 10, 16, 17])
def test_a_resumed_fit_ends_bit_for_bit_as_an_unbroken_one(unbroken, stop) -> None:
    """Stopped within a level, at its end, and before and after nodes are left out."""
    kind, expected = unbroken
    first, second = (fit(kind=kind, hull=kind == "bounded") for _ in range(2))
    for progress in first:
        if progress.iteration == stop:
            break
    second.restore({name: array.copy() for name, array in first.state().items()})
    assert [p.iteration for p in second] == list(range(stop + 1, 23))
    assert values(second) == expected


def test_a_fit_with_torch_finds_the_same() -> None:
    ours, theirs = fit(), fit()
    theirs._stepper = TorchStepper(TINY, torch.device("cpu"))
    results = [[p.psnr for p in f] for f in (ours, theirs)]
    assert np.mean(results[0][-5:]) == pytest.approx(np.mean(results[1][-5:]), abs=0.5)
    assert theirs.field().density.std() > 0.1  # the values have come back from the stepper


def test_seeds_matter() -> None:
    runs = [fit(replace(TINY, seed=seed)) for seed in (1, 2)]
    for run in runs:
        next(iter(run))
    assert values(runs[0]) != values(runs[1])


def test_a_fit_to_nothing_stays_empty() -> None:
    cameras, images, _ = photographs()
    plain = [np.broadcast_to(BACKGROUND, i.shape).copy() for i in images]
    empty = Fit(cameras, plain, SceneFrame(CENTRE, 1.0, "bounded"), TINY, BACKGROUND)
    for _ in empty:
        pass
    field = empty.field()
    shown = VoxelRenderer(field).draw(cameras[0], field.colours).over(BACKGROUND)
    assert len(field) > 0
    assert psnr(shown, plain[0]) > 30


def test_refining_keeps_a_linear_field() -> None:
    coarse = grid()
    where = coarse.nodes @ np.array([0.3, -0.2, 0.1])
    coarse.density[:], coarse.colours[:] = where, where[:, None]
    fine = refined(coarse, (24, 24, 24), np.ones(len(coarse), bool), 2)
    inner = (fine.nodes > 0).all(1) & (fine.nodes < 23).all(1)
    places = (fine.nodes + 0.5) / 2 - 0.5
    expected = places @ np.array([0.3, -0.2, 0.1])
    np.testing.assert_allclose(fine.density[inner], expected[inner], atol=1e-4)
    np.testing.assert_allclose(fine.colours[inner, :12], np.repeat(expected[inner, None], 12, 1), atol=1e-4)
    assert fine.degree == 2
    assert fine.colours[:, 12:].max() == 0


@pytest.mark.parametrize("contracted", [False, True])
def test_pruning_keeps_values_neighbours_and_what_lies_at_infinity(contracted) -> None:
    whole = grid(contracted)
    whole.squares[:] = np.arange(whole.squares.size).reshape(whole.squares.shape)
    keep = np.zeros(len(whole), bool)
    keep[whole.links[6, 5, 7]] = True
    less = pruned(whole, keep)
    expected = np.zeros(whole.shape, bool)
    expected[5:8, 4:7, 6:9] = True
    if contracted:
        shell = np.ones(whole.shape, bool)
        shell[2:-2, 2:-2, 2:-2] = False
        expected |= shell
    assert np.array_equal(less.links >= 0, expected)
    rows = whole.links[expected]
    assert np.array_equal(less.density, whole.density[rows])
    assert np.array_equal(less.colours, whole.colours[rows])
    assert np.array_equal(less.squares, whole.squares[rows])


def test_different_exposures_are_found_and_left_out() -> None:
    """The field comes closer to the photographs as they were before their exposures were changed."""
    cameras, images, _ = photographs(views=16, pixels=20, radius=1.3)  # the ball fills most of each
    gains = np.random.default_rng(4).uniform(0.6, 1.4, 16)
    gains /= gains.mean()
    changed = [(i * g).astype(np.float32) for i, g in zip(images, gains)]
    marks = {}
    for exposures in (True, False):
        options = replace(TINY, levels=(Level(10, 60), Level(16, 60)), batch=600, exposures=exposures)
        run = Fit(cameras, changed, SceneFrame(CENTRE, 1.0, "unbounded"), options)
        for _ in run:
            pass
        field = run.field()
        shown = [VoxelRenderer(field).draw(c, field.colours, 1.0).over(run.background) for c in cameras]
        marks[exposures] = float(np.mean([psnr(a, b) for a, b in zip(shown, images)]))
        found = np.array([mark.gain for mark in run.marks()])
        assert exposures or (found == 1).all()
        assert not exposures or np.corrcoef(found.mean(1), gains)[0, 1] > 0.7
    assert marks[True] > marks[False] + 0.5


def test_a_photograph_that_fits_badly_has_the_worst_mark() -> None:
    cameras, images, _ = photographs()
    images[5] = 1 - images[5]
    run = Fit(cameras, images, SceneFrame(CENTRE, 1.0, "bounded"), TINY, BACKGROUND)
    assert all(mark.psnr is None for mark in run.marks())
    for _ in run:
        pass
    found = [mark.psnr for mark in run.marks()]
    assert int(np.argmin(found)) == 5
    assert run.marks()[5].gain == (1, 1, 1)


def test_each_level_is_carved_to_its_own_cells() -> None:
    """Haze beside the ball, a coarse cell wide, is gone from the fine level; rays that miss it are not drawn."""
    run = fit(replace(TINY, levels=(Level(12, 4), Level(32, 8))))
    for _ in run:
        pass
    points = run.grid.space.to_world(run.grid.nodes.astype(float), run.grid.shape) - CENTRE
    cell = 2 * run.grid.space.radius.max() / 32
    assert np.linalg.norm(points, axis=1).max() < 0.6 + 6 * cell
    assert len(run._rays()) < 0.7 * len(run._bank)
    ball = np.linalg.norm(points, axis=1) < 0.6
    assert ball.sum() == pytest.approx(4 / 3 * np.pi * 0.6**3 / cell**3, rel=0.1)


def test_a_sky_is_found_at_infinity() -> None:
    """The colours that depend on the direction alone end in the outermost nodes, with no haze before them."""

    def sky(directions: np.ndarray) -> np.ndarray:
        unit = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
        return (0.5 + 0.35 * np.sin(2 * unit[..., [1, 2, 0]])).astype(np.float32)

    def outward(angle: float, place: float) -> Camera:
        forward = np.array([np.cos(angle), np.sin(angle), 0.3 * np.sin(3 * angle)])
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
        pose[:3, 3] = CENTRE + 0.4 * np.array([np.cos(place), np.sin(place), 0.0])
        return Camera(pose, 12.0, (8.0, 8.0), ImageSize(16, 16))

    cameras = [outward(i * 0.4, i * 1.7) for i in range(16)]
    pixels = np.stack(np.meshgrid(np.arange(16) + 0.5, np.arange(16) + 0.5), axis=-1)
    options = replace(TINY, levels=(Level(14, 60), Level(24, 60)), batch=1000)
    run = Fit(
        cameras, [sky(c.directions(pixels)) for c in cameras], SceneFrame(CENTRE, 1.0, "unbounded"), options
    )
    for _ in run:
        pass
    field = run.field()
    renderer = VoxelRenderer(field)
    for place in (0.3, 3.0):  # the same direction from two places that no photograph was taken from
        camera = outward(1.0, place)
        shown = renderer.draw(camera, field.colours, 1.0)
        assert psnr(shown.over(0.0), sky(camera.directions(pixels))) > 25
        assert shown.opacity.min() > 0.999
        assert np.median(shown.depth) > 10
