"""A NeRF with its colours baked into a grid: its own geometry and samples, and renders linear in the grid."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.integrations.nerfstudio.baked.node_grid import NodeGrid, grid_around
from nst3d.integrations.nerfstudio.model.frozen import FrozenView, freeze, seen_at
from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
from nst3d.operators.base import ViewOperator
from nst3d.operators.cache import ViewCache
from nst3d.operators.matrix_free import MatrixFreeView
from nst3d.operators.solve import SolveOptions, bake
from nst3d.renderers.radiance import NOTHING, Frame, RadianceRenderer
from nst3d.tensors import Array, Colours, Image, Share

_NODES = 2_000_000
_FIT = SolveOptions(damping=0.02, iterations=12, tolerance=1e-3)
_ENTRY = 1e-3
"""Weight below which entries of stored matrices are dropped."""
_SHARED = 0.25
"""Approximate fraction of a view's entries that remains after merging those of the same node."""

Count = Callable[[str, int, int], None]
"""Progress callback: (what, number done, total)."""


@dataclass(frozen=True)
class BakeOptions:
    """Size limits of the grid and its views."""

    nodes: int = _NODES
    """Maximum number of nodes."""
    cache_bytes: float = 2.5e9
    """Memory budget, bytes, of compiled views while colours are fitted, and of the samples of all views."""


class NerfGridRenderer(RadianceRenderer):
    """Renders a NeRF's geometry with the colours of grid nodes."""

    def __init__(
        self, nerf: Nerfacto, views: Sequence[FrozenView], grid: NodeGrid, stored_bytes: float = 0
    ) -> None:
        """Wrap a NeRF and a grid around what `views` of it see; these views are not sampled again.

        Views whose matrix takes at most `stored_bytes` are stored as matrices, others as samples.
        """
        self.nerf, self.grid = nerf, grid
        self.num_colours = len(grid)
        self._views, self._stored_bytes = list(views), stored_bytes
        self._own = np.zeros((len(grid), 3), np.float32)

    @property
    def views(self) -> Sequence[FrozenView]:
        """The views sampled beforehand."""
        return self._views

    @property
    def positions(self) -> Array:
        """Node positions (n, 3) in the run's frame, very far away at the end of contracted space."""
        return self.nerf.world(torch.from_numpy(self.grid.places)).numpy()

    def show_as(self, colours: Array) -> None:
        """Set the table (n, 3) of the NeRF's own colours; `specular` is the rest of its render."""
        self._own = colours

    def compile(self, camera: Camera) -> ViewOperator:
        """The view as a linear map from the nodes' colours."""
        view = self._view(self.frozen(camera))
        # Eight corners per sample, most of them shared; two matrices of 8 bytes per entry.
        if _SHARED * 8 * 16 * len(view.samples.cells) > self._stored_bytes:
            return view
        stored = view.stored(_ENTRY)
        return stored if stored.nbytes <= self._stored_bytes else view

    def draw(self, camera: Camera, colours: Array, specular: Share = 0.0) -> Frame:
        """The view with nodes' colours (n, 3), plus `specular` times the NeRF's render beyond its table."""
        frozen = self.frozen(camera)
        view = self._view(frozen)
        image = self._shown(frozen, view, colours, specular)
        opacity = view.coverage[..., 0].numpy()
        depth = np.where(opacity > NOTHING, frozen.depth, np.inf).astype(np.float32)
        return Frame(image.numpy(), opacity, depth)

    def specular(self, camera: Camera, view: ViewOperator, share: Share = 1.0) -> Image:
        """The NeRF's render beyond its table × `share`, (h, w, 3): highlights, and detail too fine for the grid.

        A share per node (n,) is rendered like a colour, and scales the pixels.
        """
        return Image(_in_view(view, share) * self._beyond(self.frozen(camera), view))

    def frozen(self, camera: Camera) -> FrozenView:
        """The samples of a view: known ones gathered into the camera's pixels, or new ones."""
        known = (seen_at(view, camera) for view in self._views)
        return next((view for view in known if view is not None), None) or freeze(self.nerf, camera)

    def shown(self, frozen: FrozenView, colours: Array, specular: Share = 0.0) -> Image:
        """The image that `draw` renders, (h, w, 3) premultiplied, for a view with known samples."""
        return self._shown(frozen, self._view(frozen), colours, specular)

    def _shown(self, frozen: FrozenView, view: ViewOperator, colours: Array, specular: Share) -> Image:
        image = view.apply(torch.from_numpy(np.ascontiguousarray(colours, np.float32)))
        if not np.any(specular):
            return image
        return Image(image + _in_view(view, specular) * self._beyond(frozen, view))

    def _view(self, frozen: FrozenView) -> MatrixFreeView:
        return MatrixFreeView(frozen.camera.size, self.num_colours, self.grid.samples(frozen))

    def _beyond(self, frozen: FrozenView, view: ViewOperator) -> Image:
        return Image(torch.from_numpy(frozen.colour) - view.apply(torch.from_numpy(self._own)))


