from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ball_field import BALL, CENTRE, UP, ball_field, colour_at

from nst3d.cameras.lens import BrownConrady
from nst3d.cameras.pinhole import Camera
from nst3d.errors import InputError, MissingDependencyError
from nst3d.formats.fields.registry import save_field
from nst3d.formats.mesh_files import load_mesh, save_mesh
from nst3d.pipeline.jobs.export import ExportJob, SightOptions, run_export
from nst3d.pipeline.meshing.field_mesh import MeshingOptions, fused_mesh
from nst3d.pipeline.meshing.sights import cameras_around, chosen_cameras, draw_depth_pictures
from nst3d.pipeline.meshing.texture_bake import TextureOptions, baked_texture
from nst3d.renderers.voxels import VoxelRenderer
from nst3d.representations import decimate
from nst3d.representations.surface import build_surface
from nst3d.representations.texels import anchor_rows

ALL = MeshingOptions(resolution=40, faces=0)


@pytest.fixture(scope="module")
def field():
    return ball_field(nodes=36, views=18)


@pytest.fixture(scope="module")
def sights(field):
    cameras = chosen_cameras(field.cameras, 60, 56)
    return draw_depth_pictures(VoxelRenderer(field), cameras, field.colours, 0.0, lambda done: None)


@pytest.fixture(scope="module")
def found(field, sights):
    return fused_mesh(field.space, sights, field.up, ALL, "ball.npz")


@pytest.fixture(scope="module")
def baked(found, sights):
    mesh, lattice = found
    return mesh, *baked_texture(mesh, lattice, sights, TextureOptions(), lambda done: None)


def test_a_ball_becomes_a_ball(found) -> None:
    mesh, lattice = found
    part = mesh.parts[0]
    radii = np.linalg.norm(part.vertices - CENTRE, axis=1)
    cell = lattice.cells(CENTRE[None])[0]
    assert np.abs(radii - BALL).max() < 0.5 * cell
    faces = part.faces
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    assert len(part.vertices) - len(np.unique(edges, axis=0)) + len(faces) == 2
    assert part.normals is not None
    assert (np.einsum("vc,vc->v", part.normals, part.vertices - CENTRE) > 0.9 * radii).all()
    assert mesh.up == tuple(UP)


def test_the_texture_shows_the_field_s_colours(baked) -> None:
    mesh, paint, colours = baked
    surface = build_surface(mesh, paint)
    anchors = anchor_rows(surface)
    rows = anchors.valid
    corners = surface.positions[surface.faces[anchors.face[rows]]]
    points = np.einsum("nk,nkc->nc", anchors.weights[rows], corners) / mesh.frame.scale + mesh.frame.centre
    error = np.abs(colours[rows] - colour_at(points))
    assert error.mean() < 0.01
    assert np.quantile(error, 0.99) < 0.05
    assert colours.min() >= 0
    assert colours.max() <= 1


@pytest.mark.parametrize("suffix", [".glb", ".obj"])
def test_the_mesh_reads_back_where_it_stands(baked, suffix, tmp_path) -> None:
    trimesh = pytest.importorskip("trimesh")
    mesh, paint, colours = baked
    save_mesh(tmp_path / f"ball{suffix}", mesh, paint, colours)
    own = load_mesh(tmp_path / f"ball{suffix}")
    assert own.num_faces == mesh.num_faces
    assert own.textures[0].pixels.shape[:2] == paint.slots[0].size
    other = trimesh.load(tmp_path / f"ball{suffix}", force="mesh", process=False)
    assert len(other.faces) == mesh.num_faces
    size = np.ptp(mesh.parts[0].vertices, axis=0)
    # glTF stands up along +y: the axes are permuted, no length changes.
    assert np.allclose(np.sort(other.extents), np.sort(size), atol=1e-5)


def test_faces_are_reduced_to_about_what_is_asked_for(field, sights) -> None:
    pytest.importorskip("fast_simplification", reason="reducing faces needs fast-simplification")
    mesh, lattice = fused_mesh(field.space, sights, field.up, replace(ALL, faces=800), "ball.npz")
    assert 700 <= mesh.num_faces <= 800
    radii = np.linalg.norm(mesh.parts[0].vertices - CENTRE, axis=1)
    assert np.abs(radii - BALL).max() < 0.75 * lattice.cells(CENTRE[None])[0]


