"""Swapping patches of features for those of a style."""

from __future__ import annotations

import pytest
import torch

from nst3d.networks.pairs import load_pairs
from nst3d.networks.patches import style_patches, swapped
from nst3d.networks.transport import pooled_statistics
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.styles import read_style


def features(seed: int, size: tuple[int, int] = (12, 15)) -> torch.Tensor:
    return torch.randn(5, *size, generator=torch.Generator().manual_seed(seed))


def test_a_style_swapped_for_itself_stays() -> None:
    style = features(0)
    found = swapped(style, style_patches([style], pooled_statistics([(style, None)])), 1.0)
    torch.testing.assert_close(found[:, 2:-2, 2:-2], style[:, 2:-2, 2:-2], rtol=1e-5, atol=1e-5)


def test_every_patch_comes_from_the_style() -> None:
    one, other = features(0), features(1)
    flat = torch.arange(5.0)[:, None, None].expand(5, 9, 9)
    patches = style_patches([flat, flat + 10], pooled_statistics([(flat, None), (one, None)]))
    found = swapped(other, patches, 1.0)
    levels = torch.arange(5.0)[:, None, None]
    assert bool(((found >= levels - 1e-4) & (found <= levels + 10 + 1e-4)).all())


def test_the_amount_and_the_coverage() -> None:
    style, content = features(0), features(1)
    patches = style_patches([style], pooled_statistics([(style, None)]))
    assert torch.equal(swapped(content, patches, 0.0), content)
    whole, half = swapped(content, patches, 1.0), swapped(content, patches, 0.5)
    torch.testing.assert_close(half, (content + whole) / 2)
    left = torch.zeros(24, 30)
    left[:, :16] = 1  # two pixels a position
    torch.testing.assert_close(swapped(content, patches, 1.0, left)[:, :, :6], whole[:, :, :6])


def test_a_picture_with_fewer_patches_than_directions(data_dir) -> None:
    """Its patches span a subspace, and float32 solvers fail on the many eigenvalues that are then zero."""
    folder = data_dir / "weights" / "collaborative_distillation"
    if not folder.is_dir():
        pytest.skip(f"no weights in {folder}")
    pixels = read_style(data_dir / "styles" / "great_wave_hokusai_1831.jpg", Events()).at(256)[0]
    style = load_pairs((4,), path=folder)[4].encode(pixels)
    patches = style_patches([style], pooled_statistics([(style, None)]))
    found = swapped(style, patches, 1.0)
    torch.testing.assert_close(found[:, 2:-2, 2:-2], style[:, 2:-2, 2:-2], rtol=1e-4, atol=1e-4)
