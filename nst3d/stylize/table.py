"""The colour table as parameters: a fixed base plus learnt steps.

colours = base + Σ_l upsample_l(s_l · q_l): every level's steps q_l start at zero and are scaled by s_l,
how well the level's texels are seen. With an optimiser that normalises gradients (Adam, RMSProp) the
factor scales the step itself, so a texel seen by few pixels moves little on its own and follows the
coarser levels, which pool what its neighbours see.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F

from nst3d.operators.base import ViewOperator
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Colours, Image, Planes, to_image, to_planes

_LEAST = 0.1
"""Row sums of steps below this fraction of the largest count as that: what is hardly seen takes small corrections of
its own and follows its neighbours'. Vertices denser than pixels could otherwise fit noise, as speckle."""


class Table(ABC):
    """Learnable colours of a canvas at one scale."""

    layout: Layout
    base: Colours
    """(n, 3)."""
    steps: list[torch.Tensor]
    """The parameters, level by level."""

    @abstractmethod
    def decoded(self, steps: Sequence[torch.Tensor]) -> Colours:
        """What steps change (n, 3), differentiable: a linear map but for a field's."""

    def colours(self) -> Colours:
        """The current table (n, 3), differentiable in the steps."""
        return self.base + self.decoded(self.steps)

    def pure(self) -> Colours:
        """The painted colours (n, 3), which those around a region are not blended with."""
        return self.colours()

    def spreading(self, rowsums: Colours) -> Callable[[Colours], Colours]:
        """The preconditioner D S⁻¹ Dᵀ for `bake`, with D the map that decodes steps and S its transpose of `rowsums`.

        It adds up corrections of all levels, as that of Bramble, Pasciak & Xu 1990 does: coarse errors vanish in a few
        iterations, long before texels begin to fit what single pixels disagree on.
        """
        gathered = self._gathered(rowsums.expand_as(self.base))
        scales = [torch.where(g > 0, 1 / g.clamp_min(_LEAST * g.max()), 0) for g in gathered]

        def spread(table: Colours) -> Colours:
            return self._spread([s * g for s, g in zip(scales, self._gathered(table))]).detach()

        return spread

    def _spread(self, steps: Sequence[torch.Tensor]) -> Colours:
        """The map (n, 3) of which `_gathered` is the transpose: what a fit to pictures may change."""
        return self.decoded(steps)

    def _gathered(self, table: Colours) -> Sequence[torch.Tensor]:
        """The transpose of `_spread`: what each step gets of a table (n, 3)."""
        with torch.enable_grad():
            return torch.autograd.grad(self.decoded(self.steps), self.steps, table.contiguous())

    def clamp_(self, colours: Colours) -> Colours:
        """Clamp the table to [0, 1], given its current detached colours; returns the new ones."""
        valid = colours.clamp(0, 1)
        self.base += valid - colours
        return valid

    def move_(self, change: Colours) -> None:
        """Add a change (n, 3) to the colours; the steps keep their values."""
        self.base += change

    def tensors(self) -> list[torch.Tensor]:
        """All tensors that steps and clamping change."""
        return [self.base, *self.steps]


class PlainTable(Table):
    """A table whose rows are the parameters themselves, without decoding."""

    def __init__(self, base: Colours, layout: Layout) -> None:
        """`base` (n, 3) are the initial colours."""
        self.layout = layout
        self.base = base.clone(memory_format=torch.contiguous_format).requires_grad_()
        self.steps = [self.base]

    def colours(self) -> Colours:
        """The parameters, (n, 3)."""
        return self.base

    def decoded(self, steps: Sequence[torch.Tensor]) -> Colours:
        """The steps themselves."""
        return steps[0] * 1.0

    def clamp_(self, colours: Colours) -> Colours:
        """Clamp the parameters, which share memory with `colours`, to [0, 1]."""
        return colours.clamp_(0, 1)

    @torch.no_grad()
    def move_(self, change: Colours) -> None:
        """Add a change (n, 3) to the parameters."""
        self.base += change

    def tensors(self) -> list[torch.Tensor]:
        """The parameters."""
        return [self.base]


class ColourTable(Table):
    """A table of `layout.num_colours` rows with `levels` pyramid levels (1: no pyramid)."""

    def __init__(self, base: Colours, layout: Layout, levels: int = 1, scale: Colours | None = None) -> None:
        """`base` (n, 3) are the initial colours; `scale` (n, 1) in [0, 1] the step scales."""
        self.layout = layout
        self.base = base.clone()
        self._layouts = _pyramid(layout, levels)
        ones = base.new_ones(layout.num_colours, 1)
        finest = ones if scale is None else scale
        # Levels that agree move a colour together: divided, a step is as large as without a pyramid.
        self._scales = [resampled(finest, layout, level) / len(self._layouts) for level in self._layouts]
        self.steps = [
            base.new_zeros(level.num_colours, base.shape[1]).requires_grad_() for level in self._layouts
        ]

    def decoded(self, steps: Sequence[torch.Tensor]) -> Colours:
        """The sum of all levels, each upsampled."""
        total: Colours | None = None
        for layout, scale, step, finer in reversed(
            list(zip(self._layouts, self._scales, steps, [None, *self._layouts]))
        ):
            level = step * scale
            total = level if total is None else total + level
            if finer is not None:
                total = _doubled(total, layout, finer)
        assert total is not None
        return total


