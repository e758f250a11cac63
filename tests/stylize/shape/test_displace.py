"""Offsets of vertices: regularisers, smooth steps, bounds, faults, and the loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from small_meshes import sphere

from nst3d.errors import ConfigError
from nst3d.stylize.engine import Run
from nst3d.stylize.guide import Guide
from nst3d.stylize.phases import Please
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.shape.canvas import ShapeCanvas
from nst3d.stylize.shape.faults import FaultFinder
from nst3d.stylize.shape.moving import Moving
from nst3d.stylize.shape.options import DisplaceOptions
from nst3d.stylize.shape.terms import (
    Smoother,
    Topology,
    bounded,
    edge_lengths,
    edge_term,
    face_normals,
    laplacian,
    laplacian_term,
    normal_term,
    side_cosines,
)
from nst3d.stylize.stage_scene import StageScene

# A strip of four triangles in z = 0, a seam-free sheet of six points.
SHEET = torch.tensor([[0, 0, 0], [1, 0, 0], [2, 0, 0], [0, 1, 0], [1, 1, 0], [2, 1, 0]], dtype=torch.float64)
STRIP = torch.tensor([[0, 1, 4], [0, 4, 3], [1, 2, 5], [1, 5, 4]])


def ball() -> tuple[torch.Tensor, Topology]:
    part = sphere(5)
    return torch.from_numpy(part.vertices), Topology.of(torch.from_numpy(part.faces).long())


def shaken(values: torch.Tensor, size: float, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return values + size * torch.randn(values.shape, generator=generator, dtype=values.dtype)


def test_the_topology_of_a_strip() -> None:
    topology = Topology.of(STRIP)
    assert len(topology.edges) == 9
    assert sorted(map(sorted, topology.sides.tolist())) == [[0, 1], [0, 3], [2, 3]]
    assert topology.neighbours.tolist() == [[-1, 3, 1], [0, -1, -1], [-1, -1, 3], [2, -1, 0]]


def test_an_edge_of_three_faces_has_no_sides() -> None:
    fan = torch.tensor([[0, 1, 2], [0, 1, 3], [0, 1, 4]])
    topology = Topology.of(fan)
    assert len(topology.sides) == 0
    assert (topology.neighbours == -1).all()


def test_regularisers_are_zero_at_the_start_and_have_true_gradients() -> None:
    positions, topology = ball()
    cosines, lengths = side_cosines(positions, topology), edge_lengths(positions, topology.edges)
    terms = [
        lambda p: laplacian_term(p - positions, topology.edges),
        lambda p: normal_term(p, topology, cosines),
        lambda p: edge_term(p, topology.edges, lengths),
    ]
    moved = shaken(positions, 0.05).requires_grad_()
    for term in terms:
        assert float(term(positions)) == pytest.approx(0, abs=1e-15)
        assert float(term(moved.detach())) > 1e-4
        assert torch.autograd.gradcheck(term, moved, fast_mode=True)


def test_regularisers_of_a_sheet_by_hand() -> None:
    topology = Topology.of(STRIP)
    cosines, lengths = side_cosines(SHEET, topology), edge_lengths(SHEET, topology.edges)
    raised = SHEET.clone()
    raised[2:6:3, 2] = 1.0  # the right square is tilted by 45 degrees
    assert float(normal_term(raised, topology, cosines)) == pytest.approx((1 - math.sqrt(0.5)) / 3)
    longer = edge_lengths(raised, topology.edges) - lengths
    assert float(longer.max()) == pytest.approx(math.sqrt(2) - 1)
    everywhere = torch.ones(6, 3, dtype=torch.float64)
    assert (laplacian(everywhere, topology.edges) == 0).all()  # a shift is no deformation
    assert float(edge_term(SHEET + everywhere, topology.edges, lengths)) == 0


def test_smoothing_is_the_inverse_of_roughening_and_its_own_adjoint() -> None:
    positions, topology = ball()
    smoother = Smoother(topology.edges, len(positions), 7.0, torch.float64)
    a, b = shaken(positions * 0, 1.0, 1), shaken(positions * 0, 1.0, 2)
    assert torch.allclose(smoother.roughen(smoother.smooth(a)), a, atol=1e-2)
    assert float((smoother.smooth(a) * b).sum()) == pytest.approx(
        float((a * smoother.smooth(b)).sum()), rel=1e-3
    )
    plain = a + 7.0 * laplacian(a, topology.edges)
    assert torch.allclose(smoother.roughen(a), plain)


def test_offsets_are_shortened_to_the_bound_and_shorter_ones_stay() -> None:
    offsets = torch.tensor([[3.0, 4, 0], [0.1, 0, 0], [0, 0, 0]])
    assert torch.equal(bounded(offsets, 1.0), torch.tensor([[0.6, 0.8, 0], [0.1, 0, 0], [0, 0, 0]]))


def finder(positions: torch.Tensor, faces: torch.Tensor) -> FaultFinder:
    return FaultFinder(positions.numpy(), faces.numpy(), Topology.of(faces).sides.numpy())


def test_faults_are_none_at_the_start_and_flips_and_folds_are_found() -> None:
    found = finder(SHEET, STRIP)
    assert found.find(SHEET.numpy()).count == 0
    folded = SHEET.clone()
    folded[2:6:3, 0] = 0.0  # the right square lies on the left one, upside down
    faults = found.find(folded.numpy())
    assert faults.flipped.tolist() == [False, False, True, True]
    assert faults.crossing.tolist() == [True, False, False, True]  # they share the edge of the fold


def test_a_face_that_runs_through_a_neighbour_is_found() -> None:
    """Two triangles that share a corner; one's far edge is moved through the other."""
    corners = torch.tensor([[0, 0, 0], [4, -1, 0], [4, 1, 0], [2, 0, 1], [2, 0, 3]], dtype=torch.float64)
    faces = torch.tensor([[0, 1, 2], [0, 3, 4]])
    found = finder(corners, faces)
    assert found.find(corners.numpy()).count == 0
    corners[3, 2] = -1.0
    assert found.find(corners.numpy()).crossing.tolist() == [True, True]


