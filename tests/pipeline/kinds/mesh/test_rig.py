from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from small_meshes import cube, mesh_of, quad, sphere, vertex_surface

from nst3d.pipeline.kinds.mesh.rig import plan_rig
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.visibility import sample_points, sees
from nst3d.representations.mesh import Material, Part
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface


def cup() -> Surface:
    """A deep open box: its floor is seen from few directions."""
    box = cube()
    keep = np.abs(box.vertices[box.faces].mean(1)[:, 1] - 1) > 1e-6
    inner = box.vertices * [0.8, 0.9, 0.8] + [0, 0.1, 0]
    parts = (
        replace(box, faces=box.faces[keep], uvs=None),
        Part("inside", inner, box.faces[keep], 0),
    )
    mesh = mesh_of(*parts)
    return build_surface(mesh, paint_vertices(mesh, np.inf, 0))


def test_the_rig_sees_what_can_be_seen() -> None:
    surface = vertex_surface(sphere(10))
    caster = Raycaster(surface)
    rig = plan_rig(surface, caster, RigOptions(views=12), 64)
    assert 12 <= len(rig.cameras) <= 40
    assert rig.coverage >= 0.98
    assert rig.reachable > 0.98
    points = sample_points(surface, 500, seed=7)
    seen = np.stack([sees(caster, c, points) for c in rig.cameras], axis=1).any(1)
    assert seen.mean() > 0.95


def test_cameras_are_added_for_what_is_hard_to_see() -> None:
    surface = cup()
    caster = Raycaster(surface)
    few = plan_rig(surface, caster, RigOptions(views=6, max_views=6), 64)
    more = plan_rig(surface, caster, RigOptions(views=6, max_views=30), 64)
    assert len(few.cameras) == 6
    assert len(more.cameras) > 6
    assert more.coverage >= 0.98 > few.coverage


def test_what_lies_inside_counts_as_not_seen() -> None:
    mesh = mesh_of(sphere(8), sphere(8, radius=0.5))
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    rig = plan_rig(surface, Raycaster(surface), RigOptions(views=12), 32)
    assert rig.reachable == pytest.approx(0.8, abs=0.03)
    assert 0.98 * rig.reachable <= rig.coverage <= rig.reachable
    assert len(rig.cameras) < 20


def hills(turned: bool = False) -> Surface:
    """A wavy sheet that faces up, or down if it is `turned`."""
    x, z = (a.ravel() for a in np.meshgrid(np.linspace(-1, 1, 12), np.linspace(-1, 1, 12)))
    corner = (np.arange(11)[:, None] * 12 + np.arange(11)).ravel()
    square = corner[:, None] + [0, 12, 1, 13]
    faces = np.concatenate([square[:, [0, 1, 2]], square[:, [1, 3, 2]]]).astype(np.int32)
    points = np.stack([x, 0.1 * np.sin(5 * x), z], axis=1)
    return vertex_surface(Part("hills", points, faces[:, ::-1] if turned else faces, 0))


@pytest.mark.parametrize("turned", [False, True])
def test_no_camera_looks_at_a_terrain_from_below(turned) -> None:
    surface = hills(turned)
    rig = plan_rig(surface, Raycaster(surface), RigOptions(views=8), 32)
    assert len(rig.cameras) >= 8
    assert all(camera.position[1] > 0.05 for camera in rig.cameras)
    assert rig.coverage >= 0.98


def test_all_cameras_frame_the_mesh_from_one_distance() -> None:
    surface = vertex_surface(cube())
    rig = plan_rig(surface, Raycaster(surface), RigOptions(views=10, crop=False), 80)
    for camera in rig.cameras:
        assert camera.size == (80, 80)
        assert np.linalg.norm(camera.position) == pytest.approx(rig.distance)
        pixels, depth = camera.project(surface.positions.astype(float))
        assert (depth > 0).all()
        assert pixels.min() >= 0
        assert pixels.max() <= 80
    assert rig.pixel == pytest.approx(2 * rig.distance * math.tan(math.radians(20)) / 80)


def test_cropped_views_are_as_large_as_their_image_allows() -> None:
    surface = vertex_surface(cube())
    whole, close = (
        plan_rig(surface, Raycaster(surface), RigOptions(views=10, crop=crop), 80) for crop in (False, True)
    )
    focal = {c.focal for c in close.cameras}
    assert len(focal) == 1  # strokes keep one size
    zoom = focal.pop() / whole.cameras[0].focal
    assert zoom >= 1
    assert close.pixel == pytest.approx(whole.pixel / zoom)
    points = surface.positions.astype(float)
    spans = [np.ptp(c.project(points)[0], axis=0).max() for c in close.cameras]
    assert max(spans) == pytest.approx(0.92 * 80)


def test_a_flat_mesh_has_a_rig_too() -> None:
    surface = vertex_surface(quad())
    rig = plan_rig(surface, Raycaster(surface), RigOptions(views=6), 32)
    assert rig.coverage >= 0.98
    assert all(abs(c.position[1]) < rig.distance for c in rig.cameras)


def test_deterministic() -> None:
    surface = cup()
    rigs = [plan_rig(surface, Raycaster(surface), RigOptions(views=6), 64) for _ in range(2)]
    assert len(rigs[0].cameras) == len(rigs[1].cameras)
    for a, b in zip(rigs[0].cameras, rigs[1].cameras):
        assert np.array_equal(a.camera_to_world, b.camera_to_world)


def test_views_from_behind_a_single_sided_sheet_are_left_out() -> None:
    mesh = mesh_of(quad(), materials=(Material("sheet", double_sided=False),))
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    caster = Raycaster(surface)
    rig = plan_rig(surface, caster, RigOptions(views=12), 32)
    assert len(rig.cameras) > 2
    assert all(camera.position[2] > 0 for camera in rig.cameras)
    assert rig.coverage == 1
