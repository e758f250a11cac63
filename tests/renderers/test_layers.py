"""Views through cut-outs, glass and faces that are turned away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_meshes import camera_at, cube, mesh_of, noise, quad, sphere, texture_paint

from nst3d.operators import dot_test
from nst3d.renderers import MeshRenderer, MeshViewOptions
from nst3d.renderers.frames import draw_frame
from nst3d.renderers.layers import MOST, see
from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.reference import reference_view
from nst3d.renderers.visibility import Points, sample_points, sees
from nst3d.representations.mesh import Instance, Material, Mesh, Texture
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.tensors import Array, ImageSize

SOLID = Material("solid")
GLASS = Material("glass", alpha_mode="blend", alpha=0.25)
ONE_SIDED = Material("sheet", double_sided=False)
LEAF = Material("leaf", texture=0, alpha_mode="mask", cutoff=0.5)


def hole(side: int = 16) -> Array:
    """Alpha (side, side): absent in the middle, solid around it."""
    alpha = np.ones((side, side), np.float32)
    alpha[side // 4 : -side // 4, side // 4 : -side // 4] = 0
    return alpha


def shifted(depth: float) -> Array:
    moved = np.eye(4)
    moved[2, 3] = depth
    return moved


def stack(*materials: Material, alpha: Array | None = None, **fields) -> Mesh:
    """Squares that face +z, one behind the other from front to back."""
    parts = [quad(material=k) for k in range(len(materials))]
    places = tuple(Instance(k, shifted(-0.2 * k)) for k in range(len(materials)))
    opacity = hole() if alpha is None else alpha
    texture = Texture("leaf", noise(*opacity.shape, 3), opacity)
    return mesh_of(*parts, instances=places, materials=materials, textures=(texture,), **fields)


def vertex_bound(mesh: Mesh) -> Surface:
    return build_surface(mesh, paint_vertices(mesh, np.inf, 0))


def texel_bound(mesh: Mesh) -> Surface:
    return build_surface(mesh, texture_paint(mesh, ImageSize(16, 24)))


def share_of(surface: Surface, part: int, view) -> Array:
    """How much of each pixel comes from a part of vertex paint, (h, w)."""
    colours = torch.zeros(surface.num_colours, 3)
    colours[np.unique(surface.binding.rows[surface.part == part])] = 1
    return view.apply(colours)[..., 0].numpy()


AHEAD = camera_at((0, 0, 3), 16, 0.4)


def test_a_cut_out_shows_what_is_behind() -> None:
    surface = vertex_bound(stack(LEAF, SOLID))
    view = MeshRenderer(surface).compile(AHEAD)
    leaf, wall = (share_of(surface, k, view) for k in (0, 1))
    np.testing.assert_allclose(leaf + wall, 1, atol=1e-5)
    assert leaf[8, 8] == 0
    assert wall[8, 8] == pytest.approx(1)
    assert leaf[1, 1] == pytest.approx(1)


def test_glass_in_front_of_a_wall_by_hand() -> None:
    surface = vertex_bound(stack(GLASS, GLASS, SOLID))
    view = MeshRenderer(surface).compile(AHEAD)
    shares = [share_of(surface, k, view)[8, 8] for k in range(3)]
    np.testing.assert_allclose(shares, [0.25, 0.75 * 0.25, 0.75**2], atol=1e-5)


def test_light_that_no_face_stops_is_background() -> None:
    view = MeshRenderer(vertex_bound(stack(GLASS))).compile(AHEAD)
    assert view.coverage[8, 8, 0] == pytest.approx(0.25)
    image = view.render(torch.zeros(view.num_colours, 3), 1.0)
    assert image[8, 8, 0] == pytest.approx(0.75)


def test_a_wall_behind_any_number_of_panes_is_seen() -> None:
    pane = replace(GLASS, alpha=0.05)
    surface = vertex_bound(stack(*[pane] * (2 * MOST), SOLID))
    view = MeshRenderer(surface).compile(AHEAD)
    assert share_of(surface, 2 * MOST, view)[8, 8] == pytest.approx(0.95 ** (MOST - 1), abs=1e-4)
    assert view.coverage[8, 8, 0] == pytest.approx(1)


def test_alpha_is_factor_times_texture() -> None:
    half = np.full((4, 4), 0.5, np.float32)
    glass = Material("glass", texture=0, alpha_mode="blend", alpha=0.5)
    view = MeshRenderer(vertex_bound(stack(glass, alpha=half))).compile(AHEAD)
    assert view.coverage[8, 8, 0] == pytest.approx(0.25)


def fading(material: Material, alpha: Array | None = None) -> Mesh:
    """A square whose vertices have alpha 0 on the left and 1 on the right, before a solid one."""
    mesh = stack(material, SOLID, alpha=alpha)
    front = replace(mesh.parts[0], alphas=np.array([0, 1, 1, 0], np.float32))
    return replace(mesh, parts=(front, *mesh.parts[1:]))


@pytest.mark.parametrize("bind", [vertex_bound, texel_bound])
def test_alpha_of_vertices_is_interpolated_and_multiplies_the_rest(bind) -> None:
    glass = Material("glass", texture=0, alpha_mode="blend", alpha=0.5)
    mesh = fading(glass, np.full((4, 4), 0.5, np.float32))
    origins, directions = AHEAD.rays()
    layers = see(Raycaster(bind(mesh)), origins, directions)
    across = (origins + directions * layers.hits.depth[0][..., None])[..., 0] / mesh.frame.scale
    np.testing.assert_allclose(layers.weight[0], 0.25 * (across + 1) / 2, atol=1e-4)
    np.testing.assert_allclose(layers.weight[1], 1 - layers.weight[0], atol=1e-6)


def test_the_cutoff_holds_for_alpha_of_vertices() -> None:
    surface = vertex_bound(fading(Material("leaf", alpha_mode="mask", cutoff=0.5)))
    front = share_of(surface, 0, MeshRenderer(surface).compile(AHEAD))
    assert front[:, :7].max() == 0
    assert front[:, 9:].min() == pytest.approx(1)


def test_opaque_materials_ignore_the_alpha_of_vertices() -> None:
    assert vertex_bound(fading(SOLID)).solid


@pytest.mark.parametrize(("transmission", "share"), [(0.6, 0.4), (1.0, 0.25)])
def test_glass_shows_what_is_behind_it_and_some_of_itself(transmission, share) -> None:
    glass = Material("glass", alpha=0.1, transmission=transmission)
    surface = vertex_bound(stack(glass, SOLID))
    pane, wall = (share_of(surface, k, MeshRenderer(surface).compile(AHEAD))[8, 8] for k in (0, 1))
    assert (pane, wall) == pytest.approx((share, 1 - share), abs=1e-5)


def test_cut_out_glass() -> None:
    surface = vertex_bound(stack(replace(LEAF, transmission=0.5), SOLID))
    view = MeshRenderer(surface).compile(AHEAD)
    pane = share_of(surface, 0, view)
    assert pane[8, 8] == 0
    assert pane[1, 1] == pytest.approx(0.5)


@pytest.mark.parametrize(("cutoff", "seen"), [(0.4, 1), (0.5, 1), (0.6, 0)])
def test_the_cutoff(cutoff, seen) -> None:
    leaf = replace(LEAF, cutoff=cutoff)
    surface = vertex_bound(stack(leaf, alpha=np.full((4, 4), 0.5, np.float32)))
    assert MeshRenderer(surface).compile(AHEAD).coverage[8, 8, 0] == seen


def test_opaque_materials_ignore_alpha() -> None:
    opaque = Material("opaque", texture=0, alpha=0.2)
    assert vertex_bound(stack(opaque)).solid
    assert vertex_bound(stack(replace(GLASS, alpha=1.0))).solid


@pytest.mark.parametrize("mirrored", [False, True])
def test_faces_are_seen_from_their_own_side_only(mirrored) -> None:
    turn = np.diag([-1.0, 1, 1, 1]) if mirrored else np.eye(4)
    mesh = mesh_of(quad(), instances=(Instance(0, turn),), materials=(ONE_SIDED,))
    renderer = MeshRenderer(vertex_bound(mesh))
    assert renderer.compile(AHEAD).coverage[8, 8, 0] == 1
    assert renderer.compile(camera_at((0, 0, -3), 16, 0.4)).coverage.max() == 0


def back_to_back() -> Surface:
    """Two sheets in one place that look opposite ways, cut along different diagonals."""
    front, back = quad(material=0), quad(material=0)
    other = np.array([[1, 0, 3], [1, 3, 2]], np.int32)
    back = replace(back, faces=other, uvs=None)
    return vertex_bound(mesh_of(replace(front, uvs=None), back, materials=(ONE_SIDED,)))


@pytest.mark.parametrize(("place", "part"), [((0.1, 0.2, 3), 0), ((0.1, 0.2, -3), 1)])
def test_sheets_back_to_back_have_two_sides(place, part) -> None:
    surface = back_to_back()
    rays = camera_at(place, 32, 0.4).rays()
    face = see(Raycaster(surface), *rays).median().face
    assert set(surface.part[face[face >= 0]].tolist()) == {part}
    assert (face >= 0).mean() > 0.9


SCENES = {
    "leaf and wall": lambda: texel_bound(stack(LEAF, SOLID)),
    "panes": lambda: vertex_bound(stack(GLASS, LEAF, GLASS, SOLID)),
    "soft": lambda: texel_bound(
        stack(Material("soft", texture=0, alpha_mode="blend", alpha=0.9), SOLID, alpha=noise(5, 7))
    ),
    "fading glass": lambda: texel_bound(
        fading(Material("soft", texture=0, alpha_mode="blend", alpha=0.9, transmission=0.3), noise(5, 7))
    ),
    "open box": lambda: vertex_bound(
        mesh_of(replace(cube(), faces=cube().faces[4:], uvs=None), materials=(ONE_SIDED,))
    ),
    "ball in glass": lambda: vertex_bound(
        mesh_of(sphere(5, 0.6), cube(material=1), materials=(SOLID, replace(GLASS, double_sided=False)))
    ),
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_twin_agrees(scene) -> None:
    surface = SCENES[scene]()
    assert not surface.solid
    camera = camera_at((0.7, 0.5, 3), ImageSize(20, 24), 0.9)
    fast, slow = MeshRenderer(surface).compile(camera), reference_view(surface, camera)
    colours = torch.from_numpy(noise(surface.num_colours, 3))
    gap = (fast.apply(colours) - slow.apply(colours)).abs().amax(-1)
    gap = torch.maximum(gap, (fast.coverage - slow.coverage).abs()[..., 0])
    # A ray through a silhouette may hit in one and miss in the other.
    assert (gap > 1e-4).float().mean() < 0.01
    assert dot_test(fast) < 1e-6
    assert dot_test(slow) < 1e-6
    white = fast.render(torch.ones(surface.num_colours, 3), 1.0)
    torch.testing.assert_close(white, torch.ones_like(white), atol=1e-5, rtol=0)


def test_frames_equal_views() -> None:
    surface = SCENES["panes"]()
    renderer, camera = MeshRenderer(surface), camera_at((0.7, 0.5, 3), 24, 0.9)
    colours = noise(surface.num_colours, 3)
    for lighting in ("none", "studio"):
        frame = draw_frame(renderer, camera, colours, lighting)
        view = renderer.compile(camera, MeshViewOptions(3, lighting))
        image = view.apply(torch.from_numpy(colours)).numpy()
        assert np.abs(frame[..., :3] - image).mean() < 0.01
        assert np.abs(frame[..., 3:] - view.coverage.numpy()).mean() < 0.01


def test_points_behind_glass_and_cut_outs_are_seen() -> None:
    middle = Points(np.array([[0.0, 0, -0.2]]), np.array([[0.0, 0, 1]]))
    for front, seen in ((LEAF, True), (GLASS, True), (SOLID, False)):
        surface = vertex_bound(stack(front, SOLID))
        wall = np.unique(surface.positions[:, 2])[0]
        middle = Points(np.array([[0.0, 0, wall]]), np.array([[0.0, 0, 1]]))
        assert sees(Raycaster(surface), AHEAD, middle).tolist() == [seen]


def test_points_lie_only_where_there_is_a_surface() -> None:
    surface = vertex_bound(stack(LEAF))
    points = sample_points(surface, 2000)
    inside = np.abs(points.positions / np.abs(surface.positions).max(0).clip(1e-9)).max(1) < 0.4
    assert 1200 < len(points.positions) < 1800
    assert not inside.any()


def test_points_on_faces_turned_away_are_not_seen() -> None:
    surface = vertex_bound(mesh_of(quad(), materials=(ONE_SIDED,)))
    points, caster = sample_points(surface, 50), Raycaster(surface)
    assert sees(caster, camera_at((0, 0, 3), 64, 0.9), points).all()
    assert not sees(caster, camera_at((0, 0, -3), 64, 0.9), points).any()
