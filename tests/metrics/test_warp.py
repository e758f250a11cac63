"""Views of a plane whose places in each other are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nst3d.cameras.pinhole import Camera, perspective
from nst3d.metrics.warp import Seen, warp_between, warped_rmse
from nst3d.tensors import ImageSize

SIZE = ImageSize(24, 32)
DEPTH = 4.0


def camera(pixels: float = 0.0) -> Camera:
    """A camera that looks along z, moved so that a plane at the depth moves by some pixels to the left."""
    pose = np.eye(4)
    still = perspective(pose, SIZE, math.radians(50))
    pose[0, 3] = pixels * DEPTH / still.focal
    return perspective(pose, SIZE, math.radians(50))


def plane(pixels: float = 0.0) -> Seen:
    return Seen(camera(pixels), np.full(SIZE, DEPTH, np.float32))


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((*SIZE, 3)).astype(np.float32)


def test_a_view_is_where_it_is_in_itself() -> None:
    warp = warp_between(plane(), plane())
    y, x = np.mgrid[: SIZE.height, : SIZE.width] + 0.5
    assert warp.valid.all()
    np.testing.assert_allclose(warp.pixels, np.stack([x, y], -1), atol=1e-4)
    assert warped_rmse(picture(), picture(), warp) == pytest.approx(0, abs=1e-4)


def test_a_camera_that_moves_sees_the_same_plane_shifted() -> None:
    warp = warp_between(plane(), plane(3))
    assert warp.valid[:, 4:].all()
    assert not warp.valid[:, :3].any()  # out of the other picture
    shifted = np.roll(picture(), -3, axis=1)
    assert warped_rmse(picture(), shifted, warp) == pytest.approx(0, abs=1e-4)
    assert warped_rmse(picture(), shifted + 0.25, warp) == pytest.approx(0.25, abs=1e-4)
    assert warped_rmse(picture(), picture(), warp) > 0.2


def test_hidden_points_do_not_count() -> None:
    near = plane()
    near.depth[:, 10:20] = 2.0  # something in front of the plane
    warp = warp_between(plane(), near)
    assert not warp.valid[:, 10:20].any()
    assert warp.valid[:, :9].all()
    assert warp.valid[:, 21:].all()


def test_views_without_a_common_point_have_no_distance() -> None:
    nothing = Seen(camera(), np.full(SIZE, np.inf, np.float32))
    for views in ((nothing, plane()), (plane(), nothing)):
        warp = warp_between(*views)
        assert not warp.valid.any()
        assert math.isnan(warped_rmse(picture(), picture(), warp))
