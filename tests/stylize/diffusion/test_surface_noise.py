"""Noise on the surface: the same in all views that see it alike, and white in each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from random_views import random_view
from small_meshes import camera_at, quad, texel_surface

from nst3d.cameras.pinhole import Camera
from nst3d.operators import Resampled, ViewOperator
from nst3d.renderers.mesh import MeshRenderer
from nst3d.stylize.diffusion.surface_noise import deviations, surface_noise
from nst3d.stylize.look import Look
from nst3d.tensors import ImageSize, Planes

STRIDE, SIDE = 8, 96
"""Pixels of a latent, and of a view."""
CHANNELS = 16
LATENTS = (SIDE // STRIDE, SIDE // STRIDE)
Through = Callable[[Camera], ViewOperator]


@pytest.fixture(scope="module")
def through() -> Through:
    renderer = MeshRenderer(texel_surface(quad(), ImageSize(144, 144)))
    return renderer.compile


def sideways(pixels: float) -> Camera:
    """A camera before the middle of a wall that fills its view, moved to the right by so many of its pixels."""
    camera = camera_at((0, 0, 1.2), SIDE)
    pose = camera.camera_to_world.copy()
    pose[:3, 3] += pose[:3, 0] * pixels * 1.2 / camera.focal
    return replace(camera, camera_to_world=pose)


def look(through: Through, camera: Camera, view: int, seed: int = 0) -> Look:
    image, coverage = Planes(torch.zeros(3, *camera.size)), torch.ones(*camera.size)
    return Look(
        image, coverage, view, camera=camera, seed=seed, coarse=lambda stride: through(camera.coarser(stride))
    )


def correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1])


def noises(*looks: Look) -> list[torch.Tensor]:
    return surface_noise(looks, [LATENTS] * len(looks), CHANNELS, STRIDE)


def test_views_agree_at_common_points_of_the_surface(through: Through) -> None:
    """Of two views, one three latents beside the other, the common latents show the same."""
    looks = [look(through, sideways(0), 0), look(through, sideways(3 * STRIDE), 1)]
    one, other = noises(*looks)
    assert correlation(one[:, :, 3:], other[:, :, :-3]) > 0.99
    one, other = noises(*(replace(k, coarse=None) for k in looks))
    assert abs(correlation(one[:, :, 3:], other[:, :, :-3])) < 0.06


@pytest.mark.parametrize("pixels", [2, 4, 6])
def test_latents_correlate_as_far_as_they_show_the_same(through: Through, pixels: int) -> None:
    """Two squares that overlap by a share of their area have that correlation: more, and noise would not be white."""
    one, other = noises(look(through, sideways(0), 0), look(through, sideways(pixels), 1))
    assert correlation(one, other) == pytest.approx(1 - pixels / STRIDE, abs=0.08)


def test_each_view_is_white_and_of_variance_one(through: Through) -> None:
    found = surface_noise([look(through, sideways(0), 0)], [LATENTS], 256, STRIDE)[0]
    assert float(found.var()) == pytest.approx(1, abs=0.03)
    assert abs(float(found.mean())) < 0.02
    assert abs(correlation(found[:, :, 1:], found[:, :, :-1])) < 0.08
    assert abs(correlation(found[0::2], found[1::2])) < 0.02


def test_runs_have_noise_of_their_own(through: Through) -> None:
    first, again, other = (noises(look(through, sideways(0), 0, seed))[0] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert abs(correlation(first, other)) < 0.06


def test_what_is_not_covered_is_plain_noise(through: Through) -> None:
    """Beyond the last whole latent, and beside the scene. Its variance is 1 there, too, and at borders."""
    camera = camera_at((0.3, 0.2, 4), SIDE)
    looks = [look(through, camera, view) for view in range(2)]
    rows, columns = LATENTS
    one, other = surface_noise(looks, [(rows + 1, columns)] * 2, 256, STRIDE)
    cover = F.pad(Resampled(through(camera.coarser(2)), 4).coverage[..., 0], (0, 0, 0, 1))
    bare, full = cover == 0, cover > 0.99
    for where in (bare, full, ~bare & ~full):
        assert float(one[:, where].var()) == pytest.approx(1, abs=0.08)
    assert abs(correlation(one[:, bare], other[:, bare])) < 0.05
    assert correlation(one[:, full], other[:, full]) > 0.99


def test_deviations_are_those_of_the_weights() -> None:
    view = random_view(colours=40)
    matrix = view.apply(torch.eye(40))
    torch.testing.assert_close(deviations(view), matrix.square().sum(2).sqrt(), rtol=0.15, atol=0)
