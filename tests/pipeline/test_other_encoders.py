"""Painting with other encoders than VGG-19, without naming a layer, and what is refused before a scene is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from nst3d import Job, PaintConfig, Recipe, run_job
from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.features.kinds import encoder_kind
from nst3d.features.resnet import PLANS, ResNet
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.settings.effort import encoder_flops
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.tensors import Array
from nst3d.weights.saved import write_tensors

SCHEDULE = Schedule((Stage(64, 2, 0.02),))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content, a style, and the weights of a ResNet-18, which are random."""
    torch.manual_seed(0)
    body = ResNet(PLANS["resnet18"])
    for module in body.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_var, 0.5, 2)
    tensors = {name: t for name, t in body.state_dict().items() if t.is_floating_point()}
    write_tensors(tmp_path / "resnet18.safetensors", tensors, {})
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    draw = torch.Generator().manual_seed(1)
    for name in ("content", "style"):
        write_image(tmp_path / f"{name}.png", torch.rand(48, 64, 3, generator=draw).numpy())
    return tmp_path


def painted(folder: Path, recipe: Recipe) -> Array:
    """What becomes of the content in two steps."""
    config = PaintConfig(recipe=recipe, schedule=SCHEDULE, precision="float32")
    out = folder / f"{recipe.encoder}-{recipe.smooth}"
    run_job(Job(folder / "content.png", [folder / "style.png"], out, config))
    return read_image(out / "painted.png").pixels


def test_a_residual_network_paints_and_is_smoothed_unless_told_otherwise(folder: Path) -> None:
    auto, softmax, none = (
        painted(folder, Recipe(encoder="resnet18", smooth=smooth)) for smooth in ("auto", "softmax", "none")
    )
    content = read_image(folder / "content.png").pixels
    assert np.array_equal(auto, softmax)
    assert not np.array_equal(auto, none)
    assert np.abs(auto - content).max() > 0.01


def test_layers_that_an_encoder_lacks_are_refused_before_the_scene_is_read(folder: Path) -> None:
    recipe = Recipe(encoder="resnet18").with_terms({"gram": {"layers": ["relu3_1"]}})
    job = Job(folder / "none.png", [folder / "style.png"], folder / "out", PaintConfig(recipe=recipe))
    with pytest.raises(
        ConfigError, match=r"encoder resnet18-torchvision has no layer relu3_1: it has relu, maxpool, layer1"
    ):
        run_job(job)
    unused = recipe.with_terms({"gram": 0.0})
    with pytest.raises(Exception, match=r"none\.png"):
        run_job(replace(job, config=PaintConfig(recipe=unused)))
    missing = PaintConfig(recipe=Recipe(encoder="resnet34"))
    with pytest.raises(MissingDependencyError, match="weights resnet34-torchvision not found"):
        run_job(replace(job, config=missing))
    assert not (folder / "out").exists()


def test_the_effort_is_that_of_the_encoder() -> None:
    recipe, kind = Recipe(encoder="resnet18"), encoder_kind("resnet18")
    layers = recipe.layers(kind.own)
    assert {"relu", "layer1", "layer2"} <= set(layers)
    assert encoder_flops(recipe, SCHEDULE, 1) == 64**2 * 2 * kind.flops_per_pixel(layers)
    assert encoder_flops(recipe, SCHEDULE, 1) < encoder_flops(Recipe(), SCHEDULE, 1) / 5
