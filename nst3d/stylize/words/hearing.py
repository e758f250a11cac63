"""Sounds in CLIP's space."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from nst3d.networks.wav2clip import LONGEST, RATE, Wav2Clip

PIECES = 12
"""Pieces of ten seconds that are heard, at most: of a longer sound some, spread evenly."""


def sound_row(network: Wav2Clip, samples: torch.Tensor) -> torch.Tensor:
    """The features (c,), of length 1, of a sound (n,), 16,000 samples a second: the mean over its pieces.

    A sound of less than a second is heard again and again.
    """
    if len(samples) < RATE:
        samples = samples.repeat(-(-RATE // len(samples)))
    size = min(len(samples), LONGEST * RATE)
    count = min(PIECES, len(samples) // size)
    starts = torch.linspace(0, len(samples) - size, count).long().tolist()
    rows = torch.stack([network(samples[start : start + size]) for start in starts])
    return F.normalize(rows.mean(0), dim=0)
