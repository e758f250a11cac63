"""Sounds computed for tests: a pad that swells, and a beat."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from nst3d.tensors import Array

RATE = 16_000


def pad(seconds: float) -> Array:
    """A chord of sines, a little out of tune, that swells and dies away."""
    t = np.arange(int(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * f * d * t) for f in (110, 164.8, 220, 277.2) for d in (0.997, 1, 1.003))
    return 0.05 * chord * np.minimum(1, np.minimum(t, seconds - t) / 2)


def beat(seconds: float, period: float = 0.5, bass: float = 0.15) -> Array:
    """A drum, every `period` seconds from 0 on, hats between, and a `bass` in sixteenths."""
    random, t = np.random.default_rng(0), np.arange(int(seconds * RATE)) / RATE
    sound = np.zeros_like(t)
    for number in range(round(seconds / period)):
        at = number * period
        _add(
            sound,
            at,
            0.3,
            lambda s: 0.9 * np.sin(2 * np.pi * (50 * s + 8 - 8 * np.exp(-30 * s))) * np.exp(-12 * s),
        )
        _add(sound, at + period / 2, 0.08, lambda s: 0.3 * random.standard_normal(len(s)) * np.exp(-60 * s))
        for part, tone in enumerate((110, 110, 165, 131)):
            _add(
                sound,
                at + part * period / 4,
                0.1,
                lambda s, f=tone: bass * np.sign(np.sin(2 * np.pi * f * s)),
            )
    return 0.8 * sound


def _add(sound: Array, at: float, seconds: float, made) -> None:
    start = int(at * RATE)
    count = min(int(seconds * RATE), len(sound) - start)
    sound[start : start + count] += made(np.arange(count) / RATE)


def write_sound(path: Path, samples: Array) -> Path:
    """Samples in [-1, 1] as a file of 16 bits; what is not .wav is encoded by ffmpeg."""
    plain = path.with_suffix(".wav")
    with wave.open(str(plain), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    if plain != path:
        subprocess.run(
            [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-i", str(plain), str(path)], check=True
        )
    return path
