"""The interface of methods that find motion."""

from __future__ import annotations

from typing import Protocol

import torch

from nst3d.tensors import Array


class FlowMethod(Protocol):
    """Finds where each pixel of a picture is in another."""

    name: str
    """Its name in reports."""

    def between(self, here: Array, there: Array) -> torch.Tensor:
        """The flow (h, w, 2), float32: right and down in pixels, so that here[y, x] is seen at there[y + dy, x + dx].

        Both pictures are (h, w, 3) uint8.
        """
