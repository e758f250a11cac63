from __future__ import annotations

import pytest
import torch

from nst3d.stylize.layout import Layout, resampled, scaled_size
from nst3d.stylize.table import ColourTable, PlainTable, RegionTable
from nst3d.tensors import ImageSize

TWO = Layout.of_images([ImageSize(16, 24), ImageSize(9, 32)])


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_new_table_shows_its_base_exactly() -> None:
    base = noise(TWO.num_colours, 3)
    for levels in (1, 3, 9):
        assert torch.equal(ColourTable(base, TWO, levels).colours(), base)


@pytest.mark.parametrize("levels", [0, 3])
def test_a_region_is_clamped_within_and_shows_the_start_around(levels) -> None:
    start, base, weights = (
        noise(TWO.num_colours, 3),
        noise(TWO.num_colours, 3, seed=1),
        noise(TWO.num_colours, 1, seed=2),
    )
    weights[:9], weights[9:99] = 0, 1
    inner = ColourTable(base, TWO, levels) if levels else PlainTable(base, TWO)
    table = RegionTable(inner, start, weights)
    with torch.no_grad():
        table.steps[0] += 2 * noise(*table.steps[0].shape, seed=3) - 1
    before = table.colours().detach()
    assert bool((before[9:99] > 1).any())
    assert bool((before[9:99] < 0).any())
    expected = start + weights * (inner.colours().detach().clamp(0, 1) - start)
    shown = table.clamp_(before)
    torch.testing.assert_close(shown, expected)
    torch.testing.assert_close(table.colours().detach(), expected)
    assert torch.equal(shown[:9], start[:9])
    assert torch.equal(shown[9:99], expected[9:99].clamp(0, 1))


def test_levels_halve_down_to_four_pixels() -> None:
    table = ColourTable(noise(TWO.num_colours, 3), TWO, levels=9)
    assert [len(s) for s in table.steps] == [16 * 24 + 9 * 32, 8 * 12 + 4 * 16]
    loose = ColourTable(noise(7, 3), Layout(7), levels=9)
    assert [s.shape for s in loose.steps] == [(7, 3)]


def test_colours_are_the_base_and_the_sum_of_its_levels() -> None:
    """Each level by itself adds what it adds beside the others, and a flat level adds a flat amount."""
    layout = Layout.of_images([ImageSize(16, 32)])
    base = noise(layout.num_colours, 3)
    table = ColourTable(base, layout, levels=3)
    assert len(table.steps) == 3
    steps = [noise(*s.shape, seed=k) for k, s in enumerate(table.steps)]
    alone = []
    for k, step in enumerate(steps):
        single = ColourTable(base, layout, levels=3)
        single.steps[k].data += step
        alone.append(single.colours() - base)
        table.steps[k].data += step
    torch.testing.assert_close(table.colours(), base + sum(alone))
    flat = ColourTable(base, layout, levels=3)
    for step in flat.steps:
        step.data += 0.3  # all levels together move a colour as far as a table of one level
    torch.testing.assert_close(flat.colours(), base + 0.3)


def test_a_coarse_level_is_doubled_bilinearly() -> None:
    layout = Layout.of_images([ImageSize(8, 8)])
    table = ColourTable(torch.zeros(64, 1, dtype=torch.float64), layout, levels=2)
    table.steps[1].data += torch.arange(4.0).repeat(4)[:, None]
    row = table.colours().detach().reshape(8, 8)[0]
    expected = torch.tensor([0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]).double() / 2
    torch.testing.assert_close(row, expected)


@pytest.mark.parametrize("layout", [TWO, Layout(11)])
@pytest.mark.parametrize("levels", [1, 2, 4])
def test_gradients_equal_differences(layout, levels) -> None:
    scale = noise(layout.num_colours, 1, seed=5)
    table = ColourTable(noise(layout.num_colours, 2), layout, levels, scale)
    weights = noise(layout.num_colours, 2, seed=3)
    (weights * table.colours()).sum().backward()
    # The table is linear in its steps, so one large step along a direction gives the exact derivative.
    direction = [noise(*s.shape, seed=7 + k) for k, s in enumerate(table.steps)]
    slope = sum(float((s.grad * d).sum()) for s, d in zip(table.steps, direction))
    before = (weights * table.colours().detach()).sum()
    for step, d in zip(table.steps, direction):
        step.data += d
    assert (weights * table.colours().detach()).sum() - before == pytest.approx(slope)


def test_scales_hold_back_what_few_pixels_see() -> None:
    scale = torch.tensor([[0.0], [0.5], [1.0]])
    table = ColourTable(torch.zeros(3, 3), Layout(3), scale=scale)
    table.steps[0].data += 1
    assert torch.equal(table.colours(), scale.expand(3, 3))


def test_resampling_a_flat_table_changes_nothing() -> None:
    flat = torch.full((TWO.num_colours, 3), 0.3)
    for scale in (0.5, 0.37, 1.0, 2.0):
        there = TWO.scaled(scale)
        torch.testing.assert_close(resampled(flat, TWO, there), torch.full((there.num_colours, 3), 0.3))
    assert resampled(flat, TWO, TWO) is flat
    loose = noise(5, 3)
    assert resampled(loose, Layout(5), Layout(5).scaled(0.5)) is loose


def test_halving_is_local_and_keeps_the_mean() -> None:
    layout = Layout.of_images([ImageSize(32, 32)])
    point = torch.zeros(1024, 1)
    point[16 * 32 + 16] = 1
    half = resampled(point, layout, layout.scaled(0.5)).reshape(16, 16)
    assert half.sum() == pytest.approx(0.25, rel=0.01)
    assert half[6:11, 6:11].sum() == pytest.approx(0.25, rel=0.01)


def test_layouts() -> None:
    assert TWO.num_colours == 16 * 24 + 9 * 32
    first, second = TWO.split(torch.arange(TWO.num_colours)[:, None])
    assert first.shape == (16, 24, 1)
    assert second[0, 0] == 16 * 24
    assert TWO.scaled(0.5).images == (ImageSize(8, 12), ImageSize(4, 16))
    assert scaled_size(ImageSize(1, 100), 0.01) == (1, 1)


def test_what_is_hardly_seen_takes_small_corrections_of_its_own() -> None:
    table = PlainTable(torch.zeros(4, 3), Layout(4))
    spread = table.spreading(torch.tensor([[1.0], [1.0], [0.5], [0.001]]))
    torch.testing.assert_close(spread(torch.ones(4, 3))[:, 0], torch.tensor([1.0, 1.0, 2.0, 10.0]))


def test_what_is_not_seen_follows_its_neighbours() -> None:
    layout = Layout(64, (ImageSize(8, 8),))
    table = ColourTable(torch.zeros(64, 3), layout, levels=2)
    seen = torch.ones(64, 1)
    seen[27] = 0
    missing = seen.expand(64, 3).clone()
    moved = table.spreading(seen)(missing)[:, 0]
    assert moved[27] > 0.2 * moved[0]
    assert moved[27] < moved[0]
