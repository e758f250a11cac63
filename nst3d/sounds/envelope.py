"""How strong a sound is from moment to moment: its loudness, and its beats."""

from __future__ import annotations

import numpy as np

from nst3d.sounds.mel import HOP, mel_power
from nst3d.sounds.read import RATE, Sound
from nst3d.tensors import Array

_LEAST_RANGE, _MOST_RANGE = 12.0, 40.0
"""Decibels from no strength to all of it, at least (so that an even sound does not flicker) and at most."""
_BEATS = 0.7
"""Share of the strength that is only there on beats, in music that has them."""
_CLEAR_BEAT = 0.15
"""Rise of the spectrum, in powers of ten on average over bands, that is a beat."""
_LOUD = 97
"""Percentile of the time from which on a sound is loud; what is quieter is relative to it."""
_FINE = 30_000
"""Inverse of the power, relative to a loud moment's, above which bands count in beats."""
_FULL = 95
"""Percentile of the time from which on strength is 1."""
_ATTACK, _RELEASE = 0.01, 0.2
"""Seconds in which strength rises, and falls, by 63 % of the way."""


def strengths(sound: Sound, times: Array) -> Array:
    """The strength (n,) in [0, 1] of a sound at `times` (n,) in seconds; 0 after its end.

    It is its loudness between its quietest and loudest moments, in decibels, of which 0.7 are only there where
    spectra rise in many bands at once, as they do on beats (spectral flux: Bello et al. 2005, "A tutorial on onset
    detection in music signals"). It rises at once and falls slowly, and is 1 for a twentieth of the
    time.
    """
    power = mel_power(sound.samples, RATE).numpy().astype(np.float64)
    power /= max(np.percentile(power.sum(1), _LOUD), 1e-12)
    raw = _loudness(power) * (1 - _BEATS + _BEATS * _beats(power))
    smooth = _followed(raw, HOP / RATE)
    smooth = np.minimum(1, smooth / max(np.percentile(smooth, _FULL), 1e-9))
    found: Array = np.interp(times, np.arange(len(smooth)) * HOP / RATE, smooth, right=0.0)
    return np.where(np.asarray(times) <= sound.seconds, found, 0.0)


def _loudness(power: Array) -> Array:
    """(t,) in [0, 1]: where the power (t, bands) is between the quiet and the loud of the sound, in decibels."""
    level = 10 * np.log10(power.sum(1) + 1e-9)
    loud = np.percentile(level, _LOUD)
    range_ = np.clip(loud - np.percentile(level, 5), _LEAST_RANGE, _MOST_RANGE)
    return np.clip(1 - (loud - level) / range_, 0, 1)


def _beats(power: Array) -> Array:
    """(t,) in [0, 1]: how much the spectrum rises, relative to its clearest rises; squared, as small ones are none."""
    level = np.log10(1 + _FINE * power)
    rise = np.zeros(len(level))
    rise[2:] = np.maximum(0, level[2:] - level[:-2]).mean(1)
    return np.square(np.clip(rise / max(np.percentile(rise, 98), _CLEAR_BEAT), 0, 1))


def _followed(raw: Array, step: float) -> Array:
    """The values (t,), `step` seconds apart, followed at the paces of attack and release."""
    up, down = 1 - np.exp(-step / _ATTACK), 1 - np.exp(-step / _RELEASE)
    now, found = 0.0, np.empty(len(raw))
    for number, value in enumerate(raw):
        now += (value - now) * (up if value > now else down)
        found[number] = now
    return found
