"""What the optimiser paints on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch

from nst3d.bounds import Within
from nst3d.losses.total_variation import texture_variation
from nst3d.operators.base import ViewOperator
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.table import BasisTable, ColourTable, PlainTable, Table
from nst3d.tensors import Colours, Mask, Planes

_USUAL = 0.3
"""Rows seen at least so well, as a share of the mean sight weighted by sight, take whole steps."""


class Canvas(ABC):
    """Something that renders from several views and has colours to learn."""

    @abstractmethod
    def enter(self, scale: float) -> None:
        """Get ready to render at `scale` times the finest size; paint so far is carried over."""

    @property
    @abstractmethod
    def num_views(self) -> int:
        """How many views there are."""

    @abstractmethod
    def parameters(self) -> list[torch.Tensor]:
        """The tensors to optimise, valid until the next `enter`."""

    @abstractmethod
    def render(self, view: int, background: torch.Tensor) -> Planes:
        """The view (3, h, w) over a background colour (3,), differentiable in the parameters."""

    @abstractmethod
    def coverage(self, view: int) -> Mask:
        """The view's opacity (h, w)."""

    def penalty(self) -> torch.Tensor | None:
        """A loss on the paint itself, whatever the view; None where there is none."""
        return None

    @abstractmethod
    def collect_(self) -> None:
        """Bring the gradients that backward passes through renders left into the parameters' `grad`."""

    @abstractmethod
    def project_(self) -> None:
        """Keep the parameters valid after a step."""

    @abstractmethod
    def state(self) -> list[torch.Tensor]:
        """Copies of all tensors of this scale that steps change."""

    @abstractmethod
    def restore(self, state: list[torch.Tensor]) -> None:
        """Take back what `state` gave, after entering the same scale."""


@dataclass(frozen=True)
class StageViews:
    """The views of one scale, and the layout of the table that they read."""

    views: Sequence[ViewOperator]
    layout: Layout
    bases: Sequence[ViewOperator] = ()
    """Maps from coarse nodes to rows that lie closer than pixels, fine to coarse; for loose rows."""
    own_rows: bool = True
    """Whether rows are learnt on their own beside the bases."""
    sight: Colours | None = None
    """How well each row is seen (n, 1), to scale its steps by; None: by its coverage."""


@dataclass(frozen=True)
class TableOptions:
    """How a linear canvas learns."""

    pyramid_levels: Annotated[int, Within(1, 16)] = 3
    """Number of levels, each half as large as the last, whose sum a texture is learnt as; 1: texels alone. Vertices
    have a grid a little coarser than pixels for a second level."""
    coverage_power: Annotated[float, Within(0, 4)] = 0.5
    """Power of coverage / median coverage, at most 1, by which steps are scaled; 0: no scaling. On the grid of a
    field, the sum of squared weights takes the place of coverage."""
    texture_variation: Annotated[float, Within(0)] = 0.0
    """Weight of the textures' own total variation, which smooths what views do not see well."""
    clamp: bool = True
    """Keep colours in [0, 1] after each step."""


