from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_meshes import cube, mesh_of, quad, sphere

from nst3d.representations.diagnose import far_away, problems
from nst3d.representations.framing import strays
from nst3d.representations.mesh import Instance, Part, unit_frame
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import build_surface


def triangle(place: float, side: float) -> Part:
    return Part("triangle", np.eye(3) * side + [place, 0, 0], np.array([[0, 1, 2]], np.int32), 0)


def alone(part: Part):
    return unit_frame((part,), (Instance(0),))


@pytest.mark.parametrize(("place", "side"), [(600, 0.01), (600, 1), (-30, 0.3)])
def test_a_stray_is_not_framed(place, side) -> None:
    mesh = mesh_of(sphere(8), triangle(place, side))
    frame = unit_frame(mesh.parts, mesh.instances)
    np.testing.assert_allclose(frame.centre, alone(sphere(8)).centre)
    assert frame.scale == alone(sphere(8)).scale
    (note,) = far_away(mesh)
    assert note.startswith(f"faces far away from all others, in triangle: 1 of {mesh.num_faces};")
    assert note in problems(mesh)


def test_the_hull_leaves_strays_out() -> None:
    mesh = mesh_of(sphere(8), triangle(600, 1))
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    assert np.abs(surface.hull(5000)).max() <= 1
    assert np.abs(surface.hull(50)).max() <= 1


def test_what_belongs_to_the_scene_is_framed() -> None:
    near = mesh_of(sphere(8), triangle(4, 1))  # not far
    large = mesh_of(sphere(8), triangle(600, 20))  # large
    many = mesh_of(
        sphere(8), replace(sphere(6), vertices=sphere(6).vertices * 0.1 + [50, 0, 0])
    )  # many faces
    row = mesh_of(sphere(8), *(triangle(x, 0.1) for x in (3, 9, 27, 81)))  # no gap
    plain = mesh_of(quad(), cube())
    for mesh in (near, large, many, row, plain):
        assert far_away(mesh) == ()
        placed = np.concatenate([p.vertices for p in mesh.parts])
        frame = unit_frame(mesh.parts, mesh.instances)
        np.testing.assert_allclose(frame.centre, (placed.min(0) + placed.max(0)) / 2)


def test_one_stray_instance_of_many() -> None:
    places = [np.eye(4) for _ in range(12)]
    for k, place in enumerate(places):
        place[0, 3] = k
    places[5][1, 3] = 1e4
    mesh = mesh_of(cube(), instances=tuple(Instance(0, p, f"copy {k}") for k, p in enumerate(places)))
    assert "in copy 5: 12 of 144;" in far_away(mesh)[0]


def test_broken_points_are_no_strays() -> None:
    points = sphere(8).vertices.copy()
    points[3] = np.nan
    assert strays(points, sphere(8).faces) is None
