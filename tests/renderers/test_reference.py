"""The fast mesh renderer against its readable twin, which casts and weighs in another way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from small_meshes import CUBE_TEXTURE, camera_at, cube, noise, quad, sphere, texel_surface, vertex_surface

from nst3d.operators import dot_test
from nst3d.renderers import MeshRenderer, MeshViewOptions
from nst3d.renderers.reference import first_hits, reference_view
from nst3d.tensors import ImageSize

TOLERANCE = 1e-5
"""Of a pixel in [0, 1]: float32 barycentrics on textures of some hundred texels."""


def assert_twins(surface, camera, samples: int = 2) -> None:
    fast = MeshRenderer(surface).compile(camera, MeshViewOptions(samples))
    slow = reference_view(surface, camera, samples)
    assert (fast.size, fast.num_colours) == (slow.size, slow.num_colours)
    colours = torch.from_numpy(noise(surface.num_colours, 3))
    gap = (fast.apply(colours) - slow.apply(colours)).abs().amax(-1)
    opacity = (fast.coverage - slow.coverage).abs()[..., 0]
    # A ray through the very silhouette may hit in one and miss in the other.
    on_edge = opacity > 0.5 / samples**2
    assert on_edge.float().mean() < 0.005
    assert gap[~on_edge].max() < TOLERANCE
    assert opacity[~on_edge].max() < TOLERANCE
    image = torch.from_numpy(noise(*camera.size, 3)) * (~on_edge)[..., None]
    torch.testing.assert_close(fast.adjoint(image), slow.adjoint(image), atol=1e-4, rtol=0)


@pytest.mark.parametrize("position", [(1, 2, 3), (0, 0, 3), (-2, 0.3, 1)])
def test_vertices_and_texels(position) -> None:
    camera = camera_at(position, ImageSize(22, 26))
    assert_twins(vertex_surface(sphere(6)), camera)
    assert_twins(texel_surface(cube(), CUBE_TEXTURE), camera)


@pytest.mark.parametrize("wrap_u", ["repeat", "clamp", "mirror"])
@pytest.mark.parametrize("wrap_v", ["repeat", "clamp", "mirror"])
def test_every_wrap_mode_beyond_the_unit_square(wrap_u, wrap_v) -> None:
    far = quad(uvs=[[-2.3, -1.6], [3.1, -1.6], [3.1, 2.7], [-2.3, 2.7]])
    surface = texel_surface(far, ImageSize(3, 5), (wrap_u, wrap_v))
    assert_twins(surface, camera_at((0.3, 0.2, 2), 24))


def test_wrap_modes_differ() -> None:
    far = quad(uvs=[[-1, -1], [2, -1], [2, 2], [-1, 2]])
    colours = torch.from_numpy(noise(12, 3))
    images = [
        reference_view(texel_surface(far, ImageSize(3, 4), (w, w)), camera_at((0, 0, 2), 12)).apply(colours)
        for w in ("repeat", "clamp", "mirror")
    ]
    assert min((images[i] - images[j]).abs().max() for i, j in ((0, 1), (0, 2), (1, 2))) > 0.1


@pytest.mark.parametrize("samples", [1, 3])
def test_samples(samples) -> None:
    assert_twins(texel_surface(cube(), ImageSize(16, 24)), camera_at((1, 2, 3), 16), samples)


def test_the_twin_holds_what_operators_hold() -> None:
    view = reference_view(texel_surface(cube(), CUBE_TEXTURE), camera_at((1, 2, 3), 16))
    assert dot_test(view) < 1e-12
    assert torch.equal(view.render(torch.ones(view.num_colours, 3), 1.0), torch.ones(16, 16, 3))


def test_hits_by_hand() -> None:
    triangles = torch.tensor(
        [[[0, 0, 2], [1, 0, 2], [0, 1, 2]], [[0, 0, 1], [1, 0, 1], [0, 1, 1]]], dtype=torch.float64
    )
    rays = torch.tensor(
        [[0.2, 0.1, 1], [0.2, 0.1, -1], [0.9, 0.9, 1], [1, 0, 0], [0.4, 0.2, 2]], dtype=torch.float64
    )
    hits = first_hits(torch.zeros(3, dtype=torch.float64), rays, triangles)
    assert hits.face.tolist() == [1, -1, -1, -1, 1]  # the nearer one; behind; beside; along
    assert hits.u[0] == pytest.approx(0.2)
    assert hits.v[0] == pytest.approx(0.1)
    turned = first_hits(torch.zeros(3, dtype=torch.float64), rays, triangles.flip(1))
    assert turned.face.tolist() == hits.face.tolist()  # both sides count


def test_nothing_to_hit() -> None:
    view = reference_view(
        texel_surface(cube(), CUBE_TEXTURE), camera_at((0, 0, 3)).cropped(0, 0, ImageSize(2, 2))
    )
    assert view.coverage.max() == 0
    assert np.isfinite(view.apply(torch.ones(view.num_colours, 3)).numpy()).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu() -> None:
    surface, camera = texel_surface(cube(), CUBE_TEXTURE), camera_at((1, 2, 3), 16)
    colours = torch.from_numpy(noise(surface.num_colours, 3))
    there = reference_view(surface, camera, device="cuda").apply(colours.cuda()).cpu()
    torch.testing.assert_close(there, reference_view(surface, camera).apply(colours), atol=1e-5, rtol=0)
