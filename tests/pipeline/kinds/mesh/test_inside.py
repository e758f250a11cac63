from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_meshes import cube, mesh_of, noise, sphere

from nst3d.cameras.orbits import Orbit
from nst3d.images.io import read_image
from nst3d.pipeline.kinds.mesh.gallery import ColouredSurface, look_around, write_sheet
from nst3d.pipeline.kinds.mesh.inside import Plan, plan_views
from nst3d.pipeline.kinds.mesh.pieces import pieces_of
from nst3d.pipeline.kinds.mesh.scene import MeshScene, prepare_mesh, stage_cameras
from nst3d.pipeline.kinds.mesh.shown import show_mesh, with_room
from nst3d.pipeline.kinds.mesh.subject import MeshSubject
from nst3d.pipeline.settings.config import OutputOptions, PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.renderers.visibility import sample_points, sees
from nst3d.representations.mesh import Material, Mesh, Part, Texture
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import build_surface
from nst3d.stylize.coat import Coat
from nst3d.stylize.style import Style
from nst3d.tensors import ImageSize

FEW = RigOptions(views=8, max_views=12)


def box(low, high, inward: bool = False) -> Part:
    low, high, unit = np.array(low), np.array(high), cube()
    share = (unit.vertices - unit.vertices.min(0)) / np.ptp(unit.vertices, axis=0)
    return Part("box", low + share * (high - low), unit.faces[:, ::-1].copy() if inward else unit.faces, 0)


def ball(centre, radius: float) -> Part:
    return replace(sphere(8), vertices=sphere(8).vertices * radius + centre, uvs=None)


FURNITURE = (box((0.2, 0.05, 0.2), (0.5, 0.3, 0.6)), ball([-0.5, 0.2, -0.3], 0.2))
ROOM = (box((-1, 0, -1), (1, 1, 1), inward=True), *FURNITURE)
HOUSE = (box((-1.1, -0.1, -1.1), (1.1, 1.1, 1.1)), *ROOM)


def planned(*parts: Part, double_sided: bool = True, options: RigOptions = FEW) -> tuple[Plan, Mesh]:
    mesh = mesh_of(*parts, materials=(Material("m", double_sided=double_sided),))
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    return plan_views(surface, "auto", options, 48), mesh


@pytest.mark.parametrize("double_sided", [True, False])
@pytest.mark.parametrize("parts", [ROOM, HOUSE], ids=["room", "house"])
def test_rooms_are_seen_from_inside(parts, double_sided) -> None:
    (caster, rig, _), _ = planned(*parts, double_sided=double_sided)
    assert 1 <= len(rig.within) < 30
    points = sample_points(caster.surface, 3000, seed=5)
    inner = np.isin(points.face, np.flatnonzero(caster.surface.part >= len(parts) - len(FURNITURE)))
    inner &= points.normals[:, 1] > -0.5  # undersides are close to the floor
    seen = np.stack([sees(caster, c, points) for c in rig.cameras], axis=1).any(1)
    assert seen[inner].mean() > 0.95
    assert rig.coverage == pytest.approx(seen.mean(), abs=0.03)
    assert rig.coverage > 0.95
    assert rig.reachable < 0.96


@pytest.mark.parametrize("double_sided", [True, False])
def test_furniture_is_seen_though_the_walls_face_outwards(double_sided) -> None:
    parts = (box((-1, 0, -1), (1, 1, 1)), box((0.2, 0, 0.2), (0.5, 0.25, 0.6)), FURNITURE[1])
    (caster, rig, notes), _ = planned(*parts, double_sided=double_sided)
    assert 1 <= len(rig.within) < 12
    assert rig.coverage > 0.98 > rig.reachable
    assert notes == ()
    points = sample_points(caster.surface, 3000, seed=5)
    table = (caster.surface.part[points.face] == 1) & (points.normals[:, 1] > -0.5)
    seen = np.stack([sees(caster, c, points) for c in rig.within], axis=1).any(1)
    assert seen[table].mean() > 0.95


