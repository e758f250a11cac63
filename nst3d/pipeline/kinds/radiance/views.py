"""The views of a radiance scene at one scale, compiled on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.formats.captures.photos import load_photo
from nst3d.operators.base import ViewOperator
from nst3d.operators.cache import CacheTally, ViewCache
from nst3d.operators.composite import Offset
from nst3d.operators.grid_basis import grid_basis
from nst3d.operators.sight import squared_sight
from nst3d.pipeline.kinds.coarse_views import CoarseViews
from nst3d.pipeline.kinds.radiance.overlap import DepthViews
from nst3d.pipeline.kinds.radiance.scene import RadianceScene
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.kept import Kept
from nst3d.stylize.layout import Layout
from nst3d.stylize.stage_scene import Places, TableStage
from nst3d.tensors import Array, Colours, Image, Planes, Share, to_planes

_GRID = 1.5
"""Side of the grid cells for painting rows denser than pixels, in pixels."""
_DENSE_SPACING = 0.7
"""Rows closer than this fraction of a pixel, with gaps between them, are painted through a grid."""
_MOST = 0.9
"""Share of the rows within the scene's extent; what is further away has waves of the same length."""
_LEAST = 1e-3
"""Least width of a pixel, in extents: where no view shows anything it is 0."""
_RIM = 0.05
"""Fraction of the short side over which a view's weight falls to zero at its border. Rows there extend beyond
the picture: partly visible, and in that view alone, they would take large steps that nothing corrects."""


@dataclass(frozen=True)
class Start:
    """The initial state of painting."""

    colours: Colours
    """(n, 3)."""
    background: torch.Tensor
    """(3,): the background of contents."""
    recoloured: Callable[[torch.Tensor, ViewOperator], torch.Tensor]
    """Maps the colours (h, w, 3) of a view's photograph to the styles' palettes."""
    specular: Share = 0.0
    """The share of its higher harmonics that each row keeps."""


class RadianceViews:
    """The scene's views at one size."""

    def __init__(
        self,
        scene: RadianceScene,
        cameras: Sequence[Camera],
        config: PaintConfig,
        start: Start,
        tally: CacheTally,
    ) -> None:
        self._scene, self._cameras, self._start = scene, cameras, start
        self._scaled = scene.lattice is not None and config.table.coverage_power > 0
        budget = config.cache_gb * 1e9
        self._views = ViewCache(self._compiled, len(cameras), budget, tally=tally)
        self._kept = scene.cache.of("view", scene.renderer.made_of)
        self._coarse = CoarseViews(self._compiled_coarse, len(cameras), budget / 8)
        self._depths = DepthViews(scene.renderer, cameras, budget / 8)
        self._pictures: Kept[int, tuple[Array, ...]] = Kept(budget / 8)

    def stage(self, layout: Layout) -> TableStage:
        """The stage's views for guides and canvas."""
        bases, own_rows = self._bases()
        return TableStage(
            views=self._views,
            layout=layout,
            bases=bases,
            own_rows=own_rows,
            places=self._places,
            sight=row_sight(self._views, layout) if self._scaled else None,
            cameras=self._cameras,
            content=self.content,
            neighbours=self._depths.neighbours,
            correspond=self._depths.correspond,
            footprint=self._depths.footprint,
            depth=self._depths.depth,
            coarse=self._coarse,
            through=self._bare,
        )

    def content(self, view: int) -> Planes:
        """The photograph in the style's palette, or the render of the initial colours."""
        start = self._start
        if self._scene.photos:
            image = start.recoloured(torch.from_numpy(self._photo(view)), self._views[view])
        else:
            image = self._views[view].render(start.colours, start.background)
        return to_planes(Image(image.clamp(0, 1)))

    def _compiled(self, number: int) -> ViewOperator:
        camera = self._cameras[number]
        view = self._bare(camera)
        if not np.any(self._start.specular):
            return view
        return Offset(view, self._scene.renderer.specular(camera, view, self._start.specular))

    def _compiled_coarse(self, view: int, stride: int) -> ViewOperator:
        return self._bare(self._cameras[view].coarser(stride))

    def _bare(self, camera: Camera) -> ViewOperator:
        return self._kept.of(camera).view(lambda: self._scene.renderer.compile(camera))

    def _photo(self, view: int) -> Array:
        if view not in self._pictures:
            background, size = self._start.background.tolist(), self._cameras[view].size
            self._pictures[view] = (load_photo(self._scene.photos[view], size, background),)
        return self._pictures[view][0]

    def _places(self) -> Places:
        """The rows in units of the extent of most of them."""
        lattice = self._scene.lattice
        if lattice is None:
            positions, pixel = self._scene.renderer.positions, self._depths.pixel(lambda points: points)
        else:
            positions, pixel = lattice.nodes, self._depths.pixel(lattice.place)
        middle = np.median(positions, axis=0)
        extent = float(np.quantile(np.linalg.norm(positions - middle, axis=1), _MOST))
        extent = max(extent, 1e-9)
        return Places((positions - middle) / extent, max(pixel / extent, _LEAST))

    def _bases(self) -> tuple[list[ViewOperator], bool]:
        """A grid slightly coarser than pixels if rows are denser, so that none is missed."""
        lattice = self._scene.lattice
        if lattice is None:
            return [], True
        nodes = self._depths.pixel(lattice.place)
        if nodes * _DENSE_SPACING < 1:
            return [], True
        return [grid_basis(lattice.nodes, _GRID * nodes)], False


def row_sight(views: Sequence[ViewOperator], layout: Layout) -> Colours:
    """How well views see each row, (n, 1): the sum of squared weights, reduced towards the views' borders."""
    return squared_sight(views, layout.num_colours, rim=_RIM)
