"""Motion by OpenCV's dense inverse search (Kroeger et al. 2016)."""

from __future__ import annotations

import importlib
from typing import Any, final

import numpy as np
import torch

from nst3d.errors import MissingDependencyError
from nst3d.tensors import Array

_LEAST = 16
"""Shortest side, in pixels, of pictures that OpenCV finds motion between."""


@final
class DenseInverseSearch:
    """OpenCV's DIS flow, on grey pictures, at its medium preset."""

    name = "dis"

    def __init__(self) -> None:
        """Raise MissingDependencyError without OpenCV."""
        self._cv2 = _opencv()
        self._search = self._cv2.DISOpticalFlow_create(self._cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def between(self, here: Array, there: Array) -> torch.Tensor:
        """The flow (h, w, 2) from one picture to another; none between pictures too small to find any."""
        if min(here.shape[:2]) < _LEAST:
            return torch.zeros(*here.shape[:2], 2)
        grey = [self._cv2.cvtColor(np.ascontiguousarray(p), self._cv2.COLOR_RGB2GRAY) for p in (here, there)]
        return torch.from_numpy(self._search.calc(grey[0], grey[1], None))


def _opencv() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError:
        raise MissingDependencyError(
            "finding motion needs OpenCV: pip install 'nst3d[video]', or give `steady=0` for frames on their own"
        ) from None
