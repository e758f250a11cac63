from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from nst3d.images.colour import LUMA
from nst3d.images.palette import match_palette, principal_axis_ramp


def cloud(seed: int, spread=(0.2, 0.1, 0.15), count=500) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    rows = torch.randn(count, 3, generator=generator, dtype=torch.float64) * torch.tensor(spread).double()
    return 0.5 + 0.5 * rows @ mixing


def covariance(rows: torch.Tensor) -> torch.Tensor:
    return torch.cov(rows.T, correction=0)


def test_mean_and_covariance_become_the_targets() -> None:
    source, target = cloud(0), cloud(1, count=77)
    mapped = match_palette(source, target, max_gain=100).apply(source)
    torch.testing.assert_close(mapped.mean(0), target.mean(0))
    torch.testing.assert_close(covariance(mapped), covariance(target))


def test_a_palette_is_mapped_to_itself_by_the_identity() -> None:
    source = cloud(2, spread=(0.3, 0.01, 0.001))
    palette = match_palette(source, source)
    torch.testing.assert_close(palette.matrix, torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(palette.apply(source), source, rtol=0, atol=1e-6)


def test_diagonal_case_by_hand() -> None:
    """Independent channels: each is scaled by the ratio of standard deviations."""
    corners = torch.cartesian_prod(*[torch.tensor([-1.0, 1.0])] * 3).double()
    source = 0.5 + corners * torch.tensor([0.1, 0.2, 0.1]).double()
    target = 0.4 + corners * torch.tensor([0.2, 0.1, 0.3]).double()
    palette = match_palette(source, target)
    torch.testing.assert_close(palette.matrix, torch.diag(torch.tensor([2.0, 0.5, 3.0]).double()))
    torch.testing.assert_close(palette.apply(source), target)


def test_the_map_is_symmetric_and_positive() -> None:
    matrix = match_palette(cloud(3), cloud(4)).matrix
    torch.testing.assert_close(matrix, matrix.T)
    assert torch.linalg.eigvalsh(matrix).min() > 0


def test_weights_count_like_repetitions() -> None:
    source, target = cloud(5, count=4), cloud(6)
    weights = torch.tensor([1.0, 3.0, 0.0, 2.0])
    repeated = source.repeat_interleave(weights.long(), dim=0)
    weighted = match_palette(source, target, weights)
    plain = match_palette(repeated, target)
    torch.testing.assert_close(weighted.matrix, plain.matrix)
    torch.testing.assert_close(weighted.offset, plain.offset)
    with pytest.raises(ValueError, match="weight above 0"):
        match_palette(source, target, torch.zeros(4))


def test_commutes_with_a_view() -> None:
    """A view is a weighted mean of rows: mapped before or after is the same."""
    source = cloud(7)
    view = torch.rand(20, len(source), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    view /= view.sum(1, keepdim=True)
    palette = match_palette(source, cloud(8))
    torch.testing.assert_close(view @ palette.apply(source), palette.apply(view @ source))


@pytest.mark.parametrize(
    "source",
    [
        torch.full((9, 3), 0.4),
        torch.linspace(0, 1, 50)[:, None].repeat(1, 3),
        torch.tensor([[0.1, 0.9, 0.2]]),
    ],
    ids=["constant", "grey", "one pixel"],
)
def test_a_source_without_spread_gives_a_bounded_map(source) -> None:
    target = cloud(9).float()
    palette = match_palette(source, target, max_gain=8)
    assert torch.isfinite(palette.matrix).all()
    assert torch.linalg.matrix_norm(palette.matrix, 2) <= 8
    mapped = palette.apply(source)
    assert mapped.dtype == source.dtype
    torch.testing.assert_close(mapped.mean(0), target.mean(0))


def test_a_grey_source_follows_the_targets_colours_from_dark_to_light() -> None:
    grey = torch.linspace(0, 1, 256, dtype=torch.float64)[:, None].repeat(1, 3)
    target = cloud(10, spread=(0.3, 0.02, 0.02))
    mapped = match_palette(grey, target).apply(grey)
    assert covariance(mapped).trace() > 0.5 * covariance(target).trace()


def test_a_style_of_one_pixel_paints_in_one_colour() -> None:
    style = torch.tensor([[0.2, 0.4, 0.6]])
    mapped = match_palette(cloud(11), style).apply(cloud(11))
    torch.testing.assert_close(mapped, style.double().expand_as(mapped))


def test_ramp_by_hand() -> None:
    axis = torch.tensor([2.0, 1.0, -2.0], dtype=torch.float64) / 3
    steps = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    ramp = principal_axis_ramp(0.5 + 0.3 * steps[:, None] * axis)
    torch.testing.assert_close(ramp.axis, axis)
    assert ramp.std == pytest.approx(0.3)
    torch.testing.assert_close(ramp.at(steps), 0.5 + 0.3 * steps[:, None] * axis)
    assert ramp.at(torch.zeros(4, 5)).shape == (4, 5, 3)


def test_ramp_of_one_colour_is_that_colour() -> None:
    ramp = principal_axis_ramp(torch.tensor([[0.2, 0.4, 0.6]]))
    assert ramp.std == 0
    torch.testing.assert_close(ramp.at(torch.tensor([-2.0, 3.0])), torch.tensor([[0.2, 0.4, 0.6]] * 2))


def test_ramp_grows_with_brightness_on_real_paintings(data_dir) -> None:
    from nst3d.images import read_image

    for path in sorted((data_dir / "styles").glob("*.jpg")):
        ramp = principal_axis_ramp(torch.from_numpy(read_image(path, 20_000).pixels).reshape(-1, 3))
        assert ramp.axis @ torch.tensor([0.2126, 0.7152, 0.0722]).double() > 0
        assert 0.02 < ramp.std < 0.6


def test_brightness_has_one_set_of_weights() -> None:
    package = Path(__file__).resolve().parents[2] / "nst3d"
    weights = re.compile(r"0\.(?:2126|7152|299|587)\b")
    found = [
        p.relative_to(package) for p in package.rglob("*.py") if weights.search(p.read_text(encoding="utf-8"))
    ]
    assert found == [Path("images/colour.py")]
    assert sum(LUMA) == pytest.approx(1)
