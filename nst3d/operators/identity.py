"""The view of a picture: its pixels are its colours."""

from __future__ import annotations

import torch

from nst3d.operators.base import ViewOperator
from nst3d.tensors import Colours, Image, ImageSize


class IdentityView(ViewOperator):
    """A = 1: row i of the table is pixel i of the picture, top row first."""

    def __init__(self, size: ImageSize) -> None:
        self.size = size
        self.num_colours = size.height * size.width
        self._coverage = Image(torch.ones(*size, 1))

    @property
    def coverage(self) -> Image:
        """One everywhere, (h, w, 1)."""
        return self._coverage

    @property
    def nbytes(self) -> int:
        """Memory of the coverage, in bytes."""
        return self._coverage.nbytes

    def apply(self, colours: Colours) -> Image:
        """The table (n, c) seen as an image (h, w, c)."""
        return Image(colours.reshape(*self.size, -1).clone())

    def adjoint(self, image: Image) -> Colours:
        """The image (h, w, c) seen as a table (n, c)."""
        return image.reshape(self.num_colours, -1).clone()
