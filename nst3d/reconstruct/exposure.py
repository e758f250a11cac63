"""The exposure of each photograph, found while a field is fitted to them."""

from __future__ import annotations

import numpy as np

from nst3d.tensors import Array

_DECAY = 0.98
"""Share of what was seen that is left after a step: the field changes."""
_PRIOR = 60.0
"""Weight of the assumption that a photograph is exposed like the others, as a sum of squared colours: that of 200
rays of a mean grey. What a few rays say may be a matter of what they show."""
_MOST = 4.0
"""Greatest gain, and its inverse the least."""


class Exposures:
    """A gain for each photograph and channel, of exposure and white balance: stored colour = gain · the field's colour.

    They follow by least squares from the colours of the rays so far. What all photographs have in common is the
    field's own: the gains of a channel have the mean 1. An offset as well would explain a scene's shading just as
    well, and take it from the field.
    """

    def __init__(self, photographs: int) -> None:
        self.sums = np.zeros((photographs, 3, 2))
        """Decaying sums of x² and xy per photograph and channel; x: the field's colour, y: the stored one."""

    def learn(self, owners: Array, shown: Array, stored: Array) -> None:
        """Take in rays of the photographs `owners` (n,): the field's colours and the stored ones, both (n, 3)."""
        x, y = shown.astype(np.float64), stored.astype(np.float64)
        columns = np.stack([x * x, x * y], axis=-1).reshape(len(x), -1)
        counts = [np.bincount(owners, column, len(self.sums)) for column in columns.T]
        self.sums = self.sums * _DECAY + np.stack(counts, axis=-1).reshape(self.sums.shape)

    def gains(self) -> Array:
        """The gains of all photographs, (photographs, 3) float64."""
        gains = (self.sums[..., 1] + _PRIOR) / (self.sums[..., 0] + _PRIOR)
        gains = gains.clip(1 / _MOST, _MOST)
        return np.asarray(gains / gains.mean(0))

    def undone(self, owners: Array, stored: Array) -> Array:
        """The stored colours (n, 3) of rays of the photographs `owners` (n,), as the field has them, float32."""
        return np.asarray(stored / self.gains()[owners], np.float32)