class HeightViews:
    """One view that pulls all points upwards, or not at all."""

    pixel = 0.5

    def __init__(self) -> None:
        self.looked = 0

    def stage(self, scale: float) -> StageScene:
        return StageScene(1)

    def look(self, positions: torch.Tensor) -> None:
        self.looked += 1

    def render(self, positions: torch.Tensor, view: int) -> tuple[torch.Tensor, torch.Tensor]:
        return positions[:, 2].expand(3, 1, -1), torch.ones(1, len(positions))


class Pull(Guide):
    """Pulls points upwards, each as strongly as given."""

    background = torch.zeros(3)

    def __init__(self, pull: torch.Tensor) -> None:
        self._pull = pull

    def judge(self, look):
        return -(look.image[0, 0] * self._pull).sum(), {}


def sheet_canvas(**options: float) -> ShapeCanvas:
    topology = Topology.of(STRIP)
    normals = torch.tensor([0.0, 0, 1], dtype=torch.float64).expand(6, 3)
    moving = Moving(SHEET, topology, torch.arange(6), None, normals)
    given = DisplaceOptions(fraction=0.1, stages=(Stage(32, 20, 1.0),), **options)
    return ShapeCanvas(moving, HeightViews(), given)


def displacing(canvas: ShapeCanvas, pull: torch.Tensor) -> Run:
    return Run(canvas, [Please(Schedule((Stage(32, 20, 1.0),)), lambda stage: Pull(pull))])


def test_a_sheet_that_nothing_pulls_stays() -> None:
    canvas = sheet_canvas()
    assert len(list(displacing(canvas, torch.zeros(6, dtype=torch.float64)))) == 20
    assert (canvas.offsets == 0).all()


def test_offsets_reach_the_bound_and_never_pass_it() -> None:
    canvas = sheet_canvas(laplacian=0, normals=0, edges=0)
    run = displacing(canvas, torch.tensor([1.0, 0, -1, 1, 0, -1], dtype=torch.float64))
    longest = [float(canvas.offsets.norm(dim=1).max()) for _ in run]
    assert len(longest) == 20
    assert max(longest) == pytest.approx(0.2)  # a tenth of the diagonal, which is 2
    assert max(longest) <= 0.2 + 1e-9


def test_offsets_that_turn_faces_over_are_taken_back() -> None:
    """A far too large bound, and a pull along the sheet; no fault is allowed."""
    canvas = sheet_canvas(faults=0, sideways=1.0)
    canvas.enter(1.0)
    canvas.bound = 10.0
    folded = torch.zeros(6, 3, dtype=torch.float64)
    folded[2:6:3, 0] = -4.0
    with torch.no_grad():
        canvas.parameters()[0].copy_(folded)
    assert canvas.faults().count > 0
    canvas.settle_()
    assert canvas.retreats == 1
    assert canvas.faults().count == 0
    assert (canvas.offsets[0] == 0).all()
    normals = face_normals(SHEET + canvas.offsets, STRIP)
    assert np.all(normals[:, 2].numpy() > 0)


def test_pictures_teach_no_shape() -> None:
    with pytest.raises(ConfigError, match="shape cannot be learnt"):
        sheet_canvas().learn([], torch.zeros(3))
