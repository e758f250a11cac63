"""How rays go through a grid: places, speeds, empty blocks, interpolation."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.renderers.march import corners, frame_of, free_blocks, jump, locate, normalised, ray_range
from nst3d.representations.field import Space

SHAPE = (10, 12, 14)
CENTRE = np.array([0.4, -0.3, 0.2])


def space(contracted: bool) -> Space:
    radius = np.full(3, 1.7) if contracted else np.array([1.0, 1.5, 2.0])
    return Space(CENTRE, radius, contracted)


def ray() -> tuple[np.ndarray, np.ndarray]:
    return np.array([3.0, -4.0, 2.5]), np.array([-0.7, 0.9, -0.5])


def at(frame: np.ndarray, t: float) -> tuple[float, ...]:
    origin, direction = ray()
    o, d = np.empty(3), np.empty(3)
    length = normalised(frame, origin, direction, o, d)
    return locate(frame, SHAPE, o, d, length, t)


@pytest.mark.parametrize("contracted", [False, True])
@pytest.mark.parametrize("t", [0.7, 3.3, 4.1, 5.2])
def test_places_are_those_of_the_space_and_speed_is_their_change(contracted, t) -> None:
    where, frame = space(contracted), frame_of(space(contracted), SHAPE)
    origin, direction = ray()
    *nodes, speed, pace = at(frame, t)
    true = where.to_grid(origin + t * direction, SHAPE)
    np.testing.assert_allclose(nodes, true.clip(0, np.array(SHAPE) - 1.001), atol=1e-12)
    ends = [where.to_grid(origin + (t + s) * direction, SHAPE) for s in (-1e-5, 1e-5)]
    assert speed == pytest.approx(np.linalg.norm(ends[1] - ends[0]) / 2e-5, rel=1e-4)
    if contracted:
        units = (ends[1] - ends[0]) / 2e-5 * 2 * where.extent / np.array(SHAPE)
        assert pace == pytest.approx(np.linalg.norm(units) * 1.7, rel=1e-4)
    else:
        assert pace == pytest.approx(np.linalg.norm(direction), rel=1e-12)


def test_rays_enter_and_leave_where_the_box_is() -> None:
    frame = frame_of(space(False), SHAPE, near=0.25)
    assert ray_range(frame, np.array([-3.0, 0, 0]), np.array([1.0, 0, 0])) == pytest.approx((2, 4))
    assert ray_range(frame, np.zeros(3), np.array([0, 0.5, 0])) == pytest.approx((0.25, 2))
    near, far = ray_range(frame, np.array([-3.0, 1.5, 0]), np.array([1.0, 0, 0]))
    assert near > far


@pytest.mark.parametrize("shape", [(9, 16, 21), (4, 4, 4), (3, 30, 5)])
def test_free_blocks_are_the_distance_to_what_is_filled(shape) -> None:
    rng = np.random.default_rng(0)
    links = np.where(rng.random(shape) < 0.004, 0, -1).astype(np.int32)
    free = free_blocks(links)
    filled = np.zeros(free.shape, bool)
    for x, y, z in np.argwhere(links >= 0):  # the cells around a node are those from one node before it
        for a, b, c in np.ndindex(2, 2, 2):
            cell = np.array([x - a, y - b, z - c])
            if (cell >= 0).all():
                filled[tuple(cell // 4)] = True
    blocks, where = np.argwhere(np.ones(free.shape, bool)), np.argwhere(filled)
    far = np.full(len(blocks), 3) if not len(where) else np.abs(blocks[:, None] - where).max(2).min(1)
    assert np.array_equal(free.ravel(), far.clip(max=3))


def test_jumps_stay_within_what_is_free() -> None:
    links = np.full((24, 24, 24), -1, np.int32)
    links[17, 17, 17] = 0
    free = free_blocks(links)
    rng = np.random.default_rng(1)
    for start in rng.random((200, 3)) * 22.9:
        leap = jump(free, *start)
        apart = np.abs(start - 17).max()
        assert leap < apart  # may end within the cell around the node, never beyond
    assert jump(free, 1.0, 1.0, 1.0) > 4


def test_interpolation_reproduces_what_is_linear() -> None:
    links = np.arange(np.prod(SHAPE), dtype=np.int32).reshape(SHAPE)
    values = np.argwhere(links >= 0) @ [1.0, -2.0, 0.5] + 3
    rows, weights = np.empty((1, 8), np.int32), np.empty((1, 8), np.float32)
    for point in np.random.default_rng(2).random((20, 3)) * (np.array(SHAPE) - 1.001):
        corners(links, *point, rows, weights, 0)
        assert weights.sum() == pytest.approx(1, abs=1e-6)
        assert values[rows[0]] @ weights[0] == pytest.approx(point @ [1.0, -2.0, 0.5] + 3, abs=1e-4)
