"""Styles with transparent pixels: what lies under those has no effect, and they do not count."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.stylize.style import Style, distinct
from nst3d.tensors import Image


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


PICTURE = Image(noise(20, 32, 3, seed=1))
LEFT = torch.zeros(20, 32)
LEFT[:, :16] = 1


def test_background_and_palette_are_those_of_opaque_pixels() -> None:
    style = Style((PICTURE,), opacities=(LEFT,))
    torch.testing.assert_close(style.background, PICTURE[:, :16].mean((0, 1)))
    assert torch.equal(style.palette, PICTURE[:, :16].reshape(-1, 3))


def test_what_transparent_pixels_hide_has_no_effect() -> None:
    hidden = Image(torch.where(LEFT[..., None] > 0, PICTURE, 1 - PICTURE))
    one, other = (Style((p,), opacities=(LEFT,)) for p in (PICTURE, hidden))
    for size in (24, 64):
        assert torch.equal(one.at(size)[0], other.at(size)[0])
        assert one.opacities_at(size)[0].shape == one.at(size)[0].shape[1:]
    assert torch.equal(one.background, other.background)


def test_an_opaque_style_is_unchanged_by_its_opacity() -> None:
    plain, opaque = Style((PICTURE,)), Style((PICTURE,), opacities=(torch.ones(20, 32),))
    assert torch.equal(plain.at(24)[0], opaque.at(24)[0])
    assert plain.opacities_at(24) == (None,)
    torch.testing.assert_close(plain.background, opaque.background)


def test_a_style_that_is_faint_everywhere_still_has_a_palette() -> None:
    faint = Style((PICTURE,), opacities=(0.2 * LEFT,))
    assert torch.equal(faint.palette, PICTURE[:, :16].reshape(-1, 3))


def test_opacities_tell_styles_apart() -> None:
    plain, cut = Style((PICTURE,)), Style((PICTURE,), opacities=(LEFT,))
    assert [s.weight for s in distinct([plain, cut, replace(cut, weight=2.0)])] == [1, 3]
    assert distinct([cut, cut])[0].opacities == (LEFT,)
    known = [Style(name=name, taught=True) for name in ("wave", "storm", "wave")]
    assert [(s.name, s.weight) for s in distinct(known)] == [("wave", 2), ("storm", 1)]


@pytest.mark.parametrize(
    ("opacities", "message"),
    [
        ((LEFT, LEFT), "1 images, 2 opacities"),
        ((LEFT[1:],), r"\(20, 32\) pixels with opacities \(19, 32\)"),
        ((0 * LEFT,), "transparent throughout"),
    ],
)
def test_opacities_must_fit(opacities, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Style((PICTURE,), "wave", opacities=opacities)
