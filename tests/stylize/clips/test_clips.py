"""Frames painted one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from nst3d.stylize.clips.painter import TaughtPainter
from nst3d.stylize.clips.steady import SteadyPainter
from nst3d.stylize.teachers.identity import Identity
from nst3d.tensors import Planes, planes_of


class Flicker:
    """Adds new noise to every frame, as the worst of networks would."""

    def __init__(self) -> None:
        self._noise = np.random.default_rng(0)

    def begin(self, samples) -> None:
        pass

    def follow(self, frame, memory):
        noise = 0.2 * torch.from_numpy(self._noise.random(frame.shape, np.float32))
        return Planes((frame + noise).clamp(0, 1)), None


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
    painter = SteadyPainter(TaughtPainter(Identity(), []), Moving(2), 0.8)
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
    moments, _ = painted(SteadyPainter(TaughtPainter(Identity(), []), Moving(0), 0.8), frames)
    assert moments[1].picture.mean() == pytest.approx(200 / 255, abs=0.01)


class Counting:
    """Remembers, in each place, how many frames it was seen in."""

    def begin(self, samples) -> None:
        pass

    def follow(self, frame, memory):
        seen = torch.zeros(1, frame.shape[1] // 4, frame.shape[2] // 4) if memory is None else memory
        return frame, Planes(seen + 1)


def test_memory_moves_along_and_ends_where_nothing_was_seen() -> None:
    """Eight pixels are two of the memory's."""
    moments, _ = painted(SteadyPainter(Counting(), Moving(8), 0.5), panned(3, 8))
    assert torch.equal(moments[0].memory, torch.ones(1, 10, 15))
    for column, seen in ((0, 3), (10, 3), (12, 2), (14, 1)):  # new things come in from the right
        assert float(moments[-1].memory[0, 5, column]) == pytest.approx(seen, abs=0.01), column


def test_a_teacher_that_can_be_prepared_gets_the_shots_frames() -> None:
    """All frames of a shot are painted by one map, and those of another shot by another."""

    class Shifted:
        """Adds a fixed amount."""

        def __init__(self, amount: float) -> None:
            self.amount = amount

        def teach(self, pictures, looks, styles):
            return [picture + self.amount for picture in pictures]

    class ToGrey(Shifted):
        """Brings the mean of what it is given to 0.5."""

        def prepared(self, pictures, looks, styles):
            return Shifted(0.5 - float(torch.stack(pictures).mean()))

    dark, light = (Planes(torch.full((3, 4, 6), level)) for level in (0.1, 0.3))
    painter = TaughtPainter(ToGrey(0.9), [])
    for samples, wanted in (([dark, light], (0.4, 0.6)), ([light], (0.3, 0.5))):
        painter.begin(samples)
        for frame, level in zip((dark, light), wanted):
            torch.testing.assert_close(painter.paint(frame), torch.full((3, 4, 6), level))
