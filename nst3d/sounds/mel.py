"""Spectra in bands as wide as the ear's."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from nst3d.tensors import Array

WINDOW = 512
"""Samples of a spectrum."""
HOP = 256
"""Samples from one spectrum to the next."""
BANDS = 96
_LINEAR = 200 / 3
"""Hertz a mel below `_BREAK`, from where on mels are logarithmic."""
_BREAK = 1000.0
_STEP = np.log(6.4) / 27


def mel_power(samples: Array, rate: int) -> torch.Tensor:
    """The power (t, 96) float32 in bands of sound samples (n,), every `HOP` samples, the ends mirrored.

    Windows are Hann's, bands triangles of equal area on Slaney's mel scale (Slaney 1998, "Auditory Toolbox"), from 0 to
    half the rate: as librosa computes them, from which the tagger learnt.
    """
    wave = torch.from_numpy(np.array(samples, np.float32))
    if len(wave) <= WINDOW // 2:  # too short to be mirrored
        wave = torch.nn.functional.pad(wave, (0, WINDOW - len(wave)))
    window = torch.hann_window(WINDOW)
    spectra = torch.stft(wave, WINDOW, HOP, window=window, pad_mode="reflect", return_complex=True)
    return spectra.abs().square().T @ _bands(rate)


@lru_cache(maxsize=4)
def _bands(rate: int) -> torch.Tensor:
    """The weight (257, 96) of each frequency in each band."""
    edges = _hertz(np.linspace(0, _mel(rate / 2), BANDS + 2))
    frequencies = np.linspace(0, rate / 2, WINDOW // 2 + 1)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    triangles = np.maximum(0, np.minimum(rising, falling))
    return torch.from_numpy((triangles * 2 / (edges[2:] - edges[:-2])).astype(np.float32))


def _mel(hertz: float) -> float:
    if hertz < _BREAK:
        return hertz / _LINEAR
    return float(_BREAK / _LINEAR + np.log(hertz / _BREAK) / _STEP)


def _hertz(mels: Array) -> Array:
    first = _BREAK / _LINEAR
    return np.where(mels < first, mels * _LINEAR, _BREAK * np.exp(_STEP * (mels - first)))
