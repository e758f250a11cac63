from __future__ import annotations

import numpy as np
import pytest
from small_meshes import mesh_of, noise, sphere

from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.renderers.frames import draw_frame
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.shading import Lighting
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import build_surface
from nst3d.tensors import ImageSize

SIZE = ImageSize(60, 80)


@pytest.fixture(scope="module")
def globe() -> MeshRenderer:
    mesh = mesh_of(sphere(12))
    return MeshRenderer(build_surface(mesh, paint_vertices(mesh, np.inf, 0)))


def camera(target: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Camera:
    position = np.array([0.5, 0.8, 4.0])
    return perspective(look_at(position, np.array(target), np.array([0.0, 1.0, 0.0])), SIZE, 0.6)


@pytest.mark.parametrize("lighting", ["none", "studio"])
def test_a_frame_is_close_to_one_with_many_samples(globe: MeshRenderer, lighting: Lighting) -> None:
    colours = noise(globe.surface.num_colours, 3)
    fine, coarse = (
        globe.paint_samples(globe.look(camera(), k), k, camera(), colours, lighting) for k in (8, 1)
    )
    frame = draw_frame(globe, camera(), colours, lighting)
    error, coarse_error = (np.sqrt(np.square(image - fine).mean()) for image in (frame, coarse))
    assert error < 0.01
    assert error < coarse_error / 3


def test_flat_regions_are_exact(globe: MeshRenderer) -> None:
    white = np.ones((globe.surface.num_colours, 3), np.float32)
    frame = draw_frame(globe, camera(), white)
    assert frame.shape == (*SIZE, 4)
    assert frame.dtype == np.float32
    np.testing.assert_allclose(frame[..., :3], np.repeat(frame[..., 3:], 3, axis=-1), atol=1e-6)
    assert frame[30, 40, 3] == 1
    assert not frame[:3].any()


def test_what_is_out_of_sight_leaves_the_frame_empty(globe: MeshRenderer) -> None:
    colours = noise(globe.surface.num_colours, 3)
    assert not draw_frame(globe, camera(target=(40.0, 0.0, 4.0)), colours).any()
    assert not draw_frame(globe, camera(target=(0.5, 0.8, 40.0)), colours).any()


def test_from_within_all_is_covered(globe: MeshRenderer) -> None:
    pose = look_at(np.zeros(3), np.array([0.0, 0.0, -1.0]), np.array([0.0, 1.0, 0.0]))
    frame = draw_frame(globe, perspective(pose, SIZE, 0.6), noise(globe.surface.num_colours, 3))
    np.testing.assert_allclose(frame[..., 3], 1, atol=1e-6)


def test_directions_agree_with_rays() -> None:
    view = camera()
    y, x = np.mgrid[: SIZE.height, : SIZE.width] + 0.5
    np.testing.assert_allclose(view.directions(np.stack([x, y], axis=-1)), view.rays()[1], atol=1e-12)
