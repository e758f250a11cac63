"""A canvas of a colour table painted through linear views."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.losses.total_variation import texture_variation
from nst3d.operators.base import ViewOperator
from nst3d.operators.solve import SolveOptions, bake
from nst3d.stylize.canvas import Canvas, TableOptions
from nst3d.stylize.held import Held
from nst3d.stylize.kept import Kept
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.look import Look
from nst3d.stylize.regions import Regions
from nst3d.stylize.stage_scene import TableStage
from nst3d.stylize.style_field import StyleField
from nst3d.stylize.table import RegionTable, Table, table_of
from nst3d.stylize.teachers.reference import Reference
from nst3d.tensors import Colours, Image, Mask, Planes, to_image, to_planes

_USUAL = 0.3
"""Sight above which rows take full steps, as a fraction of the sight-weighted mean sight."""
_MASK_BYTES = 1 << 28
"""Memory budget for the masks of regions; those beyond it are computed again."""
_BAKE = SolveOptions(iterations=5)
"""Solver settings for learning pictures: after more iterations texels fit what only single pixels show, as speckle."""


class LinearCanvas(Canvas):
    """A colour table seen through linear view operators."""

    def __init__(
        self,
        start: Colours,
        layout: Layout,
        stage_of: Callable[[float], TableStage],
        options: TableOptions | None = None,
        regions: Regions | None = None,
    ) -> None:
        """`start` (n, 3) in `layout`: the finest initial colours. `stage_of` makes a scale's views, once per stage."""
        self._start, self._finest = start, layout
        self._stage_of, self._options = stage_of, options or TableOptions()
        self._regions = regions or Regions()
        self._table: Table | None = None
        self._field: StyleField | None = None  # outlives the scales
        self._carried: tuple[Colours, Layout] | None = None  # what the paint of the last scale changed
        self._before: Colours = start  # the start at this scale
        self._decoded: Colours | None = None
        self._leaf: Colours = start
        self._seen: Colours | None = None
        self._columns: dict[str, Colours] = {}
        self._masks: Kept[int, dict[str, Mask]] = Kept(_MASK_BYTES)
        self._stage: TableStage | None = None

    @property
    def stage(self) -> TableStage:
        """The views of the current scale."""
        if self._stage is None:
            raise RuntimeError("the canvas has not entered a scale yet")
        return self._stage

    @property
    def layout(self) -> Layout:
        """The layout of `colours`."""
        return self._finest if self._table is None else self._table.layout

    @property
    def table(self) -> Table:
        """The table of the current stage."""
        if self._table is None:
            raise RuntimeError("the canvas has not entered a scale yet")
        return self._table

    def enter(self, scale: float) -> None:
        """Compile the views of a scale and carry the paint over.

        The change made by painting is resampled; detail of the start that the last scale could
        not represent returns at the next. ConfigError for a scale that is not above 0.
        """
        Within(0, above=True).check("scale", scale)
        if self._table is not None:
            # Free the last scale before compiling the next: both at once would set the memory peak.
            self._carried = (self.table.colours().detach() - self._before, self.table.layout)
            self._table, self._decoded, self._seen, self._stage, self.held = None, None, None, None, None
        self._stage = self._stage_of(scale)
        layout = self._stage.layout
        start = base = self._before = resampled(self._start, self._finest, layout)
        if self._carried is not None:
            change, source = self._carried
            base = base + resampled(change, source, layout)
        self._columns = {
            name: resampled(column, self._finest, layout).to(self._start)
            for name, column in self._regions.columns.items()
        }
        self._masks = Kept(_MASK_BYTES)
        painted_in = self._regions.painted
        if painted_in is not None and not bool((self.colour_coverage() * self._columns[painted_in]).any()):
            raise ConfigError(f"region {painted_in}: no view sees any of it")
        if painted_in is None:
            self._table = self._new_table(base)
        else:
            column = self._columns[painted_in]
            self._table = RegionTable(
                self._new_table(RegionTable.uncovered(base, start, column)), start, column
            )
        self._decoded = None

    def _new_table(self, base: Colours) -> Table:
        if self._options.field:
            self._field = self._field or StyleField(self._options.field, base.dtype, base.device)
            return self._field.table(base, self.stage)
        return table_of(base, self.stage, self._options.pyramid_levels, self._step_scale())

    def _step_scale(self) -> Colours | None:
        if self._options.coverage_power <= 0:
            return None
        if self.stage.sight is not None:
            # Most rows of a field are haze: use the typical sight of rows that matter.
            seen = self.stage.sight.to(self._start)
            reference = _USUAL * seen.square().sum() / seen.sum().clamp_min(torch.finfo(seen.dtype).tiny)
        else:
            seen = self.colour_coverage()
            reference = seen[seen > 0].median() if (seen > 0).any() else seen.new_tensor(1.0)
        return (seen / reference).clamp(0, 1) ** self._options.coverage_power

    def colour_coverage(self) -> Colours:
        """Σ Aᵀ 1 over the views, (n, 1): the number of pixels that see each colour."""
        if self._seen is None:
            total = torch.zeros(self.stage.layout.num_colours, 1, dtype=self._start.dtype)
            for view in self.stage.views:
                total += view.adjoint(Image(torch.ones(*view.size, 1, dtype=total.dtype)))
            self._seen = total.to(self._start.device)
        return self._seen

    def parameters(self) -> list[torch.Tensor]:
        """The table's steps, level by level."""
        return self.table.steps

    def render(self, view: int, background: torch.Tensor) -> Planes:
        """The view (3, h, w) over a background colour (3,)."""
        blind = torch.is_grad_enabled() and not self._leaf.requires_grad  # decoded under no_grad
        if self._decoded is None or blind:
            self._decode(clamp=False)
        return to_planes(self.stage.views[view].render(self._leaf, background))

    def masks(self, view: int) -> Mapping[str, Mask]:
        """Region name to A · w: its exact mask in a view, including occlusion."""
        if view not in self._masks:
            seen = self.stage.views[view]
            self._masks[view] = {name: seen.mask(column)[..., 0] for name, column in self._columns.items()}
        return self._masks[view]

    def penalties(self) -> dict[str, torch.Tensor]:
        """The textures' total variation, weighted; empty without textures or weight."""
        images = self.stage.layout.images
        if not images or self._options.texture_variation == 0 or self._decoded is None:
            return {}
        textures = self.stage.layout.split(self._leaf)
        share = [s.height * s.width / self.stage.layout.num_colours for s in images]
        terms = [texture_variation(t) * w for t, w in zip(textures, share)]
        return {"texture": self._options.texture_variation * torch.stack(terms).sum()}

    @torch.no_grad()
    def learn(self, pictures: Sequence[Planes], background: torch.Tensor) -> dict[str, float]:
        """Bake the pictures into the table by least squares over all views, exact where they agree."""
        before, views = self.table.colours().detach(), self.stage.views
        ground = background.to(before)
        images = [Image(to_image(picture).to(before)) for picture in pictures]
        if self.painted is not None:  # around the region is what was there before
            images = [
                Image(i + v.render(before, ground) - self._part(v, ground, self.painted))
                for i, v in zip(images, views)
            ]
        baked = bake(views, images, before, _BAKE, background=ground, precondition=self.table.spreading)
        self.table.move_(baked - before)
        self._decoded = None
        self.project_()
        after, error, seen = self.table.colours().detach(), 0.0, 0.0
        for view, image in zip(views, images):
            share = self._opacity(view, self.painted).to(after)
            error += float(
                ((view.render(after, ground) - image).square().mean(2, keepdim=True) * share).sum()
            )
            seen += float(share.sum())
        return {"fit": error / max(seen, 1e-9)}

    @property
    def painted(self) -> str | None:
        """The only region whose colours change; None: all of them do."""
        return self._regions.painted

    def heed(self, references: Sequence[Reference]) -> None:
        """Compile the views of references."""
        self.held = Held(self.stage.through, references, self._before)

    @torch.no_grad()
    def hold(self) -> dict[str, float]:
        """Bake the pixels of references, where they show the scene, exactly as far as the table allows."""
        assert self.held is not None
        self.table.move_(self.held.change(self.table.colours().detach()))
        self._decoded = None
        self.project_()
        return {"reference": self.held.squared(self.table.colours().detach())}

    @torch.no_grad()
    def part(self, look: Look, background: torch.Tensor, region: str | None = None) -> Look:
        """The look, or a region's own colours, which those around it do not blend with at its edge."""
        region = region or self.painted
        if region is None:
            return look
        view = self.stage.views[look.view]
        image = to_planes(self._part(view, background.to(look.image), region))
        return replace(look, image=image, coverage=self._opacity(view, region)[..., 0])

    def _part(self, view: ViewOperator, background: torch.Tensor, region: str) -> Image:
        image = view.apply(self._columns[region] * self.table.pure().detach())
        return Image(image + (1 - self._opacity(view, region).to(image)) * background)

    def _opacity(self, view: ViewOperator, region: str | None) -> Image:
        """The share (h, w, 1) of each pixel that a region covers; None: the scene."""
        return view.coverage if region is None else view.mask(self._columns[region])

    def _decode(self, clamp: bool) -> None:
        """Decode the table once for all renders of a step; their gradients accumulate in one leaf."""
        self._decoded = self.table.colours()
        values = self._decoded.detach()
        if clamp:
            values = self.table.clamp_(values)
        self._leaf = self._decoded if self._decoded.is_leaf else values.requires_grad_()

    def collect_(self) -> None:
        """Move the gradient of the colours to the table's steps: the adjoint of decoding."""
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
        """Clamp the colours to [0, 1], if enabled."""
        if self._options.clamp:
            self._decode(clamp=True)

    def colours(self) -> Colours:
        """The table of the current scale (n, 3), detached, as the next renders show it; before any, the start."""
        if self._table is None:
            return self._start
        return self.table.colours().detach() if self._decoded is None else self._leaf.detach()

    def state(self) -> list[torch.Tensor]:
        """Copies of the table's tensors, and the rows whose rendered colours are not to the bit what these decode to.

        After clamping, the next renders show the clamped colours themselves.
        """
        fresh = self.table.colours().detach()
        shown = self.colours()
        rows = (shown != fresh).any(1).nonzero()[:, 0]
        return [*(t.detach().clone() for t in self.table.tensors()), rows, shown[rows]]

    def restore(self, state: list[torch.Tensor]) -> None:
        """Restore the table's tensors. ValueError if they belong to another table."""
        own, stored = self.table.tensors(), state[:-2]
        if [t.shape for t in own] != [t.shape for t in stored]:
            raise ValueError("the stored paint has another layout")
        with torch.no_grad():
            for tensor, kept in zip(own, stored):
                tensor.copy_(kept)
        self._decoded = None
        rows, shown = (t.to(own[0].device) for t in state[-2:])
        if len(rows):
            self._decode(clamp=False)
            with torch.no_grad():
                self._leaf[rows] = shown

    def finest_colours(self) -> Colours:
        """The painted table in the finest layout, (n, 3), detached, in [0, 1]."""
        if self._table is not None:
            change, layout = self._table.colours().detach() - self._before, self._table.layout
        elif self._carried is not None:
            change, layout = self._carried
        else:
            return self._start
        change = resampled(change, layout, self._finest)
        if self._regions.painted is not None:  # a coarse texel may extend beyond the region
            change = change * (self._regions.columns[self._regions.painted] > 0).to(change)
        return (self._start + change).clamp(0, 1)
