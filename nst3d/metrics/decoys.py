"""Decoys: pictures that nobody would call good and that win a naive metric of consistency."""

from __future__ import annotations

import numpy as np

from nst3d.metrics.footage import Footage
from nst3d.metrics.gaussian import blurred

BLUR = 1 / 32
"""Sigma of the blurred decoy, in heights of a frame: 16 pixels of 512."""


def blurred_decoy(painted: Footage, sigma: float | None = None) -> Footage:
    """The painted frames under a Gaussian blur of `sigma` pixels; None: of `BLUR` times their height."""
    height = painted.frames[0].shape[0]
    sigma = height * BLUR if sigma is None else sigma
    return painted.showing(blurred(frame, sigma) for frame in painted.frames)


def flat_decoy(painted: Footage) -> Footage:
    """Frames of one colour, the mean of all painted frames."""
    colour = np.mean([frame.reshape(-1, 3).mean(0, dtype=np.float64) for frame in painted.frames], axis=0)
    frame = np.broadcast_to(colour.astype(np.float32), painted.frames[0].shape)
    return painted.showing([frame.copy()] * len(painted))