class RegionTable(Table):
    """A table that changes only in a region: colours = start + w · (inner − start), w its weights."""

    def __init__(self, inner: Table, start: Colours, weights: Colours) -> None:
        """`start` (n, 3) are the colours kept outside, `weights` (n, 1) in [0, 1] the region."""
        self.layout, self.base, self.steps = inner.layout, inner.base, inner.steps
        self._inner, self._start, self._weights = inner, start, weights
        self._decoded = inner.base.detach()  # the inner colours behind those last given

    @staticmethod
    def uncovered(colours: Colours, start: Colours, weights: Colours) -> Colours:
        """The inner colours (n, 3) that show as `colours` where the region has weight; `start` elsewhere."""
        share = torch.where(weights > 0, (colours - start) / weights.clamp_min(1e-6), 0)
        return start + share

    def colours(self) -> Colours:
        """The current table (n, 3), differentiable in the steps."""
        inner = self._inner.colours()
        self._decoded = inner.detach()
        return torch.lerp(self._start, inner, self._weights)

    def pure(self) -> Colours:
        """The inner table."""
        return self._inner.colours()

    def decoded(self, steps: Sequence[torch.Tensor]) -> Colours:
        """What the inner table's steps change, within the region."""
        return self._weights * self._inner.decoded(steps)

    def _spread(self, steps: Sequence[torch.Tensor]) -> Colours:
        return self._weights * self._inner._spread(steps)

    def _gathered(self, table: Colours) -> Sequence[torch.Tensor]:
        return self._inner._gathered(self._weights * table)

    def clamp_(self, colours: Colours) -> Colours:
        """Clamp the inner table to [0, 1], as `colours` last gave it; returns the new colours."""
        self._decoded = self._inner.clamp_(self._decoded)
        return torch.lerp(self._start, self._decoded, self._weights)

    def move_(self, change: Colours) -> None:
        """Add a change (n, 3) to the visible colours, within the region."""
        self._inner.move_(torch.where(self._weights > 0, change / self._weights.clamp_min(1e-6), 0))

    def tensors(self) -> list[torch.Tensor]:
        """The inner table's tensors."""
        return self._inner.tensors()


class BasisTable(Table):
    """A table of loose rows: colours = base + Σ_l B_l (s_l · q_l), with linear maps B_l from coarse nodes to rows.

    If rows are denser than pixels (a dense scan's vertices), each view sees only some of them; the
    bumps of a basis move neighbours together, like the coarse levels of a texture.
    """

    def __init__(
        self,
        base: Colours,
        layout: Layout,
        bases: Sequence[ViewOperator],
        own: bool,
        scale: Colours | None = None,
    ) -> None:
        """`own` says whether rows have steps of their own, too; `scale` (n, 1) in [0, 1] are step scales."""
        self.layout = layout
        self.base = base.clone()
        self._maps: list[ViewOperator | None] = [None] * own + list(bases)
        ones = base.new_ones(layout.num_colours, 1)
        rows = ones if scale is None else scale
        self._scales = [
            (rows if b is None else _gathered(b, rows) / _gathered(b, ones).clamp_min(1e-8)) / len(self._maps)
            for b in self._maps
        ]
        self.steps = [base.new_zeros(len(s), base.shape[1]).requires_grad_() for s in self._scales]

    def decoded(self, steps: Sequence[torch.Tensor]) -> Colours:
        """The sum of all maps."""
        levels = [step * scale for step, scale in zip(steps, self._scales)]
        return sum(
            (v if basis is None else basis.image(v)[:, 0] for basis, v in zip(self._maps, levels)),
            torch.zeros_like(self.base),
        )


def table_of(base: Colours, stage: TableStage, levels: int, scale: Colours | None) -> Table:
    """The table of a stage with up to `levels` levels, from its initial colours (n, 3) and step scales (n, 1)."""
    if levels > 1 and stage.bases:
        return BasisTable(base, stage.layout, stage.bases[: levels - 1], stage.own_rows, scale)
    if scale is None and (levels == 1 or not stage.layout.images):
        return PlainTable(base, stage.layout)
    return ColourTable(base, stage.layout, levels, scale)


def _gathered(basis: ViewOperator, rows: Colours) -> Colours:
    """Bᵀ rows, (nodes, c)."""
    return basis.adjoint(Image(rows[:, None]))


def _pyramid(layout: Layout, levels: int) -> list[Layout]:
    """Layouts from fine to coarse; a level's images are half as large, and at least 4 pixels per side."""
    layouts = [layout]
    while layout.images and len(layouts) < levels:
        if min(min(s) for s in layouts[-1].images) < 8:
            break
        layouts.append(layouts[-1].scaled(0.5))
    return layouts


def _doubled(colours: Colours, coarse: Layout, fine: Layout) -> Colours:
    blocks = []
    for image, size in zip(coarse.split(colours), fine.images):
        up = F.interpolate(to_planes(image)[None], tuple(size), mode="bilinear", align_corners=False)
        blocks.append(to_image(Planes(up[0])).reshape(-1, colours.shape[1]))
    return torch.cat(blocks)
