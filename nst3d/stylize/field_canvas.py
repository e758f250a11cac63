"""A canvas for any differentiable ray renderer, with bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch

from nst3d.bounds import Within
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.optimisers import make_optimiser
from nst3d.stylize.stage_scene import StageScene
from nst3d.tensors import Colours, ImageSize, Mask, Planes

_LEARN = (80, 0.05, 0.01)
"""Number of steps for learning pictures, and their initial and final step size."""


class RayField(Protocol):
    """Views whose rays are rendered differentiably, such as by a NeRF; supplied by the caller.

    Everything but the parameters, above all density, stays fixed during painting.
    """

    def parameters(self) -> list[torch.Tensor]:
        """The leaf tensors to optimise, always the same ones."""

    def size(self, view: int) -> ImageSize:
        """A view's size, in pixels."""

    def chunks(self, view: int) -> Sequence[tuple[int, int]]:
        """Ranges of pixels (first, last + 1), contiguous and in order, that are rendered at a time."""

    def rays(self, view: int, first: int, end: int) -> Colours:
        """The premultiplied colours (end − first, 3) of pixels, row by row, differentiable in the parameters."""

    def coverage(self, view: int) -> Mask:
        """A view's opacity (h, w)."""

    def project_(self) -> None:
        """Keep the parameters valid after a step."""


class FieldCanvas(Canvas):
    """Optimises the parameters of a differentiable renderer by losses on whole views.

    A view is rendered in chunks without a graph; once the gradient of its image is known, each chunk is
    rendered again with a graph, which back-propagates its part of that gradient and is freed: deferred
    back-propagation (Zhang et al. 2022, ARF, section 4.2). Gradients equal those of one graph over the whole
    view, up to rounding; memory is that of the image and one chunk.
    """

    def __init__(self, field: RayField, stage_of: Callable[[float], StageScene]) -> None:
        """`stage_of` prepares the field for rendering at a scale, once per stage, and returns its views."""
        self._field, self._stage_of = field, stage_of
        self._stage: StageScene | None = None

    @property
    def stage(self) -> StageScene:
        """The views of the current scale."""
        if self._stage is None:
            raise RuntimeError("the canvas has not entered a scale yet")
        return self._stage

    def enter(self, scale: float) -> None:
        """Prepare a scale; the parameters stay unchanged. ConfigError for a scale that is not above 0."""
        Within(0, above=True).check("scale", scale)
        self._stage = self._stage_of(scale)

    def parameters(self) -> list[torch.Tensor]:
        """The renderer's parameters."""
        return self._field.parameters()

    def render(self, view: int, background: torch.Tensor) -> Planes:
        """The view (3, h, w) over a background colour (3,)."""
        pixels: Colours = _Deferred.apply(self._field, view, *self.parameters())
        size = self._field.size(view)
        clear = 1 - self.coverage(view).to(pixels)
        return Planes(pixels.T.reshape(3, *size) + clear * background.to(pixels)[:, None, None])

    def coverage(self, view: int) -> Mask:
        """The view's opacity (h, w)."""
        return self._field.coverage(view)

    def learn(self, pictures: Sequence[Planes], background: torch.Tensor) -> dict[str, float]:
        """Fit the pictures by gradient descent: rounds over all views, on the mean squared error of each."""
        steps, rate, final = _LEARN
        optimiser = make_optimiser("adam", self.parameters(), rate)
        order = torch.Generator().manual_seed(0)
        queue: list[int] = []
        total = seen = 0.0
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = rate * (final / rate) ** (step / (steps - 1))
            queue = queue or torch.randperm(self.num_views, generator=order).tolist()
            view = queue.pop()
            optimiser.zero_grad()
            image = self.render(view, background)
            error = (image - pictures[view].to(image)).square().mean(0)
            error.mean().backward()
            optimiser.step()
            self.project_()
            coverage = self.coverage(view).to(error)
            total += float((error.detach() * coverage).sum())
            seen += float(coverage.sum())
        return {"fit": total / max(seen, 1e-9)}

    def collect_(self) -> None:
        """Do nothing: backward passes reach the parameters directly."""

    def project_(self) -> None:
        """Delegate to the renderer."""
        self._field.project_()

    def state(self) -> list[torch.Tensor]:
        """Copies of the parameters."""
        return [p.detach().clone() for p in self.parameters()]

    def restore(self, state: list[torch.Tensor]) -> None:
        """Restore the parameters. ValueError if they belong to another field."""
        own = self.parameters()
        if [p.shape for p in own] != [p.shape for p in state]:
            raise ValueError("the stored paint belongs to another field")
        with torch.no_grad():
            for parameter, stored in zip(own, state):
                parameter.copy_(stored)


class _Deferred(torch.autograd.Function):
    """All pixels of a view (h·w, 3), without a graph; the backward pass renders them again with one."""

    @staticmethod
    def forward(ctx: Any, field: RayField, view: int, *parameters: torch.Tensor) -> Colours:
        ctx.field, ctx.view, ctx.parameters = field, view, parameters
        return torch.cat([field.rays(view, *chunk) for chunk in field.chunks(view)])

    @staticmethod
    def backward(ctx: Any, gradient: Colours) -> tuple[torch.Tensor | None, ...]:
        sums: list[torch.Tensor | None] = [None] * len(ctx.parameters)
        for first, end in ctx.field.chunks(ctx.view):
            with torch.enable_grad():
                pixels = ctx.field.rays(ctx.view, first, end)
            if not pixels.requires_grad:  # nothing in this chunk depends on the parameters
                continue
            parts = torch.autograd.grad(pixels, ctx.parameters, gradient[first:end], allow_unused=True)
            for k, part in enumerate(parts):
                total = sums[k]
                if part is not None:
                    sums[k] = part if total is None else total.add_(part)
        return (None, None, *sums)
