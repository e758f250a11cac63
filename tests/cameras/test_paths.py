from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from nst3d.cameras.crowd import common_view, distances, looked_at, meet, surround, visiting_order
from nst3d.cameras.paths import (
    Flight,
    Keyframe,
    Target,
    Viewport,
    fly,
    framed,
    helix_directions,
    own_view,
    risen,
    shares,
    spiral,
    swing,
    tour,
    tour_flight,
    tour_frames,
)
from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.cameras.rigs import Orientation
from nst3d.cameras.spline import eased
from nst3d.tensors import ImageSize

UP = np.array([0.0, 0.0, 1.0])
TARGET = np.array([1.0, 2.0, 0.5])
VIEW = Viewport(ImageSize(40, 60), 0.8)


def around(
    azimuths: np.ndarray, elevation: float = 0.3, distance: float = 4.0, shake: float = 0.05
) -> list[Camera]:
    """Cameras that look at TARGET from azimuths, by a hand that shakes."""
    noise = np.random.default_rng(0).normal(size=(len(azimuths), 2, 3)) * shake
    cameras = []
    for azimuth, (moved, aimed) in zip(azimuths, noise):
        level = math.cos(elevation)
        offset = (
            np.array([level * math.cos(azimuth), level * math.sin(azimuth), math.sin(elevation)]) * distance
        )
        pose = look_at(TARGET + offset + moved, TARGET + aimed, UP)
        cameras.append(perspective(pose, ImageSize(80, 60), 0.9))
    return cameras


RING = around(np.arange(24) / 24 * 2 * math.pi)
ARC = around(np.linspace(-0.7, 0.7, 20))
FACADE = [
    perspective(look_at(np.array([x, 0, z]), np.array([x, 5.0, z]), UP), ImageSize(60, 80), 0.9)
    for x in np.linspace(-0.4, 0.4, 5)
    for z in (-0.2, 0.0, 0.2)
]
ROOM = [
    perspective(look_at(TARGET + d * 0.2, TARGET + d * 5, UP), ImageSize(60, 80), 0.9)
    for d in np.stack([np.cos(np.arange(12) / 2), np.sin(np.arange(12) / 2), np.zeros(12)], axis=1)
]


def positions(cameras: list[Camera]) -> np.ndarray:
    return np.array([c.position for c in cameras])


def rotations(cameras: list[Camera]) -> np.ndarray:
    return np.array([c.camera_to_world[:3, :3] for c in cameras])


def assert_smooth(cameras: list[Camera], closed: bool) -> None:
    """Second differences small beside the first: nothing jerks, nor at the seam of a closed path."""
    for row in (positions(cameras), rotations(cameras).reshape(len(cameras), -1)):
        run = np.concatenate([row, row[:2]]) if closed else row
        steps = np.linalg.norm(np.diff(run, axis=0), axis=1)
        bends = np.linalg.norm(np.diff(run, 2, axis=0), axis=1)
        assert bends.max() < 0.25 * steps.max() + 1e-9
    for r in rotations(cameras):
        np.testing.assert_allclose(r.T @ r, np.eye(3), atol=1e-9)
        assert np.linalg.det(r) > 0


def elevations(cameras: list[Camera], target: np.ndarray) -> np.ndarray:
    offsets = positions(cameras) - target
    return np.arcsin(offsets @ UP / np.linalg.norm(offsets, axis=1))


def test_what_cameras_look_at() -> None:
    for cameras in (RING, ARC):
        point, outward = looked_at(cameras)
        np.testing.assert_allclose(point, TARGET, atol=0.1)
        assert not outward
        assert meet(cameras)
    stray = [
        *ARC,
        perspective(look_at(TARGET + 3, TARGET + np.array([9, -9, 0]), UP), ImageSize(80, 60), 0.9),
    ]
    np.testing.assert_allclose(looked_at(stray)[0], TARGET, atol=0.15)
    assert looked_at(ROOM)[1]
    assert not meet(FACADE)
    np.testing.assert_allclose(looked_at(FACADE, depth=3.0)[0], [0, 3, 0], atol=1e-9)


def test_where_cameras_stand() -> None:
    ring, arc = surround(RING, UP), surround(ARC, UP)
    assert ring.full
    assert not arc.full
    assert arc.azimuth == pytest.approx(0.9 * 0.7, abs=0.05)
    for place in (ring, arc):
        assert place.distance == pytest.approx(4, abs=0.1)
        assert sum(place.elevation) / 2 == pytest.approx(0.3, abs=0.05)
    np.testing.assert_allclose(arc.orientation.front, [1, 0, 0], atol=0.05)


