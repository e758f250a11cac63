"""A guide of ten lines, defined here, paints any kind of scene through `run_job`, everywhere or in a region."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_splats import ball
from tiny_jobs import TINY, Listener, job

from nst3d import Guide, Schedule, Stage, run_job, save
from nst3d.formats.splats.registry import load_splats
from nst3d.images.io import read_image

ALONE = replace(TINY.recipe.with_terms({t.name: 0.0 for t in TINY.recipe.terms}), palette_before=0.0)
CONFIG = replace(TINY, recipe=ALONE, schedule=Schedule((Stage(48, 40, 0.1),)))


class Green(Guide):
    def __init__(self, inputs):
        self.background = inputs.background

    def judge(self, look):
        red, green, blue = look.image
        loss = ((red.square() + (1 - green).square() + blue.square()) * look.coverage).mean()
        return loss, {"green": float(loss.detach())}


def test_a_picture_turns_green(inputs, tmp_path) -> None:
    run_job(job(inputs, tmp_path / "out", CONFIG, "photo.png"), Listener(), guides={"green": Green})
    assert read_image(tmp_path / "out" / "painted.png").pixels.mean((0, 1)) == pytest.approx(
        [0, 1, 0], abs=0.05
    )


def test_splats_turn_green_in_a_region_alone(inputs, tmp_path) -> None:
    save(tmp_path / "ball.ply", ball(60))
    asked = job(inputs, tmp_path / "out", replace(CONFIG, region="box:-9,-9,-9,2,9,9"))
    run_job(replace(asked, scene=tmp_path / "ball.ply"), Listener(), guides={"green": Green})
    before, after = load_splats(tmp_path / "ball.ply"), load_splats(tmp_path / "out" / "painted.ply")
    inside = before.positions[:, 0] <= 2
    change = after.harmonics[:, 0] - before.harmonics[:, 0]
    assert not change[~inside].any()
    assert np.median(change[inside][:, 1] - change[inside][:, 0]) > 0.5
