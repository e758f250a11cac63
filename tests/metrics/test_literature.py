"""Consistency by optical flow, as published scripts have it, on pictures whose motion is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nst3d.flow.dis import DenseInverseSearch
from nst3d.metrics.footage import Footage
from nst3d.metrics.literature import literature, published_pair, stylos, warping_error
from nst3d.metrics.motion import Motions, flow_pairs, motions_of
from nst3d.metrics.pairs import Perceptual, rmse
from nst3d.metrics.splat import softmax_splat
from nst3d.tensors import Array

H, W = 32, 48
NO_WEIGHTS = Perceptual("lpips_vgg", reason="the weights lpips-vgg are not here")


class Panning:
    """The flow of a picture that moves by some pixels to the left each frame."""

    name = "known"

    def __init__(self, pixels: float = 2.0) -> None:
        self.pixels = pixels
        self.asked: list[tuple[Array, Array]] = []

    def between(self, here: Array, there: Array) -> torch.Tensor:
        """(h, w, 2)."""
        self.asked.append((here, there))
        flow = torch.zeros(*here.shape[:2], 2)
        flow[..., 0] = -self.pixels if len(self.asked) % 2 else self.pixels
        return flow


class Constant(Panning):
    """The same flow whichever way it is asked."""

    def between(self, here: Array, there: Array) -> torch.Tensor:
        """(h, w, 2)."""
        self.asked.append((here, there))
        return torch.tensor([-self.pixels, 0.0]).expand(*here.shape[:2], 2).clone()


def panned(count: int, pixels: int = 2, width: int = W) -> Footage:
    """Windows of a picture in whole levels, each some pixels to the right of the last."""
    wide = np.random.default_rng(4).integers(40, 200, (H, width + pixels * count, 3)).astype(np.float32) / 255
    frames = [wide[:, n * pixels : n * pixels + width] for n in range(count)]
    return Footage(tuple(frames), tuple(np.ones((H, width), np.float32) for _ in frames))


def test_a_splat_by_whole_pixels_is_a_shift() -> None:
    picture = torch.rand(5, 7, 3, generator=torch.Generator().manual_seed(1))
    flow = torch.tensor([2.0, -1.0]).expand(5, 7, 2)
    moved = softmax_splat(picture, flow, torch.zeros(5, 7))
    torch.testing.assert_close(moved[:4, 2:], picture[1:, :5], atol=1e-6, rtol=1e-6)
    assert not moved[4].any()
    assert not moved[:, :2].any()


def test_a_splat_by_half_a_pixel_is_a_mean() -> None:
    picture = torch.tensor([[[1.0], [3.0], [7.0]]])
    moved = softmax_splat(picture, torch.tensor([0.5, 0.0]).expand(1, 3, 2), torch.zeros(1, 3))
    torch.testing.assert_close(moved.flatten(), torch.tensor([1.0, 2.0, 5.0]), atol=1e-5, rtol=0)


def test_where_two_pixels_land_the_more_important_wins() -> None:
    picture = torch.tensor([[[1.0], [3.0]]])
    flow = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])  # both on the second
    for importance, share in (0.0, 1 / 2), (math.log(3), 3 / 4), (10.0, 1 / (1 + math.exp(-10))):
        weight = torch.tensor([[importance, 0.0]])
        moved = softmax_splat(picture, flow, weight)
        assert float(moved[0, 1, 0]) == pytest.approx(share * 1 + (1 - share) * 3, abs=1e-4)
        assert float(moved[0, 0, 0]) == 0


def test_a_flow_that_is_not_finite_goes_nowhere() -> None:
    flow = torch.zeros(1, 2, 2)
    flow[0, 0, 0] = math.nan
    moved = softmax_splat(torch.ones(1, 2, 1), flow, torch.zeros(1, 2))
    torch.testing.assert_close(moved.flatten(), torch.tensor([0.0, 1.0]))


def test_a_published_pair_of_a_pan_is_equal() -> None:
    before, frame = panned(2).frames
    pair = published_pair(before, frame, torch.tensor([-2.0, 0.0]).expand(H, W, 2))
    # The two last columns are a hole, in both. The importance is low where the importance looks past the right
    # place by w / (w - 1), so that 1e-7 shows.
    assert not pair.here[:, -2:].any()
    assert not pair.carried[:, -2:].any()
    assert pair.valid.all()
    assert rmse(pair) < 2e-3


def test_holes_count_as_perfect() -> None:
    """All of the first 46 columns are off by 0.1; the two of the hole are not."""
    before, frame = panned(2).frames
    pair = published_pair(
        before, frame + np.float32(0.1), torch.tensor([-2.0, 0.0]).expand(H, W, 2), (before, frame)
    )
    assert rmse(pair) == pytest.approx(0.1 * math.sqrt(46 / 48), abs=2e-3)


def test_black_paint_is_a_hole() -> None:
    still = torch.zeros(H, W, 2)
    white = np.ones((H, W, 3), np.float32)
    half = white.copy()
    half[:, : W // 2] = 0  # black before, and white now
    assert rmse(published_pair(half, white, still, (white, white))) == pytest.approx(0, abs=1e-5)
    dark = np.maximum(half, 1 / 255).astype(np.float32)  # one level above black it counts
    expected = (1 - 1 / 255) * math.sqrt(0.5)
    assert rmse(published_pair(dark, white, still, (white, white))) == pytest.approx(expected, abs=1e-4)


def test_where_much_lands_importance_is_by_what_fits() -> None:
    """Of two pixels that land in one place, that which looks like the frame there shows."""
    before, frame = np.full((1, 3, 3), 0.5, np.float32), np.full((1, 3, 3), 0.5, np.float32)
    before[0, 0] = 0.9
    flow = torch.zeros(1, 3, 2)
    flow[0, 0, 0] = 1.0
    pair = published_pair(before, frame, flow)
    assert pair.carried[0, 1] == pytest.approx([0.5] * 3, abs=1e-3)


def test_stylos_measures_short_and_long_of_sixteen_frames() -> None:
    flow = Constant(0.0)
    still = panned(1).frames[0]
    footage = Footage((still,) * 20, (np.ones((H, W)),) * 20)
    names = [(each.name, len(each.values)) for each in stylos(footage, flow, NO_WEIGHTS)]
    assert names == [
        ("stylos_rmse_short", 15), ("stylos_lpips_vgg_short", 0), ("stylos_rmse_long", 9), ("stylos_lpips_vgg_long", 0),
    ]  # fmt: skip
    assert len(flow.asked) == 15 + 9
    short, distance, long, _ = stylos(footage, flow, NO_WEIGHTS)
    assert (short.value, long.value) == pytest.approx((0, 0), abs=1e-5)
    assert distance.reason == NO_WEIGHTS.reason
    assert "known flow between the painted frames" in short.note


def test_stylos_follows_the_painted_frames_in_whole_levels_and_pads_them() -> None:
    footage, flow = panned(2, width=45), Constant(2.0)
    seen: list[tuple[Array, Array, Array]] = []

    def distance(one: Array, other: Array, mask: Array) -> float:
        seen.append((one, other, mask))
        return 0.5

    short = stylos(footage, flow, Perceptual("lpips_vgg", distance))
    assert short[1].values == (0.5,)
    ((here, there),) = flow.asked
    levels = np.round(footage.frames[0] * 255)
    assert here.shape == there.shape == (32, 48, 3)
    np.testing.assert_array_equal(here[:, 1:46], levels)
    np.testing.assert_array_equal(here[:, :1], levels[:, :1])
    np.testing.assert_array_equal(here[:, 46:], np.repeat(levels[:, -1:], 2, axis=1))
    ((one, other, mask),) = seen  # 2 p − 1, which a network is given, are levels
    np.testing.assert_allclose(2 * one[:, :46] - 1, there[:, :46], atol=1e-2)
    assert (2 * other - 1).max() == pytest.approx(here.max(), rel=0.01)
    assert (2 * other[:, -2:] - 1 == 0).all()  # a hole
    assert mask.all()


def test_stylos_needs_more_frames_than_the_gap() -> None:
    found = stylos(panned(5), Constant(), NO_WEIGHTS)
    assert found[0].value is not None
    assert found[2].reason == found[3].reason == "5 frames have no pair that is 7 apart"


def test_the_literature_follows_the_unpainted_frames() -> None:
    unpainted = panned(3)
    flow = Panning()
    motions = motions_of(unpainted, 1, flow)
    painted = unpainted.showing([np.full((H, W, 3), 0.3 + 0.1 * n, np.float32) for n in range(3)])
    found, distance = literature(
        painted, motions, Perceptual("mean", lambda one, other, mask: float(one.mean()))
    )
    assert len(flow.asked) == 2 + 2  # once, forth and back, of the unpainted
    assert found.name == "literature_rmse_1"
    assert found.values == pytest.approx([0.1 * math.sqrt(46 / 48)] * 2, abs=2e-3)
    assert len(distance.values) == 2
    assert "known flow between the unpainted frames" in found.note


def flows(footage: Footage, pixels: float) -> Motions:
    size = (*footage.frames[0].shape[:2], 2)
    forth = torch.tensor([-pixels, 0.0]).expand(size)
    pairs = len(footage) - 1
    return Motions("known", 1, footage, (forth,) * pairs, (-forth,) * pairs)


def test_the_warping_error_is_a_mean_square_where_nothing_is_hidden() -> None:
    footage = panned(3)
    brighter = footage.showing([frame + np.float32(0.1 * n) for n, frame in enumerate(footage.frames)])
    found = warping_error(brighter, flows(footage, 2.0))
    assert found.name == "lai_warping_error_1"
    # the two columns that left the picture are fetched from its border, as in the published script
    inner = [pair for pair in flow_pairs(brighter, flows(footage, 2.0)) if pair]
    assert [rmse(pair) ** 2 for pair in inner] == pytest.approx([0.01, 0.01], rel=1e-3)
    left = [a[:, :2] - b[:, :1] for a, b in zip(brighter.frames, brighter.frames[1:])]
    expected = [(0.01 * 46 + 2 * float(np.mean(each**2))) / 48 for each in left]
    assert found.values == pytest.approx(expected, rel=1e-3)


def test_what_is_hidden_or_at_an_edge_of_the_flow_does_not_count() -> None:
    footage = panned(2)
    forth = torch.zeros(H, W, 2)
    forth[8:16, 8:16, 0] = 5.0  # a square that moves, and nothing comes back
    motions = Motions("known", 1, footage, (forth,), (torch.zeros(H, W, 2),))
    frames = [np.full((H, W, 3), 0.5, np.float32) for _ in range(2)]
    frames[0][7:16, 7:16] = 0.9  # the square, and its edge towards the left and above
    frames[0][7, 7] = 0.5  # whose next pixels are not in the square
    assert warping_error(footage.showing(frames), motions).value == 0
    frames[0][20, 20] = 0.9
    assert warping_error(footage.showing(frames), motions).value == pytest.approx(
        0.16 / (H * W - 80), rel=1e-4
    )


def test_flow_where_nothing_can_be_trusted_leaves_no_pair() -> None:
    footage = panned(2)
    away = torch.full((H, W, 2), 100.0)
    motions = Motions("known", 1, footage, (away,), (away,))
    assert list(flow_pairs(footage, motions)) == [None]
    assert warping_error(footage, motions).reason == "no two frames have 1% of their pixels in common"


def test_too_few_frames_for_the_gap() -> None:
    footage = panned(3)
    motions = motions_of(footage, 7, Panning())
    reason = "3 frames have no pair that is 7 apart"
    found = (*literature(footage, motions, NO_WEIGHTS), warping_error(footage, motions))
    assert {each.reason for each in found} == {reason}


def test_footage_of_another_size_is_refused() -> None:
    motions = motions_of(panned(3), 1, Panning())
    for measure in (literature, lambda f, m, _: warping_error(f, m), lambda f, m, _: list(flow_pairs(f, m))):
        with pytest.raises(ValueError, match="frames of the flights differ"):
            measure(panned(3, width=40), motions, NO_WEIGHTS)


def test_a_pan_is_found_by_opencv() -> None:
    pytest.importorskip("cv2")
    y, x = np.mgrid[:64, :120] / 6
    wide = np.stack([0.5 + 0.3 * np.sin(x + np.cos(y)), 0.5 + 0.3 * np.cos(y - x), 0.5 + 0.2 * np.sin(y)], -1)
    frames = tuple(wide[:, 2 * n : 2 * n + 96].astype(np.float32) for n in range(4))
    footage = Footage(frames, tuple(np.ones((64, 96)) for _ in frames))
    motions = motions_of(footage, 1, DenseInverseSearch())
    found = literature(footage, motions, NO_WEIGHTS)[0]
    assert found.value is not None
    assert found.value < 0.03
    assert "dis flow" in found.note
    swapped = footage.showing(frames[::-1])
    other = literature(swapped, motions, NO_WEIGHTS)[0].value  # moves the other way
    assert other is not None
    assert other > 3 * found.value
