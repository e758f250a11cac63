"""How strong a sound is from moment to moment: its loudness, and its beats."""

from __future__ import annotations

import numpy as np

from nst3d.sounds.mel import HOP, mel_power
from nst3d.sounds.read import RATE, Sound
from nst3d.tensors import Array

_LEAST_RANGE, _MOST_RANGE = 12.0, 40.0
"""Decibels from no strength to all of it, at least (so that an even sound does not flicker) and at most."""
_BEATS = 0.5
"""Share of the strength that is only there on beats, in music that has them."""
_CLEAR_BEAT = 0.15
"""Rise of the spectrum, in powers of ten on average over bands, that is a beat."""
_ATTACK, _RELEASE = 0.03, 0.2
"""Seconds in which strength rises, and falls, by 63 % of the way."""


def strengths(sound: Sound, times: Array) -> Array:
    """The strength (n,) in [0, 1] of a sound at `times` (n,) in seconds; 0 after its end.

    It is its loudness between its quietest and loudest moments, in decibels, of which half is only there where
    spectra rise in many bands at once, as they do on beats (spectral flux: Bello et al. 2005, "A tutorial on onset
    detection in music signals"). It rises at once and falls slowly, and 1 is its own largest value.
    """
    power = mel_power(sound.samples, RATE).numpy().astype(np.float64)
    raw = _loudness(power) * (1 - _BEATS + _BEATS * _beats(power))
    smooth = _followed(raw, HOP / RATE)
    smooth /= max(smooth.max(), 1e-9)
    found: Array = np.interp(times, np.arange(len(smooth)) * HOP / RATE, smooth, right=0.0)
    return np.where(np.asarray(times) <= sound.seconds, found, 0.0)


def _loudness(power: Array) -> Array:
    """(t,) in [0, 1]: where the power (t, bands) is between the quiet and the loud of the sound, in decibels."""
    level = 10 * np.log10(power.sum(1) + 1e-10)
    loud = np.percentile(level, 97)
    range_ = np.clip(loud - np.percentile(level, 5), _LEAST_RANGE, _MOST_RANGE)
    return np.clip(1 - (loud - level) / range_, 0, 1)


def _beats(power: Array) -> Array:
    """(t,) in [0, 1]: how much the spectrum rises, relative to its clearest rises."""
    level = np.log10(1 + 10_000 * power)
    rise = np.zeros(len(level))
    rise[2:] = np.maximum(0, level[2:] - level[:-2]).mean(1)
    return np.clip(rise / max(np.percentile(rise, 98), _CLEAR_BEAT), 0, 1)


def _followed(raw: Array, step: float) -> Array:
    """The values (t,), `step` seconds apart, followed at the paces of attack and release."""
    up, down = 1 - np.exp(-step / _ATTACK), 1 - np.exp(-step / _RELEASE)
    now, found = 0.0, np.empty(len(raw))
    for number, value in enumerate(raw):
        now += (value - now) * (up if value > now else down)
        found[number] = now
    return found
