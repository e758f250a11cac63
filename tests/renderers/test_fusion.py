from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.cameras.rigs import Orientation, fibonacci_directions
from nst3d.renderers.fusion import Fusion, FusionOptions, trusted_depth
from nst3d.representations.field import Space
from nst3d.representations.isosurface import surface_nets
from nst3d.representations.lattice import lattice_within
from nst3d.tensors import ImageSize

CENTRE = np.array([0.4, -0.2, 1.0])
SIDES = Orientation(np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]))


SIZE = ImageSize(72, 80)


def cameras(count: int, distance: float, target=CENTRE, size: ImageSize = SIZE) -> list[Camera]:
    directions = fibonacci_directions(count, SIDES, 0.95)
    poses = [look_at(target + distance * d, target, SIDES.up) for d in directions]
    return [replace(perspective(p, size, 0.8), aspect=1.1) for p in poses]


def sphere_depth(camera: Camera, centre: np.ndarray, radius: float) -> np.ndarray:
    """Depth along the viewing axis of a ball, inf beside it."""
    origin, rays = camera.rays()
    a, b = (rays**2).sum(-1), rays @ (origin - centre)
    rest = b * b - a * (((origin - centre) ** 2).sum() - radius**2)
    return np.where(rest > 0, (-b - np.sqrt(np.maximum(rest, 0))) / a, np.inf)


def euler_number(vertices, faces) -> int:
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    return len(vertices) - len(np.unique(edges, axis=0)) + len(faces)


@pytest.mark.parametrize("contracted", [False, True])
def test_a_ball_seen_from_all_sides_is_a_closed_ball(contracted) -> None:
    lattice = lattice_within(Space(CENTRE, np.full(3, 1.5), contracted), 1.0, 40)
    fusion = Fusion(lattice)
    for camera in cameras(24, 4.0):
        fusion.add(camera, sphere_depth(camera, CENTRE + 0.1, 0.8))
    vertices, faces = surface_nets(fusion.distances())
    radii = np.linalg.norm(lattice.to_world(vertices) - CENTRE - 0.1, axis=1)
    assert np.abs(radii - 0.8).max() < 0.5 * lattice.step[0] * 1.5
    assert abs(radii.mean() - 0.8) < 0.1 * lattice.step[0] * 1.5
    assert euler_number(vertices, faces) == 2


def test_what_lies_in_the_contracted_part_is_found_where_it_is() -> None:
    space = Space(CENTRE, np.full(3, 0.5), contracted=True)
    target = CENTRE + np.array([1.5, 0.1, 0.2])  # three radii away
    lattice = lattice_within(space, 8.0, 72)
    fusion = Fusion(lattice)
    for camera in cameras(24, 2.0, target):
        fusion.add(camera, sphere_depth(camera, target, 0.4))
    vertices, _ = surface_nets(fusion.distances())
    points = lattice.to_world(vertices)
    error = np.abs(np.linalg.norm(points - target, axis=1) - 0.4)
    assert len(points) > 100
    assert (error < lattice.cells(points)).all()
    assert (error < 0.5 * lattice.cells(points)).mean() > 0.98


def test_what_no_view_sees_is_unknown_and_pixels_not_trusted_say_nothing() -> None:
    lattice = lattice_within(Space(CENTRE, np.full(3, 1.5)), 1.0, 24)
    fusion = Fusion(lattice, FusionOptions(witnesses=1.0))
    camera = perspective(look_at(CENTRE + np.array([4.0, 0, 0]), CENTRE, SIDES.up), ImageSize(64, 64), 0.6)
    depth = sphere_depth(camera, CENTRE, 0.8)
    depth[:, :32] = np.nan
    fusion.add(camera, depth)
    points = lattice.to_world(surface_nets(fusion.distances())[0])
    assert (points[:, 0] > CENTRE[0]).all()  # the far side is not there
    assert (points[:, 1] > CENTRE[1] - 0.1).all()  # nor is the half that is not trusted
    assert len(points) > 50


def test_depth_is_trusted_where_a_pixel_is_solid_or_empty() -> None:
    opacity = np.array([[1.0, 0.7, 0.3, 0.05]])
    depth = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert np.array_equal(trusted_depth(opacity, depth), [[1.0, 2.0, np.nan, np.inf]], equal_nan=True)


def test_lattices_speak_world_coordinates() -> None:
    space = Space(CENTRE, np.array([1.0, 2.0, 0.5]))
    lattice = lattice_within(space, 5.0, 41)
    assert lattice.shape == (20, 41, 10)
    corners = lattice.to_world(np.array([[0, 0, 0], [19, 40, 9]]))
    assert np.allclose(corners, [CENTRE - space.radius, CENTRE + space.radius])
    contracted = lattice_within(Space(CENTRE, np.full(3, 0.5), contracted=True), 4.0, 11)
    assert np.allclose(contracted.to_world(np.array([10.0, 5.0, 5.0])), CENTRE + np.array([2.0, 0.0, 0.0]))
    assert np.allclose(contracted.cells(CENTRE[None]), 0.5 * contracted.step[0])