def test_without_the_package_the_line_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fast_simplification", None)
    vertices, faces = np.eye(3), np.array([[0, 1, 2]] * 5)
    assert decimate.decimated(vertices, faces, 5)[1] is faces
    with pytest.raises(MissingDependencyError, match="pip install fast-simplification"):
        decimate.decimated(vertices, faces, 4)


def test_a_piece_that_hovers_stays_and_a_crumb_goes(field, sights) -> None:
    """A robot's hands, a sixtieth of its faces each, are no flaw of the depth."""
    balls = [(CENTRE, 0.72), (CENTRE + UP, 0.1), (CENTRE - UP, 0.035)]
    cameras = [s.camera.scaled(2) for s in sights]
    seen = [replace(s, camera=c, depth=_depth(c, balls)) for s, c in zip(sights, cameras, strict=True)]
    mesh, _ = fused_mesh(field.space, seen, field.up, replace(ALL, resolution=96), "balls.npz")
    height = (mesh.parts[0].vertices - CENTRE) @ UP
    assert 0.01 < (height > 0.8).mean() < 0.02
    assert not (height < -0.8).any()


def _depth(camera: Camera, balls: list[tuple[np.ndarray, float]]) -> np.ndarray:
    origin, rays = camera.rays()
    squared = (rays * rays).sum(-1)
    nearest = np.full(squared.shape, np.inf)
    for centre, radius in balls:
        away = origin - centre
        half = rays @ away
        root = half * half - squared * (away @ away - radius * radius)
        depth = (-half - np.sqrt(np.maximum(root, 0))) / squared
        nearest = np.where(root > 0, np.minimum(nearest, depth), nearest)
    return nearest.astype(np.float32)


def test_nothing_to_see_is_told(field, sights) -> None:
    empty = [replace(s, depth=np.full_like(s.depth, np.inf)) for s in sights[:4]]
    with pytest.raises(InputError, match=r"^ball\.npz: .*no surface"):
        fused_mesh(field.space, empty, field.up, ALL, "ball.npz")


def test_cameras_are_chosen_evenly_and_lose_their_distortion(field) -> None:
    bent = [replace(c, lens=BrownConrady(k1=0.1)) for c in field.cameras]
    chosen = chosen_cameras(bent, 5, 28)
    assert len(chosen) == 5
    assert all(c.lens is None and max(c.size) == 28 for c in chosen)
    assert np.array_equal(chosen[0].position, bent[0].position)
    assert np.array_equal(chosen[-1].position, bent[-1].position)


def test_cameras_around_a_box_frame_it(field) -> None:
    corners = CENTRE + (np.array(list(np.ndindex(2, 2, 2))) * 2 - 1) * field.space.radius
    for camera in cameras_around(field.space, UP, 64):
        pixels, depth = camera.project(corners)
        assert (depth > 0).all()
        assert ((pixels >= 0) & (pixels <= 64)).all()


@pytest.mark.parametrize("contracted", [False, True])
def test_a_field_file_becomes_a_mesh_file(tmp_path, contracted) -> None:
    save_field(tmp_path / "ball.npz", ball_field(96 if contracted else 48, contracted, views=18))
    told: list[tuple[int, int]] = []
    job = ExportJob(
        tmp_path / "ball.npz",
        tmp_path / "new" / "ball.glb",
        sights=SightOptions(view_size=80),
        meshing=MeshingOptions(resolution=40, faces=0),
        texture=TextureOptions(texture_size=128),
    )
    done = run_export(job, progress=lambda *a: told.append(a))
    assert done.paths == (job.out,)
    assert done.views == 18
    assert told[-1][0] == told[-1][1]
    assert [t[0] for t in told] == sorted(t[0] for t in told)
    mesh = load_mesh(job.out)
    turned = mesh.parts[0].vertices @ mesh.instances[0].transform[:3, :3].T
    centre = np.array([CENTRE[0], CENTRE[2], -CENTRE[1]])  # z up, −y in front: y up, z in front
    radii = np.linalg.norm(turned - centre, axis=1)
    assert np.abs(radii - BALL).max() < 0.08
    assert not list(tmp_path.rglob("*.tmp"))
