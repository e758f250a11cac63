"""Strokes are equally large on a surface that one camera sees from near and another from twice as far."""

from __future__ import annotations

import pytest
import torch

from nst3d.features import VGG
from nst3d.features.layers import conv_shape, layer_names
from nst3d.features.normalisation import IMAGENET
from nst3d.operators import Cropped, IdentityView, Resampled
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.coat import Coat
from nst3d.stylize.engine import Run
from nst3d.stylize.feature_guide import Viewing
from nst3d.stylize.layout import Layout
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.phases import Please
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.stage_guide import StageInputs, build_guide
from nst3d.stylize.stage_scene import TableStage
from nst3d.stylize.style import Style
from nst3d.stylize.terms import Term
from nst3d.tensors import Image, ImageSize

SIDE, PERIOD = 48, 8
LAYOUT = Layout.of_images([ImageSize(SIDE, 2 * SIDE)])
GRAM = (Term("gram", layers=("relu1_1", "relu2_1", "relu3_1")),)


def encoder() -> VGG:
    """A VGG-16 with seeded random weights."""
    generator = torch.Generator().manual_seed(3)
    shapes = {layer: conv_shape(layer) for layer in layer_names("vgg16") if layer.startswith("conv")}
    convs = {
        layer: (torch.randn(out, inside, 3, 3, generator=generator) / (9 * inside) ** 0.5, torch.zeros(out))
        for layer, (out, inside) in shapes.items()
    }
    return VGG("vgg16", convs, IMAGENET)


def stripes() -> Style:
    wave = 0.5 + 0.4 * torch.sin(torch.arange(SIDE) * 2 * torch.pi / PERIOD)
    return Style((Image(wave[:, None].expand(SIDE, SIDE, 3).contiguous()),))


def painted(strokes: str) -> torch.Tensor:
    """A plane (h, 2 h) of which one camera saw the left half, and the other the right half from twice as far."""
    whole, half = IdentityView(LAYOUT.images[0]), ImageSize(SIDE, SIDE)
    views = [Cropped(whole, 0, 0, half), Resampled(Cropped(whole, 0, SIDE, half), 2)]
    stage = TableStage(views=views, layout=LAYOUT, footprint=lambda view: torch.full((4, 4), 1.0 + view))
    noise = torch.rand(LAYOUT.num_colours, 3, generator=torch.Generator().manual_seed(2))
    canvas = LinearCanvas(0.4 + 0.2 * noise, LAYOUT, lambda scale: stage, TableOptions(1, 0))
    recipe = Recipe(terms=GRAM, style_scale=1.0, strokes=strokes)
    inputs = StageInputs([Coat([stripes()])], stage, SIDE, Viewing(torch.full((3,), 0.5)))
    guide = build_guide(recipe, encoder(), inputs)
    for _ in Run(canvas, [Please(Schedule((Stage(SIDE, 30, 0.05),)), lambda stage: guide)]):
        pass
    return canvas.colours().reshape(SIDE, 2 * SIDE, 3).mean(2)


def wavelength(plane: torch.Tensor) -> float:
    """The mean wavelength of a plane (h, h) by power, in texels, of those that both cameras could show."""
    power = torch.fft.rfft2(plane - plane.mean()).abs().square()
    waves = torch.hypot(torch.fft.fftfreq(SIDE)[:, None], torch.fft.rfftfreq(SIDE)[None])
    shown = waves <= 0.25
    return float(power[shown].sum() / (power * waves)[shown].sum())


@pytest.mark.parametrize(("strokes", "ratio", "tolerance"), [("surface", 1.0, 0.15), ("screen", 2.0, 0.25)])
def test_strokes_keep_their_size_on_the_surface(strokes: str, ratio: float, tolerance: float) -> None:
    plane = painted(strokes)
    near, far = wavelength(plane[:, :SIDE]), wavelength(plane[:, SIDE:])
    assert near == pytest.approx(PERIOD, rel=0.25)
    assert far / near == pytest.approx(ratio, rel=tolerance)
