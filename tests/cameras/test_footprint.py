"""The size of pixels on a surface, against planes whose size is known."""

from __future__ import annotations

import numpy as np
import pytest

from nst3d.cameras.footprint import footprint
from nst3d.cameras.pinhole import Camera
from nst3d.tensors import ImageSize


def camera(focal: float = 40.0, aspect: float = 1.0) -> Camera:
    return Camera(np.eye(4), focal, (12.0, 8.0), ImageSize(16, 24), aspect)


def plane(seen: Camera, normal: list[float], distance: float) -> np.ndarray:
    """The depth of a plane n · x = distance."""
    return distance / (seen.rays()[1] @ np.array(normal))


def test_a_plane_that_faces_the_camera() -> None:
    found = footprint(camera(), np.full((16, 24), 3.0))
    np.testing.assert_allclose(found, 3 / 40, rtol=1e-6)
    nearer = footprint(camera(), np.full((16, 24), 1.5))
    np.testing.assert_allclose(nearer, found / 2, rtol=1e-6)


@pytest.mark.parametrize("aspect", [1.0, 1.5])
@pytest.mark.parametrize("tilt", [0.3, 0.9])
def test_pixels_of_a_slanted_plane_add_up_to_its_area(tilt: float, aspect: float) -> None:
    seen, normal = camera(aspect=aspect), [np.sin(tilt), 0.0, np.cos(tilt)]
    found = footprint(seen, plane(seen, normal, 2.0))
    corners = seen.directions(np.array([[0.0, 0], [24, 0], [24, 16], [0, 16]]))
    corners = corners * (2.0 / (corners @ np.array(normal)))[:, None]
    halves = [np.cross(corners[k] - corners[0], corners[k + 1] - corners[0]) for k in (1, 2)]
    area = sum(np.linalg.norm(half) / 2 for half in halves)
    assert float((found.astype(np.float64) ** 2).sum()) == pytest.approx(area, rel=2e-3)


def test_edges_between_surfaces_count_as_neither() -> None:
    """At a step in depth each side keeps the size that it has away from it."""
    depth = np.full((16, 24), 2.0)
    depth[:, 12:] = 4.0
    found = footprint(camera(), depth)
    np.testing.assert_allclose(found[:, :12], 2 / 40, rtol=1e-6)
    np.testing.assert_allclose(found[:, 12:], 4 / 40, rtol=1e-6)


def test_where_nothing_is_seen_there_is_no_size() -> None:
    depth = np.full((16, 24), np.nan)
    depth[5, 5] = 2.0
    found = footprint(camera(), depth)
    assert found[5, 5] == pytest.approx(2 / 40)
    assert np.isfinite(found).sum() == 1
    grazing = footprint(camera(), plane(camera(), [1.0, 0.0, 0.02], 0.5))
    assert np.nanmax(grazing) <= np.nanmax(plane(camera(), [1.0, 0.0, 0.02], 0.5)) / 40 * 2.001
