from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_meshes import camera_at, noise

from nst3d.cameras.lens import BrownConrady, Fisheye, Lens
from nst3d.cameras.pinhole import Camera
from nst3d.tensors import ImageSize

SIZE = ImageSize(24, 32)
FOX = BrownConrady(0.0578421, -0.0805099, -0.000980296, 0.00015575)
LENSES = [
    FOX,
    BrownConrady(-0.28, 0.07, 0.001, -0.002, 0.01),
    BrownConrady(0.4, 0.1),
    BrownConrady(0.3, -0.2, 0.001, 0.002, 0.05, 0.25, -0.15, 0.02),
    BrownConrady(-1.5),
    Fisheye(),
    Fisheye(0.03, -0.01, 0.002, -0.0004),
    Fisheye(-0.4),
]


def points(count: int, reach: float) -> np.ndarray:
    return np.random.default_rng(5).uniform(-reach, reach, (count, 2))


@pytest.mark.parametrize("reach", [0.1, 0.8, 3, 100])
@pytest.mark.parametrize("lens", LENSES, ids=repr)
def test_undistorting_undoes_distorting_and_the_other_way(lens, reach) -> None:
    given = points(300, reach)
    scale = np.maximum(np.linalg.norm(given, axis=1), 1)
    assert (np.abs(lens.undistort(lens.distort(given)) - given).max(1) / scale).max() < 1e-9
    assert (np.abs(lens.distort(lens.undistort(given)) - given).max(1) / scale).max() < 1e-9


def test_random_lenses_are_undone() -> None:
    random = np.random.default_rng(0)
    given = points(50, 2)
    for _ in range(60):
        lens = BrownConrady(*(random.normal(size=8) * [0.5, 0.4, 0.02, 0.02, 0.2, 0.3, 0.1, 0.05]))
        assert np.abs(lens.distort(lens.undistort(given)) - given).max() < 1e-8, lens


def test_brown_conrady_at_a_point_worked_by_hand() -> None:
    """x = 0.5, y = -0.25: r² = 0.3125."""
    lens = BrownConrady(0.1, 0.2, 0.01, 0.02, 0.4)
    square = 0.3125
    radial = 1 + 0.1 * square + 0.2 * square**2 + 0.4 * square**3
    x = 0.5 * radial + 2 * 0.01 * 0.5 * -0.25 + 0.02 * (square + 0.5)
    y = -0.25 * radial + 0.01 * (square + 0.125) + 2 * 0.02 * 0.5 * -0.25
    np.testing.assert_allclose(lens.distort(np.array([0.5, -0.25])), [x, y], rtol=1e-14)
    rational = BrownConrady(0.1, k4=0.3, k5=0.2, k6=0.1)
    below = 1 + 0.3 * square + 0.2 * square**2 + 0.1 * square**3
    np.testing.assert_allclose(
        rational.distort(np.array([0.5, -0.25])), np.array([0.5, -0.25]) * (1 + 0.1 * square) / below
    )


def test_a_plain_fisheye_maps_angles_to_distances() -> None:
    angles = np.deg2rad([0, 10, 45, 80])
    seen = Fisheye().distort(np.stack([np.tan(angles), np.zeros(4)], axis=-1))
    np.testing.assert_allclose(seen[:, 0], angles, atol=1e-14)
    bent = Fisheye(k1=0.1, k4=0.01).distort(np.array([0.0, np.tan(0.5)]))
    np.testing.assert_allclose(bent, [0, 0.5 * (1 + 0.1 * 0.25 + 0.01 * 0.5**8)], rtol=1e-14)


@pytest.mark.parametrize("lens", [BrownConrady(), Fisheye()], ids=repr)
def test_the_axis_stays(lens) -> None:
    assert lens.distort(np.zeros(2)).tolist() == [0, 0]
    assert lens.undistort(np.zeros((3, 2))).tolist() == [[0, 0]] * 3


def test_a_lens_that_folds_never_shows_what_is_far_outside() -> None:
    lens = BrownConrady(-1.5)  # r (1 - 1.5 r²) grows up to r = 0.47, and is back at 0 at 0.82
    assert lens.limit == pytest.approx(np.sqrt(1 / 4.5), abs=0.01)
    radii = np.linspace(0, 5, 400)
    seen = lens.distort(np.stack([radii, np.zeros(400)], axis=-1))[:, 0]
    assert (np.diff(seen) > 0).all()


def test_pixels_beyond_the_limit_have_finite_rays_and_are_told() -> None:
    """A fisheye that sees 200 degrees across."""
    camera = Camera(np.eye(4), 100 / np.deg2rad(100), (100, 100), ImageSize(200, 200), lens=Fisheye())
    _, directions = camera.rays()
    assert np.isfinite(directions).all()
    assert (directions[..., 2] == 1).all()
    y, x = np.mgrid[:200, :200] + 0.5
    angle = np.hypot(x - 100, y - 100)
    valid = camera.valid()
    assert valid[angle < 87.9].all()
    assert not valid[angle > 88.1].any()


@pytest.mark.parametrize("aspect", [1.0, 0.8])
@pytest.mark.parametrize("lens", [None, FOX, Fisheye(0.03, -0.01)], ids=repr)
def test_points_on_rays_project_back_to_their_pixels(lens: Lens | None, aspect) -> None:
    camera = replace(camera_at((1, -2, 3), SIZE), lens=lens, aspect=aspect)
    origin, directions = camera.rays()
    depth = 0.5 + 3 * noise(*SIZE, 1)
    pixels, found = camera.project((origin + depth * directions).reshape(-1, 3))
    y, x = np.mgrid[: SIZE.height, : SIZE.width] + 0.5
    wanted = np.stack([x, y], axis=-1)
    np.testing.assert_allclose(pixels.reshape(*SIZE, 2), wanted, atol=1e-8)
    np.testing.assert_allclose(found.reshape(*SIZE, 1), depth, rtol=1e-9)
    np.testing.assert_allclose(camera.directions(wanted), directions, atol=1e-12)


def test_other_pixels_of_the_same_view_see_the_same() -> None:
    camera = replace(camera_at((1, 2, 3), SIZE), lens=FOX, aspect=1.1)
    full = camera.rays()[1]
    part = camera.cropped(3, 5, ImageSize(4, 6))
    np.testing.assert_allclose(part.rays()[1], full[3:7, 5:11], atol=1e-12)
    seen = camera.project(noise(5, 3))[0]
    np.testing.assert_allclose(camera.scaled(0.5).project(noise(5, 3))[0], seen * 0.5)
    wide = camera.resized(ImageSize(12, 64))
    np.testing.assert_allclose(wide.project(noise(5, 3))[0], seen * [2, 0.5])
    assert wide.aspect == pytest.approx(1.1 / 4)
    assert camera.resized(ImageSize(12, 16)).aspect == 1.1
    zoomed = camera.zoomed(2).project(noise(5, 3))[0]
    np.testing.assert_allclose(zoomed - camera.centre, 2 * (seen - camera.centre))


def test_a_pinhole_is_valid_everywhere() -> None:
    assert camera_at((0, 0, 3), SIZE).valid().all()
    assert replace(camera_at((0, 0, 3), SIZE), lens=FOX).valid().all()
