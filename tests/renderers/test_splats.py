"""Splat views as linear maps, and drawn frames, against the plain twin and against what must be."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
import torch
from made_splats import random_splats, splats_at
from small_meshes import camera_at

from nst3d.cameras.lens import BrownConrady, Fisheye
from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.formats.splats.registry import painted
from nst3d.operators.checks import dot_test
from nst3d.renderers.splat_reference import render_splats, splat_depths, splat_weights
from nst3d.renderers.splats import SplatOptions, SplatRenderer
from nst3d.representations.harmonics import basis
from nst3d.representations.splats import Splats
from nst3d.tensors import ImageSize

SIZE = ImageSize(37, 45)
EXACT = SplatOptions(cutoff=0)
CAMERAS = {
    "outside": camera_at((1, 2, 3), SIZE),
    "inside": camera_at((0.1, 0.05, 0.3), SIZE, 1.4),
    "off centre, oblong pixels": replace(camera_at((2, 0, 1), SIZE), centre=(10.0, 31.0), aspect=1.3),
    "lens": replace(camera_at((1, -1, 2), SIZE, 1.2), lens=BrownConrady(k1=-0.2, k2=0.05, p1=0.01)),
    "fisheye": replace(camera_at((0.5, 1, 1.2), SIZE, 1.7), lens=Fisheye(k1=0.05)),
}
FRONT = Camera(np.eye(4), 40.0, (16.5, 16.5), ImageSize(33, 33))
"""At the origin, looking along z; pixel (16, 16) looks straight ahead."""


@pytest.fixture(params=CAMERAS.values(), ids=CAMERAS.keys())
def camera(request) -> Camera:
    return request.param


def matrix_of(renderer: SplatRenderer, camera: Camera) -> torch.Tensor:
    """The compiled view's weights (h, w, n)."""
    return renderer.compile(camera).apply(torch.eye(renderer.num_colours, dtype=torch.float64))


def worst(a, b) -> float:
    return float(np.abs(np.asarray(a) - np.asarray(b)).max())


@pytest.mark.parametrize("antialiased", [False, True])
def test_the_twin_sees_the_same_weights(camera, antialiased) -> None:
    splats = random_splats(80)
    options = replace(EXACT, antialiased=antialiased)
    expected = splat_weights(splats, camera, options)
    assert worst(matrix_of(SplatRenderer(splats, options), camera), expected) < 1e-5
    assert (expected.sum(-1) > 0.5).double().mean() > 0.05


