from __future__ import annotations

import numpy as np
import pytest

from nst3d.cameras.bounds import look_away, meeting_point, scene_frame
from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.tensors import ImageSize

UP = np.array([0.0, 0.0, 1.0])
MIDDLE = np.array([3.0, -1.0, 2.0])


def ring(count: int = 24, radius: float = 5.0, target: np.ndarray = MIDDLE) -> list[Camera]:
    turn = np.arange(count) * 2 * np.pi / count
    places = np.stack([np.cos(turn), np.sin(turn), 0.3 * np.sin(3 * turn)], axis=-1)
    places *= radius / np.linalg.norm(places, axis=1, keepdims=True)
    return [at(MIDDLE + place, target) for place in places]


def at(place: np.ndarray, target: np.ndarray) -> Camera:
    return perspective(look_at(place, target, UP), ImageSize(20, 30), 0.8)


def test_a_ring_of_cameras_looks_at_its_middle() -> None:
    frame = scene_frame(ring())
    np.testing.assert_allclose(frame.centre, MIDDLE, atol=1e-6)
    assert frame.radius == pytest.approx(2)
    assert frame.kind == "unbounded"


def test_a_bounded_scene_holds_what_the_images_hold() -> None:
    frame = scene_frame(ring(), "bounded")
    assert frame.kind == "bounded"
    assert frame.radius == pytest.approx(2)  # 5 sin 0.4 = 1.95 is less
    near = scene_frame([c.zoomed(0.5) for c in ring()], "bounded")
    half = np.arctan(2 * np.tan(0.4))
    assert near.radius == pytest.approx(5 * np.sin(half))


def test_a_few_cameras_that_look_elsewhere_do_not_matter() -> None:
    cameras = ring()
    for i in (3, 11):
        cameras[i] = at(cameras[i].position, cameras[i].position + np.array([0.3, 1, -2]))
    np.testing.assert_allclose(scene_frame(cameras).centre, MIDDLE, atol=1e-3)


def test_a_camera_turned_round_is_found() -> None:
    cameras = ring()
    place = cameras[5].position
    cameras[5] = at(place, 2 * place - MIDDLE)
    assert look_away(cameras, scene_frame(cameras).centre) == [5]
    assert look_away(ring(), MIDDLE) == []


def test_cameras_that_look_outwards_are_inside_their_ball() -> None:
    cameras = [at(c.position, 2 * c.position - MIDDLE) for c in ring(radius=1.5)]
    frame = scene_frame(cameras)
    assert frame.kind == "unbounded"
    np.testing.assert_allclose(frame.centre, np.mean([c.position for c in cameras], 0))
    assert (np.linalg.norm([c.position - frame.centre for c in cameras], axis=1) < frame.radius).all()
    assert look_away(cameras, frame.centre) == []


def test_cameras_that_look_one_way_face_forward() -> None:
    grid = [np.array([x, 0.0, z]) for x in (-1, 0, 1) for z in (-1, 0, 1)]
    frame = scene_frame([at(place, np.array([0.0, 8.0, 0.0])) for place in grid])
    assert frame.kind == "forward"
    np.testing.assert_allclose(frame.centre, [0, 8, 0], atol=1e-6)
    known = scene_frame([at(place, place + np.array([0, 1, 0])) for place in grid], depths=(2.0, 6.0))
    np.testing.assert_allclose(known.centre, [0, 3, 0], atol=1e-9)  # disparities 1/2 and 1/6, their mean 1/3


def test_parallel_axes_have_a_frame_ahead_of_them() -> None:
    places = [np.array([x, 0.0, 0.0]) for x in (-1.0, 1.0)]
    frame = scene_frame([at(place, place + np.array([0, 1, 0])) for place in places])
    np.testing.assert_allclose(frame.centre, [0, 4, 0], atol=1e-9)
    assert frame.kind == "forward"


def test_one_point_of_two_lines() -> None:
    positions = np.array([[0.0, 0, 0], [2, 0, 0]])
    forwards = np.array([[0.0, 1, 0], [-1, 0, 0]])
    np.testing.assert_allclose(meeting_point(positions, forwards), [0, 0, 0], atol=1e-6)
