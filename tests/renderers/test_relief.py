"""The grey picture that is differentiable in positions: values, gradients inside, gradients at outlines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_meshes import camera_at, mesh_of, sphere

from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.relief import PixelHits, ReliefMesh, blend_outlines, corner_normals, relief_image, shade
from nst3d.renderers.shading import shade_samples
from nst3d.representations.displaced import weld_mesh
from nst3d.representations.subdivide import paint_vertices
from nst3d.representations.surface import build_surface
from nst3d.stylize.shape.terms import Topology
from nst3d.tensors import ImageSize

SIZE = ImageSize(20, 24)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def ball():
    """Its points, its triangles and what a camera sees of it."""
    mesh = mesh_of(sphere(5))
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    welded = weld_mesh(mesh, surface)
    camera = camera_at((2.2, 1.1, 1.9), SIZE)
    hits = Raycaster(surface).view(camera, 1)
    topology = Topology.of(torch.from_numpy(welded.faces))
    triangles = ReliefMesh(topology.faces, torch.from_numpy(welded.corners), topology.neighbours)
    positions = torch.from_numpy(welded.positions)
    return surface, positions, triangles, PixelHits.of(camera, hits, torch.float64, CPU), hits


@pytest.mark.parametrize("lighting", ["headlight", "studio"])
def test_shading_is_that_of_the_frozen_renderer(ball, lighting) -> None:
    surface, positions, triangles, sight, hits = ball
    own = shade(positions, triangles, sight, lighting).numpy()
    seen = hits.face >= 0
    # Normals are means by area here, by angle in `build_surface`.
    normals = corner_normals(positions, triangles)[triangles.corners].numpy().astype(np.float32)
    frozen = shade_samples(replace(surface, normals=normals), hits, sight.camera, lighting)
    assert np.abs(own - frozen)[seen].max() < 1e-5
    assert (own[~seen] == 0).all()


@pytest.mark.parametrize("lighting", ["headlight", "studio"])
def test_gradients_of_the_picture(ball, lighting) -> None:
    _, positions, triangles, sight, _ = ball
    generator = torch.Generator().manual_seed(0)
    mix = torch.rand(*SIZE, 1, generator=generator, dtype=torch.float64)
    moved = positions + 0.01 * torch.randn(positions.shape, generator=generator, dtype=torch.float64)

    def value(p: torch.Tensor) -> torch.Tensor:
        return (relief_image(p, triangles, sight, lighting, 0.7, 0.2)[0] * mix).sum()

    assert torch.autograd.gradcheck(value, moved.requires_grad_(), fast_mode=True)


def test_normals_are_of_unit_length_and_smooth_over_welded_corners(ball) -> None:
    _, positions, triangles, _, _ = ball
    normals = corner_normals(positions, triangles)
    assert len(normals) == len(positions)  # no creases on a ball, no seam
    assert torch.allclose(normals.norm(dim=1), torch.ones(len(normals), dtype=torch.float64))


def _square(half: float) -> tuple[torch.Tensor, ReliefMesh]:
    corners = [[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]]
    topology = Topology.of(torch.tensor([[0, 1, 2], [0, 2, 3]]))
    mesh = ReliefMesh(topology.faces, topology.faces * 0, topology.neighbours)
    return torch.tensor(corners, dtype=torch.float64), mesh


def test_an_outline_has_the_area_that_it_covers_and_its_gradient() -> None:
    positions, mesh = _square(0.5)
    camera = camera_at((0, 0, 4), ImageSize(40, 40), 0.5)
    surface = type("S", (), {"positions": positions.numpy(), "faces": mesh.faces.numpy()})
    sight = PixelHits.of(camera, Raycaster(surface).view(camera, 1), torch.float64, CPU)
    scale = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    flat = (sight.face >= 0).double()
    area = blend_outlines(flat, positions * scale, mesh, sight).sum()
    side = camera.focal / 4
    # Exact but for the square's corners, of which a pixel each is blended twice.
    assert abs(float(area.detach()) - side**2) < 4
    (gradient,) = torch.autograd.grad(area, scale)
    assert float(gradient) == pytest.approx(2 * side**2, rel=0.1)
    plain = float(flat.sum())
    assert abs(float(area.detach()) - side**2) < abs(plain - side**2) + 4