@pytest.mark.parametrize("cameras", [RING, ARC, FACADE, ROOM], ids=["ring", "arc", "facade", "room"])
@pytest.mark.parametrize("path", [swing, spiral])
def test_orbits_and_spirals_among_cameras_stay_where_they_were(cameras, path) -> None:
    place = surround(cameras, UP, depth=5.0)
    flown = path(place, shares(96, True), 1 if path is swing else 2, VIEW)
    assert_smooth(flown, closed=True)
    spread = np.linalg.norm(positions(cameras) - positions(cameras).mean(0), axis=1).max()
    apart = np.linalg.norm(positions(flown)[:, None] - positions(cameras)[None], axis=-1).min(1)
    assert apart.max() < max(0.5 * spread, 0.15)
    for camera in flown:
        assert camera.camera_to_world[:3, 1] @ UP < 0  # upright
        away = camera.position - place.target if place.outward else place.target - camera.position
        np.testing.assert_allclose(camera.forward, away / np.linalg.norm(away), atol=1e-9)


@pytest.mark.parametrize("cameras", [RING, ARC, FACADE], ids=["ring", "arc", "facade"])
def test_a_spiral_rises_first_and_stays_above_the_lowest_cameras(cameras) -> None:
    place = surround(cameras, UP, depth=5.0)
    for given in (None, -0.2):
        heights = elevations(spiral(place, shares(96, True), 2, VIEW, given), place.target)
        start = sum(place.elevation) / 2 if given is None else given
        assert heights[0] == pytest.approx(start, abs=0.05)
        assert heights[4] > heights[0]
        if place.full:
            assert heights.argmin() == 0
            assert heights.max() >= heights[0] + 0.2
        elif given is None:
            assert heights.min() >= place.elevation[0] - 1e-9
            assert heights.max() <= place.elevation[1] + 1e-9


def test_a_spiral_does_not_pass_the_zenith() -> None:
    for start in (1.45, 1.55):
        heights = risen(shares(8, True), start, start + 0.4)
        assert heights[0] == start
        assert heights.max() == pytest.approx(max(start, math.radians(85)))


def test_an_orbit_can_be_raised_and_turned_round() -> None:
    place = surround(RING, UP)
    raised = swing(place, shares(8, True), -1, VIEW, elevation=0.8)
    offsets = positions(raised) - place.target
    np.testing.assert_allclose(np.arcsin(offsets[:, 2] / np.linalg.norm(offsets, axis=1)), 0.8)
    forth, back = (swing(place, shares(8, True), turns, VIEW, 0.8) for turns in (1, -1))
    np.testing.assert_allclose(positions(forth)[1:], positions(back)[:0:-1], atol=1e-9)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("cameras", [RING, ARC, FACADE], ids=["ring", "arc", "facade"])
def test_tours_are_smooth_and_short(cameras, closed) -> None:
    shuffled = [cameras[i] for i in np.random.default_rng(3).permutation(len(cameras))]
    flown = fly(tour_flight(shuffled, closed), shares(150, closed), own_view(shuffled))
    assert_smooth(flown, closed)
    apart = np.linalg.norm(positions(flown)[:, None] - positions(cameras)[None], axis=-1)
    spread = np.linalg.norm(positions(cameras) - positions(cameras).mean(0), axis=1).max()
    assert apart.min(1).max() < 0.6 * spread
    way = np.linalg.norm(np.diff(positions(flown), axis=0), axis=1).sum()
    assert (
        way
        < 1.1
        * sum(
            np.linalg.norm(np.diff(positions([cameras[i] for i in visiting_order(cameras)]), axis=0), axis=1)
        )
        + spread
    )


def test_the_order_of_a_tour() -> None:
    order = np.random.default_rng(2).permutation(20)
    found = visiting_order([ARC[i] for i in order])
    walked = [int(order[i]) for i in found]
    apart = distances(ARC)
    length = sum(apart[a, b] for a, b in itertools.pairwise(walked))
    assert sorted(found) == list(range(20))
    assert length <= 1.01 * sum(apart[a, b] for a, b in itertools.pairwise(range(20)))
    assert visiting_order(ARC) == list(range(20))  # a video's own order
    assert visiting_order(ARC[:1]) == [0]
    assert len(visiting_order(RING * 20)) <= 300


