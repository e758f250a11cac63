from __future__ import annotations

import pytest
import torch
from small_meshes import camera_at, cube, vertex_surface

from nst3d.images.palette import match_palette
from nst3d.renderers import MeshRenderer
from nst3d.stylize.recolour import to_palette


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


STYLE = noise(20, 30, 3, seed=1) * torch.tensor([0.2, 0.1, 0.3]) + 0.4


def test_the_table_takes_the_styles_palette() -> None:
    mapped = to_palette(noise(500, 3), STYLE)
    flat = STYLE.reshape(-1, 3)
    torch.testing.assert_close(mapped.mean(0), flat.mean(0), atol=1e-6, rtol=0)
    torch.testing.assert_close(mapped.T.cov(correction=0), flat.T.cov(correction=0), atol=1e-6, rtol=0)


def test_strength() -> None:
    colours = noise(500, 3)
    assert torch.equal(to_palette(colours, STYLE, strength=0.0), colours)
    half = to_palette(colours, STYLE, strength=0.5)
    torch.testing.assert_close(half, (colours + to_palette(colours, STYLE)) / 2)


def test_rows_without_weight_have_no_say() -> None:
    colours = noise(200, 3)
    weights = torch.ones(200)
    weights[100:] = 0
    other = torch.cat([colours[:100], 1 - colours[100:] ** 3])
    first, second = (to_palette(c, STYLE, weights)[:100] for c in (colours, other))
    torch.testing.assert_close(first, second)


def test_the_result_is_valid() -> None:
    vivid = (noise(20, 30, 3) > 0.5).double()
    mapped = to_palette(noise(500, 3), vivid)
    assert mapped.min() >= 0
    assert mapped.max() <= 1


@pytest.mark.parametrize("position", [(1, 2, 3), (-2, 0.3, 1)])
def test_recolouring_the_table_recolours_every_view(position) -> None:
    """c → c M + b on the table is the same map on every pixel, as long as nothing is clamped."""
    surface = vertex_surface(cube())
    view = MeshRenderer(surface).compile(camera_at(position, 16))
    colours = noise(surface.num_colours, 3)
    change = match_palette(colours, STYLE.reshape(-1, 3))
    background = torch.tensor([0.9, 0.1, 0.4], dtype=torch.float64)
    before = view.render(colours, background)
    after = view.render(change.apply(colours), change.apply(background))
    torch.testing.assert_close(after, change.apply(before), atol=1e-7, rtol=0)