def test_gradients_are_the_twins(camera) -> None:
    splats = random_splats(50)
    colours = torch.rand(50, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    target = torch.rand(*SIZE, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    own, twin = colours.clone().requires_grad_(), colours.clone().requires_grad_()
    ((SplatRenderer(splats, EXACT).compile(camera).image(own) - target) ** 2).sum().backward()
    ((render_splats(splats, camera, twin) - target) ** 2).sum().backward()
    assert own.grad is not None
    assert twin.grad is not None
    assert worst(own.grad, twin.grad) < 1e-5 * float(twin.grad.abs().max())


def test_views_are_linear(camera) -> None:
    view = SplatRenderer(random_splats(80)).compile(camera)
    assert dot_test(view) < 1e-15
    a, b = torch.rand(2, 80, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert worst(view.apply(2 * a - 3 * b), 2 * view.apply(a) - 3 * view.apply(b)) < 1e-13


@pytest.mark.parametrize("cutoff", [0, 1 / 512, 1 / 255])
def test_white_furnace(camera, cutoff) -> None:
    renderer = SplatRenderer(random_splats(80), SplatOptions(cutoff=cutoff))
    white = renderer.compile(camera).render(torch.ones(80, 3), 1.0)
    assert torch.equal(white, torch.ones(*SIZE, 3))
    frame = renderer.draw(camera, np.ones((80, 3), np.float32))
    assert (frame.over(1.0) == 1).all()
    assert (frame.colour + (1 - frame.opacity[..., None]) == 1).all()


def test_drawing_is_what_the_compiled_view_gives(camera) -> None:
    splats = random_splats(80)
    renderer = SplatRenderer(splats, EXACT)
    view, frame = renderer.compile(camera), renderer.draw(camera, splats.colours)
    assert worst(view.apply(torch.from_numpy(splats.colours)), frame.colour) < 2e-6
    assert worst(view.coverage[..., 0], frame.opacity) < 2e-6


def test_the_twin_sees_the_same_depths(camera) -> None:
    splats = random_splats(80)
    frame, expected = SplatRenderer(splats).draw(camera, splats.colours), splat_depths(splats, camera).numpy()
    seen = frame.opacity > 0
    assert (np.isinf(frame.depth) == ~seen).all()
    assert (np.isinf(expected) == ~seen).all()
    assert (frame.opacity > 0.5).mean() > 0.05
    assert worst(frame.depth[seen], expected[seen]) < 1e-4


def test_depth_is_that_of_the_splat_that_takes_the_second_half_of_the_light() -> None:
    """Light 1 − 0.3 is left behind the first splat, 0.7 · 0.6 = 0.42 behind the second."""
    splats = splats_at([(0, 0, 2 + i) for i in range(4)], [1] * 4, [0.3, 0.4, 0.9, 0.9])
    assert SplatRenderer(splats).draw(FRONT, np.ones((4, 3))).depth[16, 16] == 3
    faint = splats_at([(0, 0, 2), (0, 0, 6)], [1] * 2, [0.2, 0.25])
    mean = (0.2 * 2 + 0.8 * 0.25 * 6) / (0.2 + 0.8 * 0.25)
    assert abs(SplatRenderer(faint).draw(FRONT, np.ones((2, 3))).depth[16, 16] - mean) < 1e-5


def test_a_single_splat_by_hand() -> None:
    """A ball of σ 0.1 at depth 2 has σ² = (40 · 0.1 / 2)² + 0.3 = 4.3 pixels² in the image."""
    frame = SplatRenderer(splats_at([(0, 0, 2)], [0.1], [0.8])).draw(FRONT, np.array([[1.0, 0.5, 0.0]]))
    falloff = np.exp(-0.5 * np.arange(-16, 17) ** 2 / 4.3)
    expected = 0.8 * falloff[:, None] * falloff
    expected[expected < 1 / 255] = 0
    assert worst(frame.opacity, expected) < 1e-6
    assert worst(frame.colour, expected[..., None] * [1, 0.5, 0]) < 1e-6
    assert np.allclose(frame.depth[expected > 0], 2, rtol=1e-6)
    assert np.isinf(frame.depth[expected == 0]).all()


def test_what_is_near_hides_what_is_far() -> None:
    splats = splats_at([(0, 0, 3), (0, 0, 2), (0, 0, 4)], [1, 1, 1], [1, 0.75, 1])
    middle = SplatRenderer(splats).draw(FRONT, np.eye(3)).colour[16, 16]
    assert worst(middle, [0.25 * 0.999, 0.75, 0]) < 1e-6  # too little light is left for the third
    tied = splats_at([(0, 0, 2), (0, 0, 2)], [1, 1], [0.5, 0.5])
    assert worst(SplatRenderer(tied).draw(FRONT, np.eye(2, 3)).colour[16, 16], [0.5, 0.25, 0]) < 1e-6


def test_a_pixel_ends_before_the_splat_that_takes_its_last_light() -> None:
    """0.1⁴ is the light behind four splats of 0.9: the fourth is the first to reach the limit."""
    splats = splats_at([(0, 0, 2 + i) for i in range(40)], [9] * 40, [0.9] * 40)
    weights = matrix_of(SplatRenderer(splats, EXACT), FRONT)[16, 16]
    assert worst(weights[:3], [0.9, 0.09, 0.009]) < 1e-6
    assert not weights[4:].any()
    assert weights.sum() < 1 - 0.99e-4


def test_a_lens_shapes_the_footprint_as_it_bends_rays() -> None:
    """The image's second moments are those of points on the ellipsoid, sent through the camera."""
    lens = Fisheye(k1=0.1, k2=-0.02)
    camera = Camera(np.eye(4), 300.0, (200.5, 200.5), ImageSize(401, 401), aspect=1.2, lens=lens)
    centre, scales = np.array([0.9, 0.5, 1.5]), np.array([0.02, 0.03, 0.01])
    opacity = SplatRenderer(splats_at([centre], [scales], [1.0])).draw(camera, np.ones((1, 3))).opacity
    axes = np.concatenate([np.eye(3), -np.eye(3)]) * scales * np.sqrt(3)
    points, _ = camera.project(centre + axes)
    y, x = np.mgrid[:401, :401] + 0.5
    weight = opacity / opacity.sum()
    mean = np.array([(weight * x).sum(), (weight * y).sum()])
    gap = np.stack([x, y]) - mean[:, None, None]
    spread = np.einsum("hw,ihw,jhw->ij", weight, gap, gap) - 0.3 * np.eye(2)
    assert worst(mean, camera.project(centre[None])[0][0]) < 0.05
    # What is fainter than 1/255 is cut, which takes 2 % of a Gaussian's second moments.
    assert worst(spread, np.cov(points.T, bias=True)) < 0.04 * spread.max()


def test_the_order_of_the_table_changes_nothing(camera) -> None:
    splats = random_splats(80)
    order = np.random.default_rng(5).permutation(80)
    shuffled = Splats(
        *(a[order] for a in (splats.positions, splats.scales, splats.rotations, splats.opacities)),
        splats.harmonics[order],
    )
    one, two = SplatRenderer(splats), SplatRenderer(shuffled)
    a, b = one.draw(camera, splats.colours), two.draw(camera, shuffled.colours)
    assert (a.colour == b.colour).all()
    assert (a.depth == b.depth).all()
    assert torch.equal(matrix_of(one, camera)[..., order], matrix_of(two, camera))


def bytes_of(renderer: SplatRenderer, camera: Camera) -> list[bytes]:
    """All that a renderer makes for a camera."""
    frame = renderer.draw(camera, renderer.splats.colours, 0.5)
    arrays = (matrix_of(renderer, camera).numpy(), frame.colour, frame.opacity, frame.depth)
    return [a.tobytes() for a in arrays]


def test_threads_change_no_byte(camera) -> None:
    if numba.config.NUMBA_NUM_THREADS < 2:
        pytest.skip("one thread alone: NUMBA_NUM_THREADS is 1")
    renderer = SplatRenderer(random_splats(500, degree=2))
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    one = bytes_of(renderer, camera)
    numba.set_num_threads(2)
    two = bytes_of(renderer, camera)
    numba.set_num_threads(before)
    assert one == two


def test_small_batches_change_no_byte(camera) -> None:
    splats = random_splats(300, degree=1)
    one, two = SplatRenderer(splats), SplatRenderer(splats, SplatOptions(batch=1))
    assert bytes_of(one, camera) == bytes_of(two, camera)


@pytest.mark.parametrize("cutoff", [1 / 2048, 1 / 512, 1 / 255])
def test_the_cutoff_keeps_coverage_and_the_picture(camera, cutoff) -> None:
    splats = random_splats(600, size=0.05)
    whole = SplatRenderer(splats, EXACT).compile(camera)
    view = SplatRenderer(splats, SplatOptions(cutoff=cutoff)).compile(camera)
    assert view.nbytes < whole.nbytes
    assert worst(view.coverage, whole.coverage) < 1e-6
    noise = torch.rand(600, 3, generator=torch.Generator().manual_seed(4))
    error = ((view.apply(noise) - whole.apply(noise)) ** 2).mean()
    assert -10 * torch.log10(error) > 45
    kept = matrix_of(SplatRenderer(splats, SplatOptions(cutoff=cutoff)), camera)
    assert kept[kept > 0].min() >= cutoff * (1 - 1e-6)


@pytest.mark.parametrize("cutoff", [-0.1, 0.005, float("nan")])
def test_a_cutoff_that_would_lose_coverage_is_refused(cutoff) -> None:
    with pytest.raises(ConfigError, match="from 0 to 1/255"):
        SplatOptions(cutoff=cutoff)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_harmonics_of_the_scene_are_added(camera, degree) -> None:
    splats = random_splats(60, degree)
    renderer = SplatRenderer(splats, EXACT)
    away = splats.positions - camera.position
    away = away / np.linalg.norm(away, axis=1, keepdims=True)
    residual = np.einsum("nk,nkc->nc", basis(away, degree)[:, 1:], splats.harmonics[:, 1:])
    view = renderer.compile(camera)
    assert worst(renderer.specular(camera, view), view.apply(torch.from_numpy(residual))) < 1e-5
    clamped = np.maximum(splats.colours + 0.7 * residual, 0).astype(np.float32)
    frame = renderer.draw(camera, splats.colours, 0.7)
    assert worst(frame.colour, renderer.draw(camera, clamped).colour) < 1e-5
    assert worst(frame.colour, render_splats(splats, camera, torch.from_numpy(clamped))) < 1e-5
    bright = splats.colours + 20
    sum_of_parts = view.apply(torch.from_numpy(bright)) + 0.7 * renderer.specular(camera, view)
    assert worst(renderer.draw(camera, bright, 0.7).colour, sum_of_parts) < 1e-4


def test_each_splat_keeps_its_own_share_of_harmonics(camera) -> None:
    splats = random_splats(60, 2)
    share = np.resize(np.array([1, 0.5, 0], np.float32), 60)
    faded = SplatRenderer(painted(splats, splats.colours, share), EXACT)
    renderer = SplatRenderer(splats, EXACT)
    some, whole = (r.draw(camera, splats.colours, s) for r, s in ((renderer, share), (faded, 1.0)))
    assert worst(some.colour, whole.colour) < 1e-6
    view = renderer.compile(camera)
    assert worst(renderer.specular(camera, view, share), faded.specular(camera, view)) < 1e-6


def test_a_scene_without_harmonics_has_no_highlights(camera) -> None:
    renderer = SplatRenderer(random_splats(20))
    assert not renderer.specular(camera, renderer.compile(camera)).any()


@pytest.mark.parametrize("size", [1e-4, 0.1])
def test_small_scenes_are_drawn_like_large_ones(camera, size) -> None:
    splats = random_splats(200)
    pose = camera.camera_to_world.copy()
    pose[:3, 3] *= size
    scaled = replace(
        splats, positions=splats.positions * np.float32(size), scales=splats.scales * np.float32(size)
    )
    near, far = (
        SplatRenderer(scene).draw(view, scene.colours)
        for scene, view in ((splats, camera), (scaled, replace(camera, camera_to_world=pose)))
    )
    assert near.opacity.max() > 0.5
    assert worst(near.colour, far.colour) < 1e-3