def _in_view(view: ViewOperator, share: Share) -> float | torch.Tensor:
    """A share of rows as a factor of a view's pixels, (h, w, 1) if it differs between rows."""
    if isinstance(share, float | int):
        return share
    shown = view.apply(torch.from_numpy(np.asarray(share, np.float32))[:, None])
    return shown / view.coverage.clamp_min(NOTHING)


@dataclass(frozen=True)
class Baked:
    """A NeRF baked into a grid."""

    renderer: NerfGridRenderer
    colours: Array
    """(n, 3) float32: colours of the nodes."""
    psnr: float
    """PSNR of the grid's renders to the NeRF's in the views it was baked from, dB."""


def bake_nerf(nerf: Nerfacto, cameras: Sequence[Camera], options: BakeOptions, count: Count) -> Baked:
    """Samples a NeRF along the rays of cameras, and fits the colours of a grid to its renders.

    Starts from the NeRF's colour at each node, seen along the node's mean direction, followed by least
    squares over all views (`solve.bake`).
    """
    views: list[FrozenView] = []
    held = 0
    for number, camera in enumerate(cameras):
        view = freeze(nerf, camera)
        held += view.nbytes
        views.append(view if held <= options.cache_bytes else view.set_aside())
        count("sampling the NeRF", number + 1, len(cameras))
    grid = grid_around(views, options.nodes)
    renderer = NerfGridRenderer(nerf, views, grid, options.cache_bytes / len(cameras))
    with_views = ViewCache(lambda i: renderer.compile(cameras[i]), len(cameras), options.cache_bytes)
    try:
        start = _node_colours(nerf, renderer.grid, cameras, with_views)
        images = [Image(torch.from_numpy(view.colour)) for view in views]
        colours = bake(with_views, images, start, _FIT, progress=lambda d, t: count("fitting the grid", d, t))
        errors = [float(((with_views[i].apply(colours) - images[i]) ** 2).mean()) for i in range(len(views))]
    finally:
        with_views.close()
    renderer.show_as(colours.numpy())
    return Baked(renderer, colours.numpy(), -10 * math.log10(max(sum(errors) / len(errors), 1e-12)))


def _node_colours(
    nerf: Nerfacto, grid: NodeGrid, cameras: Sequence[Camera], views: Sequence[ViewOperator]
) -> Colours:
    """The NeRF's colours (n, 3) at the nodes, seen along the mean direction of the rays that see them."""
    total = torch.zeros(len(grid), 3)
    for number, camera in enumerate(cameras):
        rays = torch.from_numpy(camera.rays()[1].astype(np.float32))
        total += views[number].adjoint(Image(torch.nn.functional.normalize(rays, dim=-1)))
    directions = torch.nn.functional.normalize(total, dim=1).to(nerf.device)
    with torch.no_grad():
        return nerf.colours(torch.from_numpy(grid.places).to(nerf.device), directions).float().cpu()