class LinearCanvas(Canvas):
    """A colour table seen through linear view operators."""

    def __init__(
        self,
        initial: Colours,
        layout: Layout,
        compile_views: Callable[[float], StageViews],
        options: TableOptions | None = None,
    ) -> None:
        """`initial` (n, 3) in `layout` are the colours to start from, at the finest scale.

        `compile_views` makes the views of a scale; it is called once a stage.
        """
        self._initial, self._finest = initial, layout
        self._compile, self._options = compile_views, options or TableOptions()
        self._table: Table | None = None
        self._carried: tuple[Colours, Layout] | None = None  # the paint of the last scale
        self._decoded: Colours | None = None
        self._leaf: Colours = initial
        self._seen: Colours | None = None
        self.stage: StageViews

    @property
    def table(self) -> Table:
        """The table of the current stage."""
        if self._table is None:
            raise RuntimeError("the canvas has not entered a scale yet")
        return self._table

    @property
    def num_views(self) -> int:
        """How many views there are."""
        return len(self.stage.views)

    def enter(self, scale: float) -> None:
        """Compile the views of a scale and carry the paint over.

        What the paint changed is resampled; the detail of the initial colours that the last scale could
        not hold comes back with the next.
        """
        if self._table is not None:
            # Let the last scale go before the next is compiled: both at once would be the peak of memory.
            self._carried = (self.table.colours().detach(), self.table.layout)
            self._table, self._decoded, self._seen = None, None, None
            self.stage = StageViews((), self._carried[1])
        self.stage = self._compile(scale)
        layout = self.stage.layout
        base = resampled(self._initial, self._finest, layout)
        if self._carried is not None:
            painted, source = self._carried
            before = resampled(self._initial, self._finest, source)
            base = base + resampled(painted - before, source, layout)
        self._table = self._new_table(base)
        self._decoded = None

    def _new_table(self, base: Colours) -> Table:
        stage, levels, scale = self.stage, self._options.pyramid_levels, self._step_scale()
        if levels > 1 and stage.bases:
            return BasisTable(base, stage.layout, stage.bases[: levels - 1], stage.own_rows, scale)
        if scale is None and (levels == 1 or not stage.layout.images):
            return PlainTable(base, stage.layout)
        return ColourTable(base, stage.layout, levels, scale)

    def _step_scale(self) -> Colours | None:
        if self._options.coverage_power <= 0:
            return None
        if self.stage.sight is not None:
            # Most rows of a field are haze: what is usual is what a row that matters has.
            seen = self.stage.sight.to(self._initial)
            reference = _USUAL * seen.square().sum() / seen.sum().clamp_min(torch.finfo(seen.dtype).tiny)
        else:
            seen = self.colour_coverage()
            reference = seen[seen > 0].median() if (seen > 0).any() else seen.new_tensor(1.0)
        return (seen / reference).clamp(0, 1) ** self._options.coverage_power

    def colour_coverage(self) -> Colours:
        """Σ Aᵀ 1 over the views, (n, 1): how many pixels see each colour."""
        if self._seen is None:
            total = torch.zeros(self.stage.layout.num_colours, 1, dtype=self._initial.dtype)
            for view in self.stage.views:
                total += view.adjoint(torch.ones(*view.size, 1, dtype=total.dtype))
            self._seen = total.to(self._initial.device)
        return self._seen

    def parameters(self) -> list[torch.Tensor]:
        """The table's steps, level by level."""
        return self.table.steps

    def render(self, view: int, background: torch.Tensor) -> Planes:
        """The view (3, h, w) over a background colour (3,)."""
        if self._decoded is None:
            self._decode(clamp=False)
        return self.stage.views[view].render(self._leaf, background).permute(2, 0, 1)

    def penalty(self) -> torch.Tensor | None:
        """The textures' total variation, weighted; None without textures or weight."""
        images = self.stage.layout.images
        if not images or self._options.texture_variation == 0 or self._decoded is None:
            return None
        textures = self.stage.layout.split(self._leaf)
        share = [s.height * s.width / self.stage.layout.num_colours for s in images]
        terms = [texture_variation(t) * w for t, w in zip(textures, share)]
        return self._options.texture_variation * torch.stack(terms).sum()

    def _decode(self, clamp: bool) -> None:
        """Decode the table once for all renders of a step; their gradients gather in one leaf."""
        self._decoded = self.table.colours()
        values = self._decoded.detach()
        if clamp:
            values = self.table.clamp_(values)
        self._leaf = self._decoded if self._decoded.is_leaf else values.requires_grad_()

    def collect_(self) -> None:
        """Bring the gradient of the colours into the table's steps: the adjoint of the decoding."""
        gradient = self._leaf.grad
        if self._decoded is self._leaf and gradient is not None:
            self._leaf.grad = gradient.contiguous()
        elif self._decoded is not None and gradient is not None:
            self._decoded.backward(gradient)
        self._decoded = None

    def coverage(self, view: int) -> Mask:
        """The view's opacity (h, w)."""
        return self.stage.views[view].coverage[..., 0]

    def project_(self) -> None:
        """Clamp the colours to [0, 1], if the options say so."""
        if self._options.clamp:
            self._decode(clamp=True)

    def state(self) -> list[torch.Tensor]:
        """Copies of the table's tensors."""
        return [t.detach().clone() for t in self.table.tensors()]

    def restore(self, state: list[torch.Tensor]) -> None:
        """Take the table's tensors back. ValueError if they are of another table."""
        own = self.table.tensors()
        if [t.shape for t in own] != [t.shape for t in state]:
            raise ValueError("the stored paint has another layout")
        with torch.no_grad():
            for tensor, stored in zip(own, state):
                tensor.copy_(stored)
        self._decoded = None

    def finest_colours(self) -> Colours:
        """The painted table in the finest layout, (n, 3), detached, in [0, 1]."""
        if self._table is not None:
            painted, old = self._table.colours().detach(), self._table.layout
        elif self._carried is not None:
            painted, old = self._carried
        else:
            return self._initial
        before = resampled(self._initial, self._finest, old)
        return (self._initial + resampled(painted - before, old, self._finest)).clamp(0, 1)
