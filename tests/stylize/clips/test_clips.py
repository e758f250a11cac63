"""Frames painted one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.networks.pairs import load_pairs
from nst3d.stylize.clips.make import make_painter
from nst3d.stylize.clips.steady import SteadyPainter, planes_of
from nst3d.stylize.clips.transported import TransportedFrames
from nst3d.stylize.style import Style
from nst3d.tensors import Image, Planes


class Flicker:
    """Adds new noise to every frame, as the worst of networks would."""

    def __init__(self) -> None:
        self._noise = np.random.default_rng(0)

    def begin(self, samples) -> None:
        pass

    def paint(self, frame):
        return Planes(
            (frame + 0.2 * torch.from_numpy(self._noise.random(frame.shape, np.float32))).clamp(0, 1)
        )


class Moving:
    """The flow of a picture that moves to the left by some pixels a frame."""

    name = "moving"

    def __init__(self, pixels: int) -> None:
        self._pixels = float(pixels)

    def between(self, here, there):
        forwards = here[0, 0, 0] < there[0, 0, 0]  # the first pixel is the frame's number
        return torch.tensor([-self._pixels if forwards else self._pixels, 0.0]).expand(*here.shape[:2], 2)


def panned(count: int, pixels: int) -> list[np.ndarray]:
    picture = np.random.default_rng(1).integers(0, 128, (40, 120, 3)).astype(np.uint8)
    frames = [picture[:, pixels * k : pixels * k + 60].copy() for k in range(count)]
    for number, frame in enumerate(frames):
        frame[0, 0] = number
    return frames


def painted(painter: SteadyPainter, frames):
    """All moments, and the means of both errors."""
    moments, errors = [], []
    painter.begin(frames)
    for frame in frames:
        moment, steadiness = painter.paint(frame, moments[-1] if moments else None)
        moments.append(moment)
        errors.append(steadiness)
    assert errors[0] is None
    return moments, [np.mean([getattr(e, name) for e in errors[1:]]) ** 0.5 for name in ("shown", "alone")]


def test_flicker_is_less_than_half() -> None:
    _, (shown, alone) = painted(SteadyPainter(Flicker(), Moving(2), 0.8), panned(12, 2))
    assert alone > 0.07
    assert shown < 0.5 * alone


def test_details_stay_sharp() -> None:
    """What is the same in all frames is not blurred by being carried along."""
    frames = panned(20, 2)
    painter = SteadyPainter(make_painter("identity", [], 60, torch.float32), Moving(2), 0.8)
    moments, (shown, _) = painted(painter, frames)
    assert shown < 0.01
    assert (moments[-1].picture - planes_of(frames[-1]))[:, 4:].abs().max() < 1e-3  # below the frame's number


def test_without_a_share_frames_are_on_their_own() -> None:
    moments, (shown, alone) = painted(SteadyPainter(Flicker(), Moving(2), 0.0), panned(4, 2))
    assert shown == alone
    assert all(torch.equal(m.picture, m.alone) for m in moments)


def test_new_light_is_not_held_back() -> None:
    """Where frames differ along the motion, the picture is that of the frame."""
    frames = [np.full((40, 60, 3), level, np.uint8) for level in (40, 200)]
    moments, _ = painted(
        SteadyPainter(make_painter("identity", [], 60, torch.float32), Moving(0), 0.8), frames
    )
    assert moments[1].picture.mean() == pytest.approx(200 / 255, abs=0.01)


def test_an_unknown_painter() -> None:
    with pytest.raises(ConfigError, match=r"`network` 'wet' is not known: choose one of wct, .*posterise"):
        make_painter("wet", [], 64, torch.float32)


@pytest.fixture(scope="module")
def pairs(data_dir):
    folder = data_dir / "weights" / "collaborative_distillation"
    if not folder.is_dir():
        pytest.skip(f"no weights in {folder}")
    return load_pairs((1, 2, 3), path=folder)


def smooth(seed: int, red: float) -> Image:
    coarse = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(seed))
    picture = torch.nn.functional.interpolate(coarse, (48, 64), mode="bilinear")[0].permute(1, 2, 0)
    return Image(picture * torch.tensor([red, 0.4, 0.4]))


def test_frames_take_the_styles_colours_and_the_shots_map(pairs) -> None:
    style = Style((smooth(5, 1.0),))
    frames = [Planes(smooth(k, 0.3).permute(2, 0, 1)) for k in (1, 2)]
    painter = TransportedFrames(pairs, [style], 64)
    painter.begin(frames)
    alone, again = painter.paint(frames[0]), painter.paint(frames[0])
    wanted = style.images[0].mean((0, 1))
    pooled = torch.stack([painter.paint(f).mean((1, 2)) for f in frames]).mean(0)
    assert torch.equal(alone, again)
    assert torch.allclose(pooled, wanted, atol=0.05)
    assert alone.shape == frames[0].shape
    painter.begin(frames[1:])
    assert not torch.allclose(painter.paint(frames[0]), alone, atol=0.01)
