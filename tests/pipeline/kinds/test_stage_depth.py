"""The depth that each kind of scene gives its guides, and the term that reads it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_splats import ball
from tiny_jobs import TINY, job

from nst3d import prepare, run_job, save
from nst3d.errors import ConfigError
from nst3d.stylize.canvas import Canvas


@pytest.fixture(scope="module")
def scenes(inputs):
    save(inputs / "ball.ply", ball(300))
    return inputs


def canvas_of(scenes, scene: str) -> Canvas:
    return prepare(scenes / scene, scenes / "style.png", TINY).canvas()


def on_the_cube(points: np.ndarray) -> np.ndarray:
    """How far points (n, 3) are from the cube in its unit sphere."""
    return np.abs(np.abs(points).max(1) - 3**-0.5)


def on_the_ball(points: np.ndarray) -> np.ndarray:
    return np.abs(np.linalg.norm(points - np.array([2, 0, 1]), axis=1) - 1)


@pytest.mark.parametrize(
    ("scene", "middle", "apart", "within"),
    [("cube.obj", (0, 0, 0), on_the_cube, 1e-3), ("ball.ply", (2, 0, 1), on_the_ball, 0.1)],
)
def test_depth_is_that_of_the_surface_in_front(scenes, scene, middle, apart, within) -> None:
    canvas = canvas_of(scenes, scene)
    for view in range(canvas.num_views):
        depth, coverage = canvas.stage.depth(view), canvas.coverage(view)
        camera = canvas.stage.cameras[view]
        assert depth.shape == coverage.shape
        assert depth[coverage > 0.95].isfinite().float().mean() > 0.95
        assert depth[coverage == 0].isinf().all()
        known = depth.isfinite().numpy()
        origin, rays = camera.rays()
        points = origin + rays[known] * depth.numpy()[known][:, None]
        assert np.median(apart(points)) < within
        reach = np.linalg.norm(camera.position - np.array(middle))
        nearer = np.linalg.norm(points - camera.position, axis=1) < reach
        assert nearer.mean() > 0.8


def test_a_picture_has_none_and_its_term_is_refused_in_one_line(scenes, tmp_path) -> None:
    assert canvas_of(scenes, "photo.png").stage.depth is None
    config = replace(TINY, recipe=TINY.recipe.with_terms({"depth": 1.0}))
    with pytest.raises(ConfigError, match=r"^term depth: .* no depth: leave the term out$"):
        run_job(job(scenes, tmp_path / "out", config, "photo.png"))


@pytest.mark.parametrize("scene", ["cube.obj", "ball.ply"])
def test_jobs_paint_with_the_term(scenes, tmp_path, scene) -> None:
    config = replace(TINY, recipe=TINY.recipe.with_terms({"depth": 1.0}))
    result = run_job(job(scenes, tmp_path / "out", config, scene))
    assert "depth" in result.metrics["losses"]
    assert np.isfinite(result.metrics["losses"]["depth"])
