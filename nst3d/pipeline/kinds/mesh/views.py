"""The views of a mesh at one scale, compiled on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from nst3d.cameras.footprint import footprint
from nst3d.cameras.pinhole import Camera
from nst3d.losses.partner import Correspondence
from nst3d.operators.base import ViewOperator
from nst3d.operators.cache import CacheTally, ViewCache
from nst3d.operators.composite import Shaded
from nst3d.pipeline.kinds.coarse_views import CoarseViews
from nst3d.pipeline.kinds.mesh.scene import MeshScene, rebound, stage_cameras
from nst3d.pipeline.kinds.mesh.table_places import table_places
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.renderers.mesh import MeshRenderer, MeshViewOptions
from nst3d.renderers.visibility import CellPoints, cell_points, warp
from nst3d.stylize.kept import Kept
from nst3d.stylize.layout import Layout
from nst3d.stylize.stage_scene import Places, TableStage
from nst3d.tensors import Array, Colours, Image, ImageSize, Planes, to_planes

_SAMPLES = 2
_NEIGHBOURS = 4
_CELLS = 32
"""Cells along a view's long side in which the size of its pixels on the surface is known."""


class MeshViews:
    """The rig's views at a scale."""

    def __init__(
        self,
        scene: MeshScene,
        scale: float,
        config: PaintConfig,
        start: tuple[Colours, torch.Tensor],
        tally: CacheTally,
    ) -> None:
        """`start`: the initial colours at this scale, and their background."""
        self._start, self._background = start
        own = scene.renderer
        self._layout, self._scene_cache = scene.layout.scaled(scale), scene.cache
        surface = rebound(scene.surface, self._layout)
        self._renderer = MeshRenderer(surface, own.caster, own.fragments)
        self._cameras = stage_cameras(scene, scale, config.rig.crop)
        self._pixel = scene.rig.pixel / scale
        self._around = len(scene.rig.around)
        self._lightings = (config.lighting, config.content_lighting)
        budget = config.cache_gb * 1e9
        self._views = ViewCache(self._compiled, len(self._cameras), budget, tally=tally)
        self._kept = scene.cache.of("view", self._renderer.made_of, _SAMPLES, self._lightings)
        self._coarse = CoarseViews(self._compiled_coarse, len(self._cameras), budget / 8)
        self._light: Kept[int, tuple[Image, ...]] = Kept(budget / 8)
        self._cells: Kept[tuple[int, int], tuple[Array, ...]] = Kept(budget / 8)

    def stage(self, layout: Layout, bases: Sequence[ViewOperator], own_rows: bool) -> TableStage:
        """The stage's views for guides and canvas."""
        return TableStage(
            views=self._views,
            layout=layout,
            bases=bases,
            own_rows=own_rows,
            places=lambda: Places(table_places(self._renderer.surface, layout), self._pixel),
            cameras=self._cameras,
            content=self.content,
            neighbours=self.neighbours,
            correspond=self.correspond,
            footprint=self.footprint if self._around < len(self._cameras) else None,
            depth=self.depth,
            coarse=self._coarse,
            through=self._through,
        )

    def _compiled(self, number: int) -> ViewOperator:
        """A view to paint; its content lighting is stored separately."""
        camera = self._cameras[number]
        both: list[ViewOperator] = []

        def lit(which: int) -> ViewOperator:
            if not both:
                both.extend(self._renderer.compile_lit(camera, _SAMPLES, self._lightings))
            return both[which]

        kept = self._kept.of(camera)
        view = kept.view(lambda: lit(0))
        light = kept.of("content").arrays(lambda: _light(lit(1)), lambda found: _is_light(found, view.size))
        self._light[number] = tuple(Image(torch.from_numpy(a)) for a in light.values() if a.size)
        return view

    def _compiled_coarse(self, view: int, stride: int) -> ViewOperator:
        """The texture is as much coarser as the pixels."""
        own, camera = self._renderer, self._cameras[view].coarser(stride)
        surface = rebound(own.surface, self._layout.scaled(1 / stride))
        renderer = MeshRenderer(surface, own.caster, own.fragments)
        kept = self._scene_cache.of("view", renderer.made_of, _SAMPLES, "none", camera)
        return kept.view(lambda: renderer.compile(camera, MeshViewOptions(_SAMPLES)))

    def _through(self, camera: Camera) -> ViewOperator:
        return self._renderer.compile(camera, MeshViewOptions(_SAMPLES))

    def content(self, view: int) -> Planes:
        """The lit render of the initial colours."""
        painted = self._views[view]
        if view not in self._light:
            painted = self._compiled(view)
        bare = painted.view if isinstance(painted, Shaded) else painted
        lit = Shaded(bare, *self._light[view]) if self._light[view] else bare
        image = lit.render(self._start, self._background)
        return to_planes(Image(image.clamp(0, 1)))

    def neighbours(self) -> Sequence[Sequence[int]]:
        """The views whose directions are closest; of those at places of their own, also the nearest."""
        directions = np.stack([c.forward for c in self._cameras])
        places = np.stack([c.position for c in self._cameras])
        within = np.arange(len(self._cameras)) >= self._around
        closeness = directions @ directions.T
        apart = np.linalg.norm(places[:, None] - places, axis=2)
        closeness = np.where(within[:, None] & within, closeness - apart, closeness)
        closeness[within[:, None] != within] = -np.inf
        order = np.argsort(-closeness, axis=1)
        allowed = np.isfinite(closeness)
        return [
            [int(k) for k in row if k != i and allowed[i, k]][:_NEIGHBOURS] for i, row in enumerate(order)
        ]

    def footprint(self, view: int) -> torch.Tensor:
        """The sides (h, w) of a view's pixels on the surface, in cells; NaN where it shows nothing.

        Those of a rig around the mesh, at one distance, are about alike.
        """
        camera = self._cameras[view]
        cell = max(1, max(camera.size) // _CELLS)
        depth = self._depth(view, cell)
        cells = camera.scaled(1 / cell).cropped(0, 0, ImageSize(*depth.shape))
        return torch.from_numpy(footprint(cells, depth) / cell)

    def depth(self, view: int) -> torch.Tensor:
        """The depth (h, w) at the centres of a view's pixels, inf where they show nothing."""
        return torch.from_numpy(np.nan_to_num(self._depth(view, 1), nan=np.inf))

    def _depth(self, view: int, cell: int) -> Array:
        """The depth (h, w) at the centres of a view's cells, float32; NaN where they show nothing."""
        camera = self._cameras[view]
        found = cell_points(self._renderer.surface, self._renderer.caster, camera, cell)
        depth = (found.positions - camera.position) @ camera.forward
        return np.where(found.face >= 0, depth, np.nan).astype(np.float32)

    def correspond(self, view: int, partner: int, cell: int) -> Correspondence:
        """Cast a ray through each cell's centre, and one from the hit to the partner's camera."""
        caster = self._renderer.caster
        if (view, cell) not in self._cells:
            found = cell_points(self._renderer.surface, caster, self._cameras[view], cell)
            self._cells[view, cell] = (found.face, found.positions, found.normals)
        face, positions, normals = self._cells[view, cell]
        cells = CellPoints(face, positions, normals, cell)
        grid, valid = warp(caster, cells, self._cameras[partner])
        return Correspondence(torch.from_numpy(grid), torch.from_numpy(valid))


def _light(content: ViewOperator) -> dict[str, Array]:
    """The factors of a lit view; empty if it has none."""
    return {
        "factors": content.shading.numpy() if isinstance(content, Shaded) else np.empty((0, 0, 1), np.float32)
    }


def _is_light(arrays: Mapping[str, Array], size: ImageSize) -> bool:
    shapes = [(0, 0, 1), (*size, 1)]
    return [*arrays] == ["factors"] and all(
        a.dtype == np.float32 and a.shape in shapes for a in arrays.values()
    )
