from __future__ import annotations

import numpy as np
import pytest
from small_meshes import camera_at, noise

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.tensors import ImageSize

SIZE = ImageSize(12, 20)


def centres(size: ImageSize) -> np.ndarray:
    x, y = np.meshgrid(np.arange(size.width) + 0.5, np.arange(size.height) + 0.5)
    return np.stack([x, y], axis=-1)


@pytest.mark.parametrize("position", [(0, 0, 3), (1, 2, 3), (-2, -0.4, 0.1), (0, 4, 0)])
def test_points_on_rays_project_back_to_their_pixels(position) -> None:
    camera = camera_at(position, SIZE)
    origin, directions = camera.rays()
    depth = 0.5 + 3 * noise(*SIZE, 1)
    pixels, found = camera.project((origin + depth * directions).reshape(-1, 3))
    np.testing.assert_allclose(pixels.reshape(*SIZE, 2), centres(SIZE), atol=1e-9)
    np.testing.assert_allclose(found.reshape(*SIZE, 1), depth, rtol=1e-9)


def test_opencv_axes() -> None:
    """A camera on +z that looks at the origin, y up: x to the right, y down, z forward."""
    pose = look_at(np.array([0.0, 0.0, 5.0]), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(pose[:3, :3], np.diag([1.0, -1.0, -1.0]), atol=1e-15)
    camera = perspective(pose, SIZE, 1.0)
    pixels, depth = camera.project(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    assert pixels[0].tolist() == [10.0, 6.0]
    assert pixels[1, 0] > 10
    assert pixels[2, 1] < 6
    assert depth.tolist() == [5, 5, 5, 4]
    assert camera.position.tolist() == [0, 0, 5]
    assert camera.forward.tolist() == [0, 0, -1]


@pytest.mark.parametrize("up", [(0, 1, 0), (0, 0, 1), (1, 0, 0)])
@pytest.mark.parametrize("position", [(3, 1, 2), (0, 2, 0), (0, 0, -2), (-2, 0, 0)])
def test_poses_are_rotations_that_look_at_the_target(position, up) -> None:
    target = np.array([0.3, -0.2, 0.1])
    pose = look_at(np.array(position, float) + target, target, np.array(up, float))
    rotation = pose[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(rotation[:, 2], -np.array(position) / np.linalg.norm(position), atol=1e-12)
    assert rotation[:, 1] @ up <= 1e-12


def test_the_shorter_side_spans_the_field_of_view() -> None:
    for size in (ImageSize(10, 30), ImageSize(30, 10)):
        camera = perspective(np.eye(4), size, 1.2)
        assert np.arctan(5 / camera.focal) == pytest.approx(0.6)


def test_a_crop_sees_the_same_rays() -> None:
    camera = camera_at((1, 2, 3), SIZE)
    part = camera.cropped(3, 5, ImageSize(4, 6))
    np.testing.assert_allclose(part.rays()[1], camera.rays()[1][3:7, 5:11], atol=1e-15)
    points = noise(5, 3)
    np.testing.assert_allclose(part.project(points)[0], camera.project(points)[0] - [5, 3])


def test_scaling_scales_pixel_positions() -> None:
    camera = camera_at((1, 2, 3), SIZE)
    points = noise(5, 3)
    for factor in (2, 0.5, 3):
        scaled = camera.scaled(factor)
        assert scaled.size == (12 * factor, 20 * factor)
        np.testing.assert_allclose(scaled.project(points)[0], camera.project(points)[0] * factor)
    fine, coarse = camera.scaled(2).rays()[1], camera.rays()[1]
    np.testing.assert_allclose(fine.reshape(12, 2, 20, 2, 3).mean((1, 3)), coarse, atol=1e-12)


def test_cropping_and_scaling_commute() -> None:
    camera = camera_at((1, 2, 3), SIZE)
    a = camera.cropped(2, 4, ImageSize(6, 8)).scaled(2)
    b = camera.scaled(2).cropped(4, 8, ImageSize(12, 16))
    assert a.size == b.size
    np.testing.assert_allclose(a.rays()[1], b.rays()[1], atol=1e-15)


def test_points_in_the_cameras_plane_stay_finite() -> None:
    camera = camera_at((0, 0, 3))
    pixels, depth = camera.project(np.array([[1.0, 1.0, 3.0], [0.0, 0.0, 9.0]]))
    assert np.isfinite(pixels).all()
    assert depth.tolist() == [0, -6]


def test_zooming_moves_pixels_away_from_the_centre() -> None:
    camera = camera_at((1, 2, 3), SIZE)
    points = noise(5, 3)
    near, far = camera.project(points)[0], camera.zoomed(1.5).project(points)[0]
    np.testing.assert_allclose(far - camera.centre, 1.5 * (near - camera.centre))
    assert camera.zoomed(1.5).size == camera.size


def test_directions_through_pixels_are_those_of_the_rays() -> None:
    camera = camera_at((1, 2, 3), SIZE).cropped(1, 2, ImageSize(7, 9))
    np.testing.assert_allclose(camera.directions(centres(camera.size)), camera.rays()[1], atol=1e-15)