def many_rooms() -> list[Part]:
    places = [np.array([i, 0, k]) * 1.1 for i in range(4) for k in range(3)]
    rooms = [box(p, p + 1, inward=True) for p in places]
    low, high = np.array([0.2, 0, 0.2]), np.array([0.5, 0.4, 0.6])
    return rooms + [box(p + low, p + high) for p in places]


def test_many_rooms_are_all_seen_within_the_budget() -> None:
    (_, rig, _), _ = planned(*many_rooms(), options=replace(FEW, max_inside=200))
    assert 12 * 4 < len(rig.within) < 200
    assert rig.coverage > 0.95
    assert rig.unseen == frozenset()


def test_pieces_are_what_hangs_together() -> None:
    mesh = mesh_of(ball([0, 0, 0], 1.0), box((2, 0, 0), (3, 1, 1)))
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    pieces = pieces_of(surface)
    assert [np.unique(pieces[surface.part == k]).tolist() for k in (0, 1)] in ([[0], [1]], [[1], [0]])


def test_cameras_inside_keep_clear_of_walls_and_furniture() -> None:
    (_, rig, _), mesh = planned(*HOUSE)
    room = mesh.frame.apply(np.array([[-1, 0, -1], [1, 1, 1.0]]))
    places = np.array([c.position for c in rig.within])
    assert ((places > room[0]) & (places < room[1])).all()
    solid = [mesh.frame.apply(p.vertices) for p in FURNITURE]
    for points in solid:
        assert not ((places > points.min(0)) & (places < points.max(0))).all(1).any()


def test_a_single_sided_room_is_a_dolls_house_from_outside() -> None:
    (caster, _, notes), _ = planned(*ROOM, double_sided=False)
    assert caster.surface.sides is not None
    assert notes == ()
    empty, _ = planned(ROOM[0], double_sided=False)
    assert empty.rig.within == ()
    assert "inside out" in empty.notes[0]


@pytest.mark.parametrize(
    "parts",
    [
        (ball([0, 0, 0], 1.0),),
        (ball([0, 0, 0], 1.0), ball([0, 0, 0], 0.95)),
        (cube(), ball([0.5, 0.5, 2], 0.4)),
        (box((-1, 0, -1), (1, 1, 1)), ball([1, 0.5, 0], 0.45), box((-0.1, -1, -0.1), (0.1, 2, 0.1))),
    ],
    ids=["body", "under clothes", "two bodies", "embedded"],
)
def test_bodies_are_seen_from_outside_only(parts) -> None:
    assert planned(*parts)[0].rig.within == ()


def test_cameras_inside_can_be_had_or_not() -> None:
    never, _ = planned(*HOUSE, options=replace(FEW, inside="never"))
    assert never.rig.within == ()
    little = (box((-1, 0, -1), (1, 1, 1)), ball([-0.5, 0.2, -0.3], 0.12))
    assert planned(*little)[0].rig.within == ()
    always, _ = planned(*little, options=replace(FEW, inside="always"))
    assert len(always.rig.within) >= 1
    assert always.rig.coverage > planned(*little)[0].rig.coverage
    few, _ = planned(*HOUSE, options=replace(FEW, max_inside=2))
    assert len(few.rig.within) == 2


@pytest.fixture(scope="module")
def house() -> MeshScene:
    mesh = mesh_of(*(replace(p, uvs=None) for p in HOUSE))
    return prepare_mesh(mesh, SurfaceOptions(), FEW, 48)


def subject_of(scene: MeshScene, region: str | None = None) -> MeshSubject:
    style = torch.rand(8, 8, 3, generator=torch.Generator().manual_seed(0))
    return MeshSubject(scene, Path("a.glb"), [Coat([Style((style,))], region)], PaintConfig())


def test_views_inside_are_not_cropped_and_have_neighbours_inside(house) -> None:
    cameras = stage_cameras(house, 0.5, crop=True)
    around = len(house.rig.around)
    assert all(c.size == (24, 24) for c in cameras[around:])
    neighbours = subject_of(house).stage(1.0).neighbours()
    for view, others in enumerate(neighbours):
        assert others
        assert all((view < around) == (other < around) for other in others)


