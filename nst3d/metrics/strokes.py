"""Statistics of strokes: how much they run along one direction, and how long their waves are."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from nst3d.metrics.filters import eroded, gradient
from nst3d.metrics.gaussian import blurred
from nst3d.metrics.grey import luma
from nst3d.tensors import Array

WINDOW = 64
"""Side of the windows of which spectra are taken, pixels; waves up to half of it are seen."""
_STRIDE = WINDOW // 2
_LONGEST = 2
"""The slowest waves that count, cycles per window: slower ones are not told from the mean."""
_NEAR = 1.5
"""Cycles per window: half of the width of a single wave's peak under the taper."""
_COVERED = 0.99
_FINE, _COARSE = 1.0, 4.0
"""Sigmas, pixels, of gradients and of the neighbourhoods in which their directions are compared."""
_EDGE = 4
"""Pixels beyond which a gradient does not see."""
_FAINT = 1e-4
"""A gradient or a contrast that counts as none: a thirtieth of a level of 8 bits."""


class StrokeStatistics(NamedTuple):
    """What the strokes of a picture are like."""

    coherence: float | None
    """From 0, all directions alike in small neighbourhoods, to 1, straight strokes; None without any contrast."""
    direction: float | None
    """Along most strokes: radians from the x axis towards y (down), in [0, π)."""
    alignment: float | None
    """From 0, no direction is common to the picture, to 1, all strokes are parallel."""
    wavelength: float | None
    """Of the strongest waves, pixels: from one stroke to the next; above 32, that they are longer than can be measured.

    None without contrast in any window."""
    mean_wavelength: float | None
    """Geometric mean, pixels, over all waves between 2 and 32 pixels by their power."""

    def per_pixel(self, units: float) -> StrokeStatistics:
        """The same with wavelengths in other units, of which a pixel has `units`."""
        lengths = (
            None if value is None else value * units for value in (self.wavelength, self.mean_wavelength)
        )
        return StrokeStatistics(self.coherence, self.direction, self.alignment, *lengths)


class StrokeDifference(NamedTuple):
    """How far the strokes of two pictures are apart; 0: alike. None where one of them has no value."""

    coherence: float | None
    octaves: float | None
    """Of the strongest waves: 1 is twice, or half, as long."""
    mean_octaves: float | None
    """Of the mean wavelengths."""


def stroke_statistics(picture: Array, mask: Array | None = None) -> StrokeStatistics:
    """The statistics of the brightness of a picture (h, w, 3) in [0, 1], within a mask (h, w), counted above 0.5."""
    grey = luma(picture)
    covered = np.ones(grey.shape, bool) if mask is None else np.asarray(mask) > 0.5
    return StrokeStatistics(*_directions(grey, covered), *_wavelengths(grey, covered))


def stroke_difference(one: StrokeStatistics, other: StrokeStatistics) -> StrokeDifference:
    """The differences of two pictures' strokes, whose wavelengths must be in the same units; symmetric."""

    def octaves(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else abs(math.log2(a / b))

    apart = None
    if one.coherence is not None and other.coherence is not None:
        apart = abs(one.coherence - other.coherence)
    return StrokeDifference(
        apart,
        octaves(one.wavelength, other.wavelength),
        octaves(one.mean_wavelength, other.mean_wavelength),
    )


def _directions(grey: Array, covered: Array) -> tuple[float | None, float | None, float | None]:
    """Coherence, direction and alignment from the structure tensor, by its energy."""
    right, down = gradient(grey, _FINE)
    # Gradients at the mask's border are those of the silhouette.
    inside = eroded(covered, _EDGE)
    right, down = right * inside, down * inside
    energy, real, imaginary = right**2 + down**2, right**2 - down**2, 2 * right * down
    if energy.sum() <= _FAINT**2 * max(inside.sum(), 1):
        return None, None, None
    local = np.hypot(blurred(real, _COARSE), blurred(imaginary, _COARSE))
    whole = complex(
        real.sum(), imaginary.sum()
    )  # doubled angles of gradients, to which strokes are at right angles
    direction = (math.atan2(whole.imag, whole.real) / 2 + math.pi / 2) % math.pi
    coherence = local.sum() / blurred(energy, _COARSE).sum()
    return float(coherence), direction, abs(whole) / float(energy.sum())


def _wavelengths(grey: Array, covered: Array) -> tuple[float | None, float | None]:
    """That of the strongest waves, and the geometric mean of all by their power."""
    power = _spectrum(grey, covered)
    if power is None:
        return None, None
    radius = np.hypot(np.fft.fftfreq(WINDOW)[:, None], np.fft.fftfreq(WINDOW)) * WINDOW
    counted = (radius >= _LONGEST) & (radius <= WINDOW / 2)
    ring = np.rint(radius).astype(int)
    # Per octave, in which photographs, whose power falls with the square of the frequency, have alike everywhere.
    octave = np.bincount(ring.ravel(), (power * radius * counted).ravel())

    def mean(where: Array) -> float:
        # Of logarithms: the curvature of rings, which lengthens radii around a peak, cancels in it.
        logs = np.log(WINDOW / radius[where])
        return math.exp(float((power[where] * logs).sum() / power[where].sum()))

    rough = mean(np.abs(radius - octave.argmax()) <= _NEAR)
    peak = mean((np.abs(radius - WINDOW / rough) <= _NEAR) & (radius >= 1))
    return peak, mean(counted)


def _spectrum(grey: Array, covered: Array) -> Array | None:
    """The mean power (64, 64) of the covered windows, as `fft2` has it; None without contrast or a covered window."""
    if min(grey.shape) < WINDOW:
        return None
    size = (WINDOW, WINDOW)
    views = np.lib.stride_tricks.sliding_window_view
    share = views(covered, size)[::_STRIDE, ::_STRIDE].mean((2, 3))
    windows = views(grey, size)[::_STRIDE, ::_STRIDE][share >= _COVERED]
    taper = np.hanning(WINDOW + 1)[:-1]
    taper = np.outer(taper, taper)
    # The tapered window has no mean: a rest of it would leak into the slowest waves.
    windows = (windows - (windows * taper).sum((1, 2), keepdims=True) / taper.sum()) * taper
    if not len(windows) or np.square(windows).mean() <= _FAINT**2:
        return None
    return np.square(np.abs(np.fft.fft2(windows))).mean(0)
