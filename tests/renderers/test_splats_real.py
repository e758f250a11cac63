"""Scenes that others made: what holds for small scenes holds for them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nst3d.cameras.pinhole import Camera, look_at, perspective
from nst3d.formats.splats.registry import load_splats
from nst3d.renderers.splats import SplatOptions, SplatRenderer
from nst3d.representations.splats import Splats
from nst3d.tensors import ImageSize

SCENES = ["derived/playbot_4_0.ply", "splat/violin_10k.splat", "splat/academic_tarot_cards.splat"]


@pytest.fixture(params=SCENES)
def splats(request, data_dir) -> Splats:
    path = data_dir / "gaussians" / request.param
    if not path.is_file():
        pytest.skip(f"no {path}")
    return load_splats(path)


def camera_before(splats: Splats) -> Camera:
    low, high = np.percentile(splats.positions, [2, 98], axis=0)
    centre, radius = (low + high) / 2, np.linalg.norm(high - low) / 2
    place = centre + radius * (1.6 * np.array([0.6, 0.0, 0.8]) + 0.7 * splats.up)
    return perspective(look_at(place, centre, splats.up), ImageSize(90, 120), 0.9)


def test_real_scenes(splats) -> None:
    camera = camera_before(splats)
    whole, own = SplatRenderer(splats, SplatOptions(cutoff=0)), SplatRenderer(splats)
    frame, view, cut = whole.draw(camera, splats.colours), whole.compile(camera), own.compile(camera)
    assert 0.05 < frame.opacity.mean() < 1
    colours = torch.from_numpy(splats.colours)
    assert np.abs(view.apply(colours).numpy() - frame.colour).max() < 5e-6
    assert torch.equal(cut.render(torch.ones(len(splats), 3), 1.0), torch.ones(90, 120, 3))
    assert (cut.coverage - view.coverage).abs().max() < 2e-6
    assert -10 * torch.log10((cut.apply(colours) - view.apply(colours)).square().mean()) > 48
    assert cut.nbytes < 0.9 * view.nbytes
    seen = np.isfinite(frame.depth)
    reach = camera.project(splats.positions)[1]
    assert reach.min() * (1 - 1e-5) <= frame.depth[seen].min()
    assert frame.depth[seen].max() <= reach.max() * (1 + 1e-5)
    if splats.degree:
        added = whole.draw(camera, splats.colours, 1.0).colour - frame.colour
        assert np.abs(whole.specular(camera, view).numpy() - added).mean() < 0.01
