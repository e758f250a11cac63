"""What painting costs relative to its parts: ratios of CPU time within one process, never times.

Each is of the least of several turns, in which both sides alternate, so that other processes disturb both alike. Bounds
are generous: they catch what becomes many times slower, such as a view compiled at every step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from made_splats import random_splats

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.features.precision import fast_dtype
from nst3d.features.weights import load_encoder
from nst3d.pipeline.jobs.prepare import Prepared, prepare
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.surface import RigOptions, SurfaceOptions
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.splats import SplatRenderer
from nst3d.stylize.engine import Run
from nst3d.stylize.phases import Please
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.tensors import ImageSize

SIZE, VIEWS = 96, 2


def ratio(call: Callable[[], Any], other: Callable[[], Any], turns: int = 5) -> float:
    """The CPU time of a call divided by another's, the least of all turns each."""
    least = [float("inf")] * 2
    for turn in range(turns + 1):
        for side, each in enumerate((call, other)):
            start = time.process_time()
            each()
            if turn:  # the first loads kernels and makes targets
                least[side] = min(least[side], time.process_time() - start)
    return least[0] / least[1]


@pytest.fixture(scope="module")
def prepared(scenes_dir) -> Prepared:
    """The lighthouse in two small views."""
    config = replace(
        PaintConfig(),
        schedule=Schedule((Stage(SIZE, 1000, 0.03),)),
        rig=RigOptions(views=VIEWS, max_views=VIEWS, inside="never", crop=False),
        surface=SurfaceOptions(texture_size=128),
    )
    return prepare(scenes_dir / "lighthouse/lighthouse.glb", scenes_dir / "styles/swirls.jpg", config)


@pytest.fixture(scope="module")
def renderer(prepared) -> MeshRenderer:
    """The lighthouse's renderer."""
    return prepared.subject.scene.renderer


def encoding(prepared: Prepared, dtype: torch.dtype | None = None) -> Callable[[], None]:
    """A pass through the encoder with the gradient to a picture, as a step needs it."""
    encoder = load_encoder("vgg19", dtype=dtype or fast_dtype())
    layers = prepared.config.recipe.layers(encoder.own)
    picture = torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(0), requires_grad=True)

    def encode() -> None:
        picture.grad = None
        sum(f.float().sum() for f in encoder(picture, layers).values()).backward()

    return encode


def test_a_step_is_mostly_the_encoder(prepared) -> None:
    canvas = prepared.canvas()
    schedule = prepared.config.schedule
    run = iter(Run(canvas, [Please(schedule, lambda stage: prepared.guide(canvas, stage))], schedule.seed))
    list(islice(run, 2 * VIEWS))  # views and targets are made
    assert ratio(lambda: next(run), encoding(prepared)) < 3


def test_a_view_s_products_vanish_beside_the_encoder(prepared) -> None:
    view = prepared.subject.stage(1.0).views[0]
    table = torch.rand(view.num_colours, 3, generator=torch.Generator().manual_seed(0))
    assert ratio(lambda: view.adjoint(view.apply(table)), encoding(prepared)) < 0.1


def test_the_encoder_s_own_precision_is_not_the_slower_one(prepared) -> None:
    assert ratio(encoding(prepared), encoding(prepared, torch.float32)) < 1.5


def test_a_mesh_s_views_take_time_and_memory_by_the_pixel(renderer) -> None:
    centre = renderer.surface.positions.mean(0)
    pose = look_at(centre + np.array([1.5, 0.5, 2.0]), centre, (0.0, 1.0, 0.0))
    small, large = (perspective(pose, ImageSize(128, width), 0.9) for width in (128, 256))
    assert ratio(lambda: renderer.compile(large), lambda: renderer.compile(small)) < 3
    assert renderer.compile(large).nbytes < 3 * renderer.compile(small).nbytes


def test_splats_take_time_by_the_splat() -> None:
    pose = look_at((0.0, 0.0, 4.0), (0.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    camera = perspective(pose, ImageSize(96, 96), 0.9)
    few, many = (SplatRenderer(random_splats(count, size=0.02)) for count in (20_000, 40_000))
    assert ratio(lambda: many.compile(camera), lambda: few.compile(camera)) < 3


def test_a_view_takes_less_to_compile_than_to_encode(prepared, renderer) -> None:
    camera = prepared.subject.scene.rig.cameras[0]
    assert ratio(lambda: renderer.compile(camera), encoding(prepared)) < 1
