"""Where rows are, from the views alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from all_round import SIDES
from small_meshes import camera_at, sphere, vertex_surface

from nst3d.operators import IdentityView
from nst3d.renderers import MeshRenderer
from nst3d.stylize.teachers.row_places import RowPlaces, places_of
from nst3d.stylize.teachers.surface_cells import Cells, cells_of
from nst3d.tensors import ImageSize


@pytest.fixture(scope="module")
def ball() -> tuple[RowPlaces, torch.Tensor, float]:
    """The places of a ball's rows, their true places, and the width of a pixel."""
    surface = vertex_surface(sphere(24))
    cameras = [camera_at(p, 48) for p in SIDES]
    places = places_of([MeshRenderer(surface).compile(c) for c in cameras], cameras)
    true = torch.zeros(surface.num_colours, 3, dtype=torch.float64)
    true[torch.from_numpy(surface.binding.rows)] = torch.from_numpy(surface.positions[surface.faces]).double()
    near = np.linalg.norm(cameras[0].position) - 0.5
    return places, true[places.rows], near / cameras[0].focal


def test_rows_are_where_the_rays_that_show_them_meet(ball) -> None:
    places, true, pixel = ball
    assert len(places.rows) > 0.95 * len(true)
    # The unit is the width of a pixel at the usual distance.
    ratio = float(true.norm(dim=1).median() / places.positions.norm(dim=1).median())
    assert ratio == pytest.approx(pixel, rel=0.2)
    error = (places.positions * ratio - true).norm(dim=1) / pixel
    assert float(error.median()) < 0.3
    assert float(error.max()) < 1.5


def test_rows_face_those_who_see_them(ball) -> None:
    places, true, _ = ball
    cosines = (places.outwards * torch.nn.functional.normalize(true, dim=1)).sum(1)
    assert float(cosines.min()) > 0.9


def test_a_picture_is_flat_and_upright() -> None:
    places = places_of([IdentityView(ImageSize(2, 3))], [None])
    assert places.rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert places.positions[:, :2].tolist() == [
        [0.5, 0.5],
        [1.5, 0.5],
        [2.5, 0.5],
        [0.5, 1.5],
        [1.5, 1.5],
        [2.5, 1.5],
    ]
    cells = cells_of(places_of([IdentityView(ImageSize(20, 30))], [None]))
    torch.testing.assert_close(cells.rights, torch.tensor([1.0, 0, 0]).double().expand(600, 3))
    torch.testing.assert_close(cells.downs, torch.tensor([0.0, 1, 0]).double().expand(600, 3))
    corner = int(cells.of_row[0])
    assert sorted(cells.around(torch.tensor([corner]))[1].tolist()) == sorted(
        cells.of_row[[1, 30, 31]].tolist()
    )


def test_rows_seen_from_one_direction_alone_are_left_out() -> None:
    surface, camera = vertex_surface(sphere(8)), camera_at((0, 0, 3), 24)
    view = MeshRenderer(surface).compile(camera)
    assert len(places_of([view, view], [camera, camera]).rows) == 0


def test_cells_of_a_ball_have_its_normals_and_run_around_it(ball) -> None:
    places, _, _ = ball
    cells: Cells = cells_of(places)
    outwards = torch.nn.functional.normalize(cells.positions - cells.positions.mean(0), dim=1)
    assert float((cells.normals * outwards).sum(1).min()) > 0.95
    upright = (outwards @ places.up).abs() < 0.7
    around = torch.nn.functional.normalize(torch.linalg.cross(places.up.expand_as(outwards), outwards), dim=1)
    assert float((cells.rights * around).sum(1)[upright].min()) > 0.95
    assert float((cells.rights * cells.normals).sum(1).abs().max()) < 1e-6
    assert float(cells.doubt[upright].max()) < 0.8 <= float(cells.doubt.max()) + 0.25


def test_neighbours_know_each_other() -> None:
    cells = cells_of(places_of([IdentityView(ImageSize(7, 9))], [None]))
    own, other = cells.around(torch.arange(63))
    pairs = set(zip(own.tolist(), other.tolist()))
    assert pairs == {(b, a) for a, b in pairs}
    assert len(pairs) == 2 * (6 * 9 + 7 * 8 + 2 * 6 * 8)


def test_the_mean_of_a_cell_is_that_of_its_rows() -> None:
    places = RowPlaces(
        torch.arange(40),
        torch.stack([torch.arange(40) % 20 + 0.5, torch.zeros(40), torch.zeros(40)], 1).double(),
        torch.tensor([0.0, 0.0, -1.0]).double().expand(40, 3),
        torch.tensor([0.0, -1.0, 0.0]).double(),
    )
    cells = cells_of(places)
    values = torch.arange(40.0)[:, None]
    expected = torch.stack([values[cells.of_row == c].mean(0) for c in range(len(cells.positions))])
    torch.testing.assert_close(cells.mean(values), expected)
