from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.images.colour import luminance
from nst3d.images.gamut import Gamut
from nst3d.images.palette import statistics
from nst3d.stylize.colouring import Colouring
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.style import Style
from nst3d.tensors import Image


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


CONTENT = noise(900, 3, seed=1) ** 3 * torch.tensor([0.9, 0.5, 0.3])
WEIGHTS = torch.cat([torch.ones(600), torch.zeros(300)])
TABLE = 0.2 + 0.8 * noise(900, 3, seed=2)
STYLE = Style((Image(noise(40, 50, 3, seed=3) ** 0.5),))
BLUES = torch.tensor([[0.1, 0.2, 0.6], [0.2, 0.5, 0.9], [0.05, 0.05, 0.2]])


def apart(one: torch.Tensor, other: torch.Tensor, weights: torch.Tensor | None = None) -> float:
    pairs = zip(statistics(one, weights), statistics(other, weights))
    return max(float((a - b).abs().max()) for a, b in pairs)


def test_a_painting_keeps_the_contents_mean_and_covariance() -> None:
    colouring = Colouring.of("content", CONTENT, WEIGHTS)
    painted = colouring.finish(TABLE, CONTENT, WEIGHTS)
    assert apart(TABLE, CONTENT, WEIGHTS) > 0.1
    assert apart(painted, CONTENT, WEIGHTS) < 1e-3
    assert painted.min() >= 0
    assert painted.max() <= 1


def test_a_style_gets_the_contents_colours_and_rows_without_weight_have_no_say() -> None:
    other = torch.cat([CONTENT[:600], 1 - CONTENT[600:]])
    style = Colouring.of("content", CONTENT, WEIGHTS).style(STYLE)
    assert torch.equal(style.images[0], Colouring.of("content", other, WEIGHTS).style(STYLE).images[0])
    pixels = style.palette
    assert apart(pixels, STYLE.palette) > 0.1
    mean, covariance = statistics(pixels)
    wanted = statistics(CONTENT[:600])
    assert float((mean - wanted[0]).abs().max()) < 0.01
    assert float((covariance - wanted[1]).abs().max()) < 0.005
    for share in (0.05, 0.5, 0.95):
        torch.testing.assert_close(
            pixels.quantile(share, 0), CONTENT[:600].quantile(share, 0), atol=0.03, rtol=0
        )


def test_luminance_keeps_every_rows_chroma() -> None:
    colouring = Colouring.of("luminance", CONTENT, WEIGHTS)
    painted = colouring.finish(TABLE, CONTENT, WEIGHTS)
    chroma, before = painted - luminance(painted), CONTENT - luminance(CONTENT)
    torch.testing.assert_close(chroma, before, atol=1e-6, rtol=0)
    assert painted.min() >= 0
    assert painted.max() <= 1
    wanted, found = luminance(TABLE)[:, 0], luminance(painted)[:, 0]
    inside = (painted.amin(1) > 1e-6) & (painted.amax(1) < 1 - 1e-6)
    assert inside.float().mean() > 0.3
    torch.testing.assert_close(found[inside], wanted[inside])
    grey = colouring.style(STYLE).images[0]
    torch.testing.assert_close(grey, grey[..., :1].expand_as(grey), atol=1e-5, rtol=0)


def test_a_palette_recolours_style_and_table() -> None:
    colouring = Colouring.of("palette", CONTENT, None, BLUES)
    painted = colouring.finish(TABLE, CONTENT, WEIGHTS)
    gamut = Gamut.of(BLUES)
    assert gamut.excess(TABLE).max() > 0.1
    assert gamut.excess(painted).max() < 1e-3
    assert gamut.excess(colouring.style(STYLE).palette).max() < 1e-3


def test_the_styles_colours_are_the_default() -> None:
    colouring = Colouring.of("style", CONTENT)
    assert colouring.style(STYLE) is STYLE
    assert colouring.finish(TABLE, CONTENT, WEIGHTS) is TABLE


def test_a_single_colour_is_no_palette() -> None:
    with pytest.raises(ConfigError, match="`palette` has a single colour: give two or more"):
        Colouring.of("palette", CONTENT, None, torch.full((50, 3), 0.4))


def test_a_recipe_has_a_palette_or_none() -> None:
    assert Recipe(colour="palette", palette="#000,#fff").palette == "#000,#fff"
    with pytest.raises(ConfigError, match="give `palette`, an image or colours"):
        Recipe(colour="palette")
    with pytest.raises(ConfigError, match="`colour` is content, which has no palette"):
        Recipe(colour="content", palette="#000,#fff")
