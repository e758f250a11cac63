"""Renders previews of a model within a time limit, coarsely if necessary, because training waits for them."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F

_FIRST = 64 * 64
"""Number of rays of the first preview, before their cost is known."""


class Glances:
    """A sequence of previews; the duration of each determines the number of rays of the next."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._rate = _FIRST / seconds

    def __call__(
        self, render: Callable[[Any], Mapping[str, torch.Tensor]], camera: Any
    ) -> dict[str, torch.Tensor]:
        """Images (h, w, c) of a nerfstudio camera by `render`, drawn smaller and scaled up."""
        height, width = int(camera.height), int(camera.width)
        share = min(1.0, math.sqrt(self._rate * self._seconds / (height * width)))
        share = max(share, 1 / min(height, width))
        small = copy.deepcopy(camera)
        small.rescale_output_resolution(share)
        started = time.perf_counter()
        outputs = dict(render(small))
        rays = int(small.height) * int(small.width)
        self._rate = rays / max(time.perf_counter() - started, 1e-6)
        return {name: _scaled(image, height, width) for name, image in outputs.items()}


def _scaled(image: torch.Tensor, height: int, width: int) -> torch.Tensor:
    if tuple(image.shape[:2]) == (height, width):
        return image
    planes = F.interpolate(image.float().permute(2, 0, 1)[None], (height, width), mode="bilinear")
    return planes[0].permute(1, 2, 0).to(image.dtype)
