"""Consistency by geometry, on flights past a plane whose values are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from painted_planes import SIZE, flight, strokes

from nst3d.cameras.pinhole import perspective
from nst3d.metrics.footage import Footage
from nst3d.metrics.geometric import geometric
from nst3d.metrics.measured import Measured
from nst3d.metrics.pairs import Perceptual
from nst3d.metrics.warp import Seen
from nst3d.tensors import Array, ImageSize

HEAD_ON = ImageSize(48, 64)
NO_WEIGHTS = Perceptual("lpips_alex", reason="the weights lpips-alex are not here")
ABSOLUTE = Perceptual("absolute", lambda one, other, mask: float(np.abs(one - other).mean(-1)[mask].mean()))


def wave(period: float, shift: float = 0.0) -> Array:
    """A grey picture of a wave of amplitude 0.4 along x, moved to the left."""
    x = np.arange(HEAD_ON.width) + 0.5 + shift
    row = 0.5 + 0.4 * np.sin(2 * np.pi * x / period)
    return np.broadcast_to(row[None, :, None], (*HEAD_ON, 3)).astype(np.float32)


def head_on(frames: list[Array], pixels: float) -> Footage:
    """Frames of a plane that fills them, from cameras that move to the right so that it moves by some pixels each."""
    seen = []
    for number in range(len(frames)):
        pose = np.eye(4)
        camera = perspective(pose, HEAD_ON, math.radians(50))
        pose[0, 3] = number * pixels * 4.0 / camera.focal
        seen.append(Seen(camera, np.full(HEAD_ON, 4.0, np.float32)))
    return Footage(tuple(frames), tuple(np.ones(HEAD_ON, np.float32) for _ in frames), tuple(seen))


def rmse(footage: Footage, gap: int = 1) -> Measured:
    return geometric(footage, gap, NO_WEIGHTS)[0]


def test_identical_frames_do_not_differ() -> None:
    found, distance = geometric(head_on([wave(9.0)] * 4, 0), 1, ABSOLUTE)
    assert found.name == "geometric_rmse_1"
    assert distance.name == "geometric_absolute_1"
    assert found.values == pytest.approx((0, 0, 0), abs=1e-4)  # rays are rounded
    assert distance.values == pytest.approx((0, 0, 0), abs=1e-4)


@pytest.mark.parametrize("gap", [1, 3])
def test_a_rigid_texture_under_a_known_move_does_not_differ(gap: int) -> None:
    footage = head_on([wave(9.0, 3 * n) for n in range(5)], 3)
    values = rmse(footage, gap).values
    assert len(values) == 5 - gap
    assert max(values) < 1e-3


def test_a_rigid_smooth_texture_on_a_tilted_plane_does_not_differ() -> None:
    y, x = np.mgrid[:256, :256] / 256
    soft = np.stack([0.5 + 0.3 * np.sin(3 * x + y), 0.5 + 0.3 * np.cos(4 * y), x], -1).astype(np.float32)
    footage = flight(soft, 4)
    inner = [
        (o > 0.999)[..., None] for o in footage.opacities
    ]  # the plane's border is mixed with the background
    held = footage.showing([np.where(i, f, 0) for f, i in zip(footage.frames, inner)])
    assert held.seen is not None
    seen = tuple(Seen(s.camera, np.where(i[..., 0], s.depth, np.inf)) for s, i in zip(held.seen, inner))
    value = rmse(Footage(held.frames, held.opacities, seen)).value
    assert value is not None
    assert value < 1e-3


@pytest.mark.parametrize("amplitude", [0.02, 0.1])
def test_flicker_is_its_amplitude(amplitude: float) -> None:
    """Frames in turn brighter and darker by half of it."""
    frames = [wave(9.0, 3 * n) + amplitude / 2 * (-1) ** n for n in range(6)]
    found, distance = geometric(head_on(frames, 3), 1, ABSOLUTE)
    assert found.values == pytest.approx([amplitude] * 5, abs=1e-4)
    assert distance.values == pytest.approx([amplitude] * 5, abs=1e-4)
    assert rmse(head_on(frames, 3), 2).values == pytest.approx([0] * 4, abs=1e-4)


def test_flicker_of_some_pixels_is_averaged_over_all_that_are_valid() -> None:
    frames = [wave(9.0).copy() for _ in range(2)]
    frames[1][:12] += 0.1  # a quarter of the rows
    assert rmse(head_on(frames, 0)).value == pytest.approx(0.05, abs=1e-4)


def test_one_pixel_off_is_caught() -> None:
    """sin(x + d) − sin(x) has an amplitude of 2 sin(d / 2)."""
    frames = [wave(9.0, 4 * n) for n in range(4)]  # 4 pixels a frame, where the cameras say 3
    expected = 2 * math.sin(math.pi / 9) * 0.4 / math.sqrt(2)
    assert rmse(head_on(frames, 3)).value == pytest.approx(expected, rel=0.02)


def test_a_change_of_hidden_points_is_none() -> None:
    """What stands in front of the plane in one frame only hides what is behind it, and is not compared."""
    footage = head_on([wave(9.0)] * 2, 0)
    assert footage.seen is not None
    footage.seen[1].depth[10:20, 10:20] = 2.0
    front = footage.frames[1].copy()
    front[10:20, 10:20] = 1.0
    found = geometric(footage.showing([footage.frames[0], front]), 1, ABSOLUTE)
    assert [each.value for each in found] == pytest.approx([0, 0], abs=1e-4)


def test_pairs_with_hardly_a_common_point_have_no_value() -> None:
    frames = [wave(9.0, 3 * n) for n in range(3)]
    apart = rmse(head_on(frames, 80))
    assert apart.values == ()
    assert apart.reason == "no two frames have 1% of their pixels in common"
    footage = head_on(frames, 3)
    assert footage.seen is not None
    footage.seen[0].depth[:] = np.inf
    first, second = rmse(footage).values
    assert first is None
    assert second == pytest.approx(0, abs=1e-3)


def test_a_video_has_no_depth() -> None:
    footage = head_on([wave(9.0)] * 3, 0)
    video = Footage(footage.frames, footage.opacities)
    assert {each.reason for each in geometric(video, 1, ABSOLUTE)} == {"the frames have no depth"}


def test_too_few_frames_for_the_gap() -> None:
    found = geometric(head_on([wave(9.0)] * 3, 0), 7, ABSOLUTE)
    assert {each.reason for each in found} == {"3 frames have no pair that is 7 apart"}


def test_a_distance_without_weights_has_their_reason() -> None:
    found, distance = geometric(head_on([wave(9.0)] * 2, 0), 1, NO_WEIGHTS)
    assert found.value is not None
    assert (distance.name, distance.reason) == ("geometric_lpips_alex_1", NO_WEIGHTS.reason)
    with pytest.raises(ValueError, match="either"):
        Perceptual("lpips_alex")


def test_a_painting_that_is_fixed_to_its_surface_differs_less_than_one_that_is_not() -> None:
    fixed = flight(strokes(3), 3)
    swimming = [flight(strokes(seed), 3).frames[n] for n, seed in enumerate((3, 4, 5))]
    steady, unsteady = rmse(fixed).value, rmse(fixed.showing(swimming)).value
    assert steady is not None
    assert unsteady is not None
    assert unsteady > 3 * steady
    assert fixed.frames[0].shape == (*SIZE, 3)
