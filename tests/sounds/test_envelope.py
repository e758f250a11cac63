from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from made_sounds import RATE, beat, pad

from nst3d.sounds.envelope import strengths
from nst3d.sounds.mel import HOP, mel_power
from nst3d.sounds.read import Sound


def sound_of(samples: np.ndarray) -> Sound:
    return Sound(np.asarray(samples, np.float32), Path("made.wav"), len(samples) / RATE)


def test_a_tone_is_in_its_band() -> None:
    """500 Hz are 7.5 mels, of which 8 kHz, the top, are 45.2 (Slaney's scale), in 97 steps."""
    t = np.arange(RATE) / RATE
    power = mel_power(np.sin(2 * np.pi * 500 * t), RATE)
    assert power.shape == (RATE // HOP + 1, 96)
    assert int(power.mean(0).argmax()) == round(7.5 / 45.245 * 97) - 1
    louder = mel_power(2 * np.sin(2 * np.pi * 500 * t), RATE)
    torch.testing.assert_close(louder, 4 * power, rtol=1e-4, atol=1e-6)


def test_strength_rises_at_once_with_a_beat_and_falls_slowly() -> None:
    sound = sound_of(beat(4, bass=0.0))
    onsets, before, after = (strengths(sound, np.arange(1, 3.5, 0.5) + d) for d in (0.04, -0.03, 0.14))
    assert (onsets > 0.6).all()
    assert (before < 0.65 * onsets).all()
    assert (after < onsets).all()
    assert (after > before).all()


def test_a_pad_swells_without_flicker() -> None:
    found = strengths(sound_of(pad(8)), np.linspace(0.3, 7.9, 96))
    assert found[:4].max() < 0.5 < 0.7 < found[30:60].min()
    assert np.abs(np.diff(found)).max() < 0.2


def test_strengths_do_not_know_the_volume_and_end_with_the_sound() -> None:
    made, times = beat(3), np.linspace(0, 4, 49)
    found = strengths(sound_of(made), times)
    assert found.min() >= 0
    assert 0.9 < found.max() <= 1
    assert not found[times > 3].any()
    np.testing.assert_allclose(strengths(sound_of(made / 4), times), found, atol=0.1)
