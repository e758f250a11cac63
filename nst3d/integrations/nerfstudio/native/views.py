"""Views of a nerfacto with trainable colours: frozen samples, from which rays are rendered repeatedly.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.integrations.nerfstudio.model.colour_net import ColourNet
from nst3d.integrations.nerfstudio.model.frozen import CUTOFF
from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto, NerfSamples
from nst3d.renderers.radiance import NOTHING, Frame
from nst3d.stylize.kept import Kept
from nst3d.tensors import Array, Colours, Image, ImageSize, Mask

_SAMPLES = 1 << 17
"""Number of samples rendered at a time, which bounds the graph to about 300 MB."""

_CELLS = 3
"""Cells of the finest trained level per pixel distance. A value of 1 would leave too little to train, because
depth differences between pixels make that distance seem larger."""


class NerfViews:
    """The renderer of a `FieldCanvas`: a NeRF's colours seen from cameras."""

    def __init__(
        self, nerf: Nerfacto, net: ColourNet, cameras: Sequence[Camera], finest: int, budget_bytes: float
    ) -> None:
        """`cameras` at full size; at scale 1 the long side of the largest has `finest` pixels.

        Samples of views are kept within the memory budget, and drawn again beyond it.
        """
        self.nerf, self.net = nerf, net
        self._full, self._finest = cameras, finest
        self._budget = budget_bytes
        self._scale = 0.0
        self._known: Kept[int, tuple[torch.Tensor | Array, ...]] = Kept(budget_bytes)
        self.cameras = self.scaled(1.0)
        """Cameras at the current scale."""

    @property
    def num_views(self) -> int:
        """Number of cameras."""
        return len(self._full)

    def scaled(self, scale: float) -> list[Camera]:
        """The cameras at a scale."""
        factor = scale * self._finest / max(max(c.size) for c in self._full)
        return [c.scaled(factor) for c in self._full]

    def enter(self, scale: float) -> None:
        """Switch to a scale; samples of the previous one are released."""
        if scale != self._scale:
            self._scale, self.cameras = scale, self.scaled(scale)
            self._known = Kept(self._budget)
            self.net.limit(_CELLS / max(self._spacing(), 1e-6))

    def _spacing(self) -> float:
        """Median distance between pixels on what some views see, as a fraction of the whole space."""
        found = [torch.zeros(0)]
        for view in {0, self.num_views // 2, self.num_views - 1}:
            seen = self.samples(view)
            total = (
                torch.cat([seen.places, torch.ones_like(seen.weights)[:, None]], 1) * seen.weights[:, None]
            )
            sums = total.new_zeros(len(seen.starts) - 1, 4).index_add(0, seen.pixels, total)
            middles = (sums[:, :3] / sums[:, 3:]).view(*seen.size, 3)
            apart = (middles[:, 1:] - middles[:, :-1]).norm(dim=-1)
            found.append(apart[apart.isfinite()].cpu())
        known = torch.cat(found)
        return float(known.median()) if len(known) else 0.0

    def parameters(self) -> list[torch.Tensor]:
        """The net's parameters."""
        return self.net.parameters()

    def size(self, view: int) -> ImageSize:
        """A view's size, pixels."""
        return self.cameras[view].size

    def chunks(self, view: int) -> list[tuple[int, int]]:
        """Ranges of pixels with about as many samples as may be rendered at a time."""
        return _even_ranges(self.samples(view).starts)

    def rays(self, view: int, first: int, end: int) -> Colours:
        """The net's colours (end − first, 3) of pixels, premultiplied."""
        return _painted(self.net, self.samples(view), first, end)

    def coverage(self, view: int) -> Mask:
        """A view's opacity (h, w)."""
        return _opacity(self.samples(view))

    def project_(self) -> None:
        """Do nothing: a sigmoid keeps colours in [0, 1]."""

    @torch.no_grad()
    def own(self, view: int) -> Image:
        """The view (h, w, 3) in the NeRF's own colours, premultiplied."""
        seen = self.samples(view)
        colours = self.nerf.colours(seen.places, seen.directions[seen.pixels])
        blank = colours.new_zeros(len(seen.starts) - 1, 3)
        return Image(blank.index_add(0, seen.pixels, colours * seen.weights[:, None]).view(*seen.size, 3))

    def samples(self, view: int) -> NerfSamples:
        """The samples of a view's rays."""
        size = self.size(view)
        if view not in self._known:
            found = self.nerf.samples(self.cameras[view], CUTOFF)
            self._known[view] = (found.starts, found.places, found.weights, found.directions, found.depth)
        return NerfSamples(size, *self._known[view])  # type: ignore[arg-type]


@torch.no_grad()
def draw(nerf: Nerfacto, net: ColourNet, camera: Camera) -> Frame:
    """A view in a net's colours, with all of nerfstudio's samples."""
    seen = nerf.samples(camera, cutoff=0.0)
    parts = [_painted(net, seen, *chunk) for chunk in _even_ranges(seen.starts)]
    return _frame(torch.cat(parts).view(*seen.size, 3).cpu().numpy(), seen)


class NerfDepths:
    """The depth of a NeRF, for finding views that overlap."""

    num_colours = 0

    def __init__(self, nerf: Nerfacto) -> None:
        self._nerf = nerf

    def draw(self, camera: Camera, colours: Array | None = None) -> Frame:
        """The view's opacity and depth, without colours."""
        seen = self._nerf.samples(camera, CUTOFF)
        return _frame(np.zeros((*seen.size, 3), np.float32), seen)


def _painted(net: ColourNet, seen: NerfSamples, first: int, end: int) -> Colours:
    low, high = int(seen.starts[first]), int(seen.starts[end])
    places, weights = seen.places[low:high], seen.weights[low:high]
    counts = torch.from_numpy(np.diff(seen.starts[first : end + 1])).to(places.device)
    pixels = torch.repeat_interleave(torch.arange(end - first, device=places.device), counts)
    encoded = net.encoded(seen.directions[first:end])[pixels] if net.directional else None
    colours = net.colours(places, net.geometry(places), encoded)
    return colours.new_zeros(end - first, 3).index_add(0, pixels, colours * weights[:, None])


def _frame(colour: Array, seen: NerfSamples) -> Frame:
    opacity = _opacity(seen).cpu().numpy()
    depth = np.where(opacity > NOTHING, seen.depth, np.inf).astype(np.float32)
    return Frame(colour, opacity, depth)


def _opacity(seen: NerfSamples) -> Mask:
    blank = seen.weights.new_zeros(len(seen.starts) - 1)
    return blank.index_add(0, seen.pixels, seen.weights).clamp(0, 1).view(*seen.size)


def _even_ranges(starts: Array) -> list[tuple[int, int]]:
    """Ranges of pixels with at most as many samples as are rendered at a time, or one pixel."""
    ranges, first, last = [], 0, len(starts) - 1
    while first < last:
        end = int(np.searchsorted(starts, starts[first] + _SAMPLES, side="right")) - 1
        end = min(max(end, first + 1), last)
        ranges.append((first, end))
        first = end
    return ranges
