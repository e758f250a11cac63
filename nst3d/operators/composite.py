"""Operators composed of another operator and a map on its image."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch

from nst3d.operators.base import Stored, ViewOperator
from nst3d.tensors import Array, Colours, Image, ImageSize


class Shaded(ViewOperator):
    """A view times a fixed factor per pixel, diag(s) A: shading that keeps the render linear in colours."""

    def __init__(self, view: ViewOperator, shading: Image) -> None:
        """`shading` is (h, w, 1), non-negative factors."""
        self.size, self.num_colours = view.size, view.num_colours
        self._view, self._shading = view, shading

    @property
    def view(self) -> ViewOperator:
        """The view without the factors."""
        return self._view

    @property
    def shading(self) -> Image:
        """The factors (h, w, 1)."""
        return self._shading

    @property
    def coverage(self) -> Image:
        """The opacity of the view, which shading does not change."""
        return self._view.coverage

    @property
    def nbytes(self) -> int:
        """Memory of the view and the factors, in bytes."""
        return self._view.nbytes + self._shading.nbytes

    def arrays(self) -> Stored | None:
        """The view's arrays and the factors."""
        return _beside(self._view, "shading", self._shading, Shaded)

    def apply(self, colours: Colours) -> Image:
        """s · (A c)."""
        return Image(self._view.apply(colours) * self._shading.to(colours))

    def adjoint(self, image: Image) -> Colours:
        """Aᵀ (s · g)."""
        return self._view.adjoint(Image(image * self._shading.to(image)))

    def mask(self, weights: Colours) -> Image:
        """A w: light does not change how much is covered."""
        return self._view.mask(weights)


class Offset(ViewOperator):
    """A view plus a constant image, such as preserved highlights: A c + o.

    The linear map, its adjoint and the coverage are those of the view; only `render` adds the constant.
    """

    def __init__(self, view: ViewOperator, constant: Image) -> None:
        """`constant` is (h, w, c), premultiplied; it has no gradient."""
        self.size, self.num_colours = view.size, view.num_colours
        self._view, self._constant = view, constant

    @property
    def view(self) -> ViewOperator:
        """The view without the constant."""
        return self._view

    @property
    def constant(self) -> Image:
        """The constant (h, w, c)."""
        return self._constant

    @property
    def coverage(self) -> Image:
        """The opacity of the view."""
        return self._view.coverage

    @property
    def nbytes(self) -> int:
        """Memory of the view and the constant, in bytes."""
        return self._view.nbytes + self._constant.nbytes

    def arrays(self) -> Stored | None:
        """The view's arrays and the constant."""
        return _beside(self._view, "constant", self._constant, Offset)

    def apply(self, colours: Colours) -> Image:
        """A c, without the constant."""
        return self._view.apply(colours)

    def adjoint(self, image: Image) -> Colours:
        """Aᵀ g."""
        return self._view.adjoint(image)

    def mask(self, weights: Colours) -> Image:
        """A w."""
        return self._view.mask(weights)

    def render(self, colours: Colours, background: torch.Tensor | float) -> Image:
        """A c + (1 − coverage) · background + constant, differentiable in the colours."""
        return Image(self._view.render(colours, background) + self._constant.to(colours))


def _beside(
    view: ViewOperator, name: str, image: Image, remake: Callable[[ViewOperator, Image], ViewOperator]
) -> Stored | None:
    """The stored form of `view` plus an image."""
    inner = view.arrays()
    if inner is None:
        return None
    own = f"{name}_{len(inner.arrays)}"  # a wrapper of the same kind may be inside
    form = None if inner.form is None else f"{name}.{inner.form}"
    return Stored({**inner.arrays, own: image.numpy()}, partial(_remade, inner.restore, own, remake), form)


def _remade(
    restore: Callable[[Mapping[str, Array]], ViewOperator],
    name: str,
    remake: Callable[[ViewOperator, Image], ViewOperator],
    arrays: Mapping[str, Array],
) -> ViewOperator:
    return remake(restore(arrays), Image(torch.from_numpy(arrays[name])))


class Cropped(ViewOperator):
    """The crop of a view that starts at (top, left)."""

    def __init__(self, view: ViewOperator, top: int, left: int, size: ImageSize) -> None:
        self.size, self.num_colours = size, view.num_colours
        self._view, self._top, self._left = view, top, left

    def _crop(self, image: Image) -> Image:
        return Image(
            image[self._top : self._top + self.size.height, self._left : self._left + self.size.width]
        )

    @property
    def coverage(self) -> Image:
        """The opacity inside the crop."""
        return self._crop(self._view.coverage)

    @property
    def nbytes(self) -> int:
        """Memory of the whole view, in bytes."""
        return self._view.nbytes

    def apply(self, colours: Colours) -> Image:
        """The crop of A c."""
        return self._crop(self._view.apply(colours))

    def mask(self, weights: Colours) -> Image:
        """The rectangle of A w."""
        return self._crop(self._view.mask(weights))

    def adjoint(self, image: Image) -> Colours:
        """Aᵀ of the crop padded with zeros."""
        canvas = Image(image.new_zeros(*self._view.size, image.shape[-1]))
        self._crop(canvas).copy_(image)
        return self._view.adjoint(canvas)


class Resampled(ViewOperator):
    """A view averaged over blocks of `factor` × `factor` pixels; the remainder right and below is cropped."""

    def __init__(self, view: ViewOperator, factor: int) -> None:
        self.size = ImageSize(view.size.height // factor, view.size.width // factor)
        self.num_colours = view.num_colours
        self._view, self._factor = view, factor
        self._coverage = self._reduce(view.coverage)

    def _reduce(self, image: Image) -> Image:
        height, width, k = *self.size, self._factor
        return Image(image[: height * k, : width * k].reshape(height, k, width, k, -1).mean((1, 3)))

    @property
    def coverage(self) -> Image:
        """The mean opacity of each block."""
        return self._coverage

    @property
    def nbytes(self) -> int:
        """Memory of the view and the coverage, in bytes."""
        return self._view.nbytes + self._coverage.nbytes

    def apply(self, colours: Colours) -> Image:
        """The block means of A c."""
        return self._reduce(self._view.apply(colours))

    def mask(self, weights: Colours) -> Image:
        """The blocks' means of A w."""
        return self._reduce(self._view.mask(weights))

    def adjoint(self, image: Image) -> Colours:
        """Aᵀ of the image spread evenly over the blocks."""
        k = self._factor
        canvas = image.new_zeros(*self._view.size, image.shape[-1])
        spread = (image / (k * k)).repeat_interleave(k, 0).repeat_interleave(k, 1)
        canvas[: self.size.height * k, : self.size.width * k] = spread
        return self._view.adjoint(Image(torch.as_tensor(canvas)))
