"""The interface of a view: a linear map, its adjoint and its opacity."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from nst3d.tensors import Array, Colours, Image, ImageSize


@dataclass(frozen=True)
class Stored:
    """A view as plain arrays, for storage on disk."""

    arrays: Mapping[str, Array]
    """Arrays by name; names are valid file names."""
    restore: Callable[[Mapping[str, Array]], ViewOperator]
    """Rebuilds the view from such arrays bit for bit, without compiling. Must not keep `arrays` alive."""
    form: str | None = None
    """The name under which `restored` rebuilds it in another process, from the arrays alone; None: it cannot."""


class ViewOperator(ABC):
    """One camera's view of frozen geometry, as a linear map `A` from colours to pixels."""

    size: ImageSize
    num_colours: int

    @abstractmethod
    def apply(self, colours: Colours) -> Image:
        """A c: the premultiplied image (h, w, c) of the table (n, c)."""

    @abstractmethod
    def adjoint(self, image: Image) -> Colours:
        """Aᵀ g: the table (n, c) that sums, for each colour, the pixels (h, w, c) that see it."""

    @property
    @abstractmethod
    def coverage(self) -> Image:
        """The opacity (h, w, 1): the fraction of each pixel that the scene covers, in [0, 1]."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Memory of the operator, in bytes."""

    def arrays(self) -> Stored | None:
        """The view as arrays from which it can be restored; None if it must be recompiled."""
        return None

    def mask(self, weights: Colours) -> Image:
        """How much of each pixel (h, w, 1) the rows cover, given their weights (n, 1) in [0, 1].

        A w, without light and whatever else changes colours: all weights at 1 give the coverage.
        """
        return self.apply(weights)

    def image(self, colours: Colours) -> Image:
        """A c like `apply`, differentiable in the colours."""
        result: Image = _Apply.apply(colours, self)
        return result

    def render(self, colours: Colours, background: torch.Tensor | float) -> Image:
        """A c + (1 − coverage) · background, differentiable in the colours.

        `background` is a number, an RGB (c,) or an image (h, w, c).
        """
        image = self.image(colours)
        return Image(image + (1 - self.coverage.to(image)) * background)


class _Apply(torch.autograd.Function):
    """`ViewOperator.apply` for autograd: the gradient is the adjoint."""

    @staticmethod
    def forward(ctx, colours, view):  # type: ignore[no-untyped-def]
        ctx.view = view
        return view.apply(colours)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        return ctx.view.adjoint(gradient), None
