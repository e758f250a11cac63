"""Places of cameras on all sides of a unit ball."""

from __future__ import annotations

import itertools

import numpy as np

SIDES = [3.0 * np.array(p) / np.linalg.norm(p) for p in itertools.product((-1, 0, 1), repeat=3) if any(p)]
"""26 of them, 3 from the middle; eight are level."""