def test_a_tour_sees_no_more_than_the_cameras() -> None:
    square = tour(ARC, 12, ImageSize(50, 50))
    assert [c.size for c in square] == [ImageSize(50, 50)] * 12
    size, focal = common_view(ARC, None)
    assert (size, focal) == (ARC[0].size, pytest.approx(ARC[0].focal))
    assert square[0].focal == pytest.approx(ARC[0].focal * 50 / 60)
    assert tour(ARC, 3)[0].size == ARC[0].size
    assert len(tour(ARC[:1], 4)) == 4
    assert len(tour(ARC[:2], 4)) == 4
    assert 48 <= tour_frames(ARC) <= 480


def test_frames_of_closed_and_open_paths() -> None:
    np.testing.assert_allclose(shares(4, True), [0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(shares(5, False), [0, 0.25, 0.5, 0.75, 1])
    np.testing.assert_allclose(shares(1, False), [0])


def keys(*times: float | None) -> tuple[Keyframe, ...]:
    poses = [c.camera_to_world for c in RING[:: 24 // len(times)]]
    return tuple(Keyframe(p, time=t) for p, t in zip(poses, times))


def test_keys_are_met_at_their_times() -> None:
    flight = Flight(keys(1.0, 2.0, 5.0))
    flown = fly(flight, np.array([0.0, 0.25, 1.0]), VIEW)
    for camera, key in zip(flown, flight.keys):
        np.testing.assert_allclose(camera.camera_to_world, key.pose, atol=1e-9)
    closed = Flight(keys(0.0, 1.0, 2.0, 3.0), closed=True, back=4.0)
    for camera, key in zip(fly(closed, shares(4, True), VIEW), closed.keys):
        np.testing.assert_allclose(camera.camera_to_world, key.pose, atol=1e-9)
    assert_smooth(fly(closed, shares(96, True), VIEW), closed=True)


def test_without_times_the_speed_is_even() -> None:
    flown = fly(Flight(keys(None, None, None, None)), shares(80, False), VIEW)
    steps = np.linalg.norm(np.diff(positions(flown), axis=0), axis=1)
    turns = np.linalg.norm(np.diff(rotations(flown).reshape(80, 9), axis=0), axis=1)
    pace = np.hypot(steps / steps.mean(), turns / turns.mean())
    assert pace.max() / pace.min() < 1.2
    assert_smooth(flown, closed=False)
    eased_flight = fly(Flight(keys(None, None, None)), eased(shares(200, False), 0.3), VIEW)
    steps = np.linalg.norm(np.diff(positions(eased_flight), axis=0), axis=1)
    assert max(steps[0], steps[-1]) < 0.01 * steps.max()


def test_keys_that_stay_and_single_keys() -> None:
    still = Flight((keys(None)[0],) * 3)
    for flight in (
        still,
        Flight(keys(None)),
        Flight(keys(None), closed=True),
        Flight(still.keys, closed=True),
    ):
        flown = fly(flight, shares(5, False), VIEW)
        for camera in flown:
            np.testing.assert_allclose(camera.camera_to_world, still.keys[0].pose, atol=1e-9)


def test_fields_of_view_zoom_along() -> None:
    a, b = keys(0.0, 1.0)
    flight = Flight((Keyframe(a.pose, 0.4, 0.0), Keyframe(b.pose, 1.0, 1.0)))
    flown = fly(flight, np.array([0.0, 0.5, 1.0]), VIEW)
    focal = [20 / math.tan(f / 2) for f in (0.4, 1.0)]
    assert flown[0].focal == pytest.approx(focal[0])
    assert flown[2].focal == pytest.approx(focal[1])
    assert flown[1].focal == pytest.approx(math.sqrt(focal[0] * focal[1]))
    portrait = Viewport(ImageSize(60, 40), 0.8)
    assert fly(Flight(flight.keys, vertical=True), np.zeros(1), portrait)[0].focal == pytest.approx(
        30 / math.tan(0.2)
    )
    assert fly(flight, np.zeros(1), portrait)[0].focal == pytest.approx(20 / math.tan(0.2))


def test_a_subject_is_framed_wherever_it_is() -> None:
    points = np.random.default_rng(0).normal(size=(200, 3)) * [1, 0.5, 2] + 30
    subject = Target(points, points.mean(0), Orientation(UP, np.array([0.0, -1.0, 0.0])))
    directions = helix_directions(shares(72, True), 2, subject.orientation, (-0.1, 0.7))
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    flown = framed(subject, directions, VIEW)
    assert_smooth(flown, closed=True)
    for camera in flown:
        pixels, depth = camera.project(points)
        assert (depth > 0).all()
        assert (pixels > 0).all()
        assert (pixels < [60, 40]).all()
