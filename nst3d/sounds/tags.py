"""What a sound is like, in tags."""

from __future__ import annotations

import numpy as np
import torch

from nst3d.networks.tagger import FRAMES, TAGS, Tagger
from nst3d.sounds.mel import mel_power
from nst3d.sounds.read import RATE, Sound

PIECES = 40
"""Pieces of 3 seconds that are heard, at most: of a longer sound some, spread evenly."""


def tags_of(sound: Sound, tagger: Tagger) -> dict[str, float]:
    """How likely each tag is, 0 to 1, on average over a sound; the most likely first."""
    power = mel_power(sound.samples, RATE)
    if len(power) < FRAMES:  # a short one, again and again
        power = power.repeat(-(-FRAMES // len(power)), 1)
    starts = range(0, len(power) - FRAMES + 1, FRAMES)
    chosen = np.unique(np.linspace(0, len(starts) - 1, min(PIECES, len(starts))).round().astype(int))
    spectra = torch.log10(1 + 10_000 * power)
    rows = [tagger(spectra[starts[number] : starts[number] + FRAMES][None])[0] for number in chosen]
    mean = torch.stack(rows).mean(0)
    order = mean.argsort(descending=True, stable=True).tolist()
    return {TAGS[number]: float(mean[number]) for number in order}