def test_numbers_and_notes_say_what_is_seen(house) -> None:
    subject = subject_of(house)
    facts = subject.facts(subject.canvas())
    assert facts["views_inside"] == len(house.rig.within) > 0
    assert facts["coverage"] == pytest.approx(house.rig.coverage, abs=1e-4)
    assert facts["visible_from_outside"] < facts["coverage"]
    assert f"{facts['views_inside']} of {facts['views']}" in house.notes[0]


def test_what_no_camera_sees_keeps_its_picture() -> None:
    hidden = replace(sphere(10, radius=0.9), material=1)
    images = tuple(Texture(name, noise(512, 512, 3, seed=k)) for k, name in enumerate("ab"))
    materials = tuple(Material(t.name, texture=k) for k, t in enumerate(images))
    mesh = mesh_of(sphere(10), hidden, materials=materials, textures=images)
    scene = prepare_mesh(mesh, SurfaceOptions(), FEW, 48)
    (note,) = subject_of(scene).notes
    assert "no camera sees 45% of the surface" in note
    inner, outer = (subject_of(scene, f"material:{name}") for name in "ba")
    assert "no camera sees 100% of the region" in inner.notes[0]
    assert outer.notes == ()
    assert [slot.size for slot in scene.paint.slots][1] == (512, 512)  # its own density
    assert scene.paint.slots[0].size.height < 512
    subject = subject_of(scene)
    canvas = subject.canvas()
    canvas.enter(1.0)
    count = subject.layout.num_colours
    finished = subject.finished(torch.zeros(count, 3), canvas.colour_coverage(), canvas.stage)
    own = torch.from_numpy(scene.anchors.face >= len(sphere(10).faces))
    assert torch.equal(finished[own], subject.start[own])
    assert finished[: scene.paint.slots[1].offset].mean() < 0.05


def test_the_sheet_has_pictures_from_inside(house, tmp_path) -> None:
    colours = np.full((house.layout.num_colours, 3), 0.2, np.float32)
    output = OutputOptions(size=32, lighting="none")
    look = ColouredSurface(house.renderer, colours)
    write_sheet(tmp_path / "a.png", house, (look, look), output)
    write_sheet(tmp_path / "b.png", house, (look, look), output, house.rig.within)
    outside, both = (np.asarray(read_image(tmp_path / f"{name}.png").pixels) for name in "ab")
    assert outside.shape[0] == 4 * 32
    assert both.shape[0] == 6 * 32
    # In the middle of the house, a picture shows no background.
    np.testing.assert_allclose(both[4 * 32 :], 0.2, atol=0.01)


def test_the_video_turns_where_there_is_room(house) -> None:
    corner = house.mesh.frame.apply(np.array([[0.9, 0.9, 0.9], [0.8, 0.9, -0.9]]))
    cameras = look_around(house, corner, OutputOptions(frames=6, size=32))
    assert len(cameras) == 6
    place = cameras[0].position
    assert all(np.allclose(c.position, place) for c in cameras)
    low, high = house.mesh.frame.apply(np.array([[-1, 0, -1], [1, 1, 1.0]]))
    assert np.minimum(place - low, high - place).min() > 0.3 * (high - low)[1]
    assert np.linalg.norm(np.sum([c.forward for c in cameras], axis=0)[[0, 2]]) < 1e-9
    assert all(-0.5 < c.forward[1] < -0.1 for c in cameras)


@pytest.mark.parametrize(("parts", "there"), [(HOUSE, True), (FURNITURE, False)])
def test_renders_turn_inside_where_painting_has_cameras(parts, there) -> None:
    mesh = mesh_of(*parts)
    shown = with_room(show_mesh(mesh, Orbit(8, ImageSize(32, 32))))
    assert (shown.room is not None) == there
    if there:
        room = mesh.frame.apply(np.array([[-1, 0, -1], [1, 1, 1.0]]))
        assert ((shown.room > room[0]) & (shown.room < room[1])).all()
