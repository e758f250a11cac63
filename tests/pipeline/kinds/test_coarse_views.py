"""Views with larger pixels of every kind of scene, for features: aligned with the fine ones, and without light."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from ball_field import ball_field
from small_splats import ball
from tiny_jobs import TINY

from nst3d.formats.fields.registry import save_field
from nst3d.formats.splats.registry import save_splats
from nst3d.operators import dot_test
from nst3d.pipeline.jobs.prepare import prepare
from nst3d.stylize.stage_scene import TableStage

STRIDE = 4


# Splats are blurred by half a pixel, however large pixels are, which shows in views of 12.
@pytest.mark.parametrize(
    ("scene", "far"), [("cube.obj", 0.03), ("ball.ply", 0.1), ("ball.npz", 0.05), ("photo.png", 1e-6)]
)
def test_a_coarse_view_is_the_mean_of_the_fine_one(inputs, tmp_path, scene, far) -> None:
    path = inputs / scene
    if scene == "ball.ply":
        splats, path = ball(), tmp_path / scene
        save_splats(path, splats, splats.colours, 1.0)
    if scene == "ball.npz":
        path = tmp_path / scene
        save_field(path, ball_field(nodes=16, views=3, pixels=60))
    config = replace(TINY, lighting="headlight") if scene == "cube.obj" else TINY
    stage = prepare(path, inputs / "style.png", config).canvas().stage
    assert isinstance(stage, TableStage)
    assert stage.coarse is not None
    for number, fine in enumerate(stage.views):
        view = stage.coarse(number, STRIDE)
        assert view.size == (fine.size.height // STRIDE, fine.size.width // STRIDE)
        assert dot_test(view) < 1e-6
        ones = view.apply(torch.ones(view.num_colours, 1))
        torch.testing.assert_close(ones, view.coverage, rtol=0, atol=1e-5)
        wanted = F.avg_pool2d(fine.coverage.permute(2, 0, 1)[None], STRIDE)[0, 0]
        assert float((view.coverage[..., 0] - wanted).abs().mean()) < far
