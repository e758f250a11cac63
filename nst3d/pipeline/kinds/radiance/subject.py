"""A radiance scene as the subject of a paint job: a voxel field or splats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.errors import ConfigError
from nst3d.formats.captures.photos import load_photo
from nst3d.images.palette import PaletteMap, match_palette
from nst3d.losses.consistency import Correspondence
from nst3d.operators.base import ViewOperator
from nst3d.operators.cache import ViewCache
from nst3d.operators.composite import Offset
from nst3d.operators.grid_basis import grid_basis
from nst3d.operators.grid_fill import fill_hardly_seen
from nst3d.operators.sight import squared_sight
from nst3d.pipeline.kinds.radiance.gallery import write_comparison, write_tour
from nst3d.pipeline.kinds.radiance.overlap import DepthViews
from nst3d.pipeline.kinds.radiance.scene import SMALLEST, RadianceScene, scaled_cameras
from nst3d.pipeline.kinds.table_subject import TableSubject
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.canvas import StageViews
from nst3d.stylize.kept import Kept
from nst3d.stylize.layout import Layout
from nst3d.tensors import Array, Colours, Image, Planes

_GLANCE = 64
"""Long side of the views that tell the scene's palette, pixels."""
_GRID = 1.5
"""Side of the cells that rows closer than pixels are painted through, pixels."""
_DENSE_SPACING = 0.7
"""Rows closer than this share of a pixel, with gaps between them, are painted through a grid."""
_RIM = 0.05
"""What views see within this share of their short side from a border counts less, to nothing at the border. There
rows go beyond the picture: half seen, and by that view alone, they would take large steps that nothing corrects."""


class RadianceSubject(TableSubject):
    """A prepared scene, the style's colours (h, w, 3) and settings that suit the scene."""

    def __init__(self, scene: RadianceScene, style: Image, config: PaintConfig) -> None:
        self.scene, self._config = scene, config
        self.layout = Layout(scene.renderer.num_colours)
        self._background = style.mean((0, 1))
        self._budget = config.cache_gb * 1e9
        self._pictures: Kept[int, tuple[Array, ...]] = Kept(self._budget / 8)
        self._palette = self._palette_of(style)
        self.start = self._moved(self.before).clamp(0, 1)
        self._cameras = scaled_cameras(scene, config.schedule.finest, config.rig.crop)
        self._check_sizes()
        self._views = ViewCache(self._compiled, 0, self._budget)
        self._depths: DepthViews
        self._sight: Colours | None = None
        self._spills = 0
        self._seen = 0.0

    @property
    def num_views(self) -> int:
        """The scene's cameras."""
        return len(self.scene.cameras)

    @property
    def before(self) -> Colours:
        """The scene's own colours, without view-dependence, unclamped."""
        return torch.from_numpy(self.scene.colours)

    def compile(self, scale: float) -> StageViews:
        """The cameras' views at a scale; the finest has the schedule's finest size along the long side."""
        self._cameras = scaled_cameras(
            self.scene, scale * self._config.schedule.finest, self._config.rig.crop
        )
        self._spills += self._views.spills
        self._views.close()
        self._views = ViewCache(self._compiled, len(self._cameras), self._budget)
        self._depths = DepthViews(self.scene.renderer, self._cameras, self._budget / 8)
        bases, own_rows = self._bases()
        self._sight = None
        scaled = self.scene.lattice is not None and self._config.table.coverage_power > 0
        return StageViews(self._views, self.layout, bases, own_rows, self._seen_well() if scaled else None)

    def content(self, view: int) -> Planes:
        """The photograph in the style's palette, or the render of the colours that painting starts from."""
        if self.scene.photos:
            image = self._moved(torch.from_numpy(self._photo(view)))
        else:
            image = self._views[view].render(self.start, self._background)
        return image.clamp(0, 1).permute(2, 0, 1)

    def neighbours(self) -> Sequence[Sequence[int]]:
        """The views that see most of the same surface."""
        return self._depths.neighbours()

    def correspond(self, view: int, partner: int, cell: int) -> Correspondence:
        """By the depth that both views show."""
        return self._depths.correspond(view, partner, cell)

    def finished(self, colours: Colours, coverage: Colours) -> Colours:
        """On a grid, nodes that views hardly see are painted like their neighbours; else the table as it is.

        Painting drives their colours far for a small share of a pixel: haze around surfaces would show as a
        coloured rim before other backgrounds, and what few views see at their rims as speckles.
        """
        self._seen = float((coverage > 0).double().mean())
        lattice = self.scene.lattice
        if lattice is None:
            return colours
        sight = self._seen_well()[:, 0].numpy()
        filled = fill_hardly_seen(lattice.nodes, sight, self.start.numpy(), colours.cpu().numpy())
        return torch.from_numpy(filled).to(colours)

    def save(self, folder: Path, colours: Array) -> list[Path]:
        """The painted scene in the source's own format."""
        return self.scene.save(folder, colours, self._config.keep_specular)

    def show(self, folder: Path, after: Array) -> list[Path]:
        """sheet.png with before and after from eight places, flight.mp4 of after along the cameras."""
        tables = ((self.before.numpy(), 1.0), (after, self._config.keep_specular))
        paths = [write_comparison(folder / "sheet.png", self.scene, tables, self._config.output)]
        if self._config.output.turntable:
            paths.append(write_tour(folder / "flight.mp4", self.scene, tables[1], self._config.output))
        return paths

    def facts(self) -> dict[str, Any]:
        """Rows, views, and what the compiled views took."""
        return {
            "kind": self.scene.kind,
            "colours": self.layout.num_colours,
            "views": self.num_views,
            "view_size": [max(c.size[k] for c in self._cameras) for k in (0, 1)],
            "coverage": round(self._seen, 4),
            "content": "photos" if self.scene.photos else "renders",
            "view_bytes": self._views.total_bytes,
            "view_spills": self._spills + self._views.spills,
        }

    def _seen_well(self) -> Colours:
        """The squared sight of this stage's views."""
        if self._sight is None:
            self._sight = squared_sight(self._views, self.layout.num_colours, rim=_RIM)
        return self._sight

    def _compiled(self, number: int) -> ViewOperator:
        view = self.scene.renderer.compile(self._cameras[number])
        keep = self._config.keep_specular
        if keep == 0:
            return view
        return Offset(view, keep * self.scene.renderer.specular(self._cameras[number], view))

    def _palette_of(self, style: Image) -> PaletteMap:
        """What gives the pictures of all cameras the style's mean and covariance."""
        colours, weights = [], []
        for number, camera in enumerate(scaled_cameras(self.scene, _GLANCE, crop=True)):
            frame = self.scene.renderer.draw(camera, self.scene.colours)
            opacity = frame.opacity.reshape(-1, 1)
            shown = frame.colour.reshape(-1, 3) / np.maximum(opacity, 1e-6)
            if self.scene.photos:
                shown = load_photo(self.scene.photos[number], camera.size).reshape(-1, 3)
            colours.append(shown)
            weights.append(opacity[:, 0])
        seen, weight = (torch.from_numpy(np.concatenate(x)) for x in (colours, weights))
        if not bool((weight > 0).any()):
            raise ConfigError(
                "the cameras see nothing of the scene; give `cameras`, the capture with its own"
            )
        return match_palette(seen, style.reshape(-1, 3), weight)

    def _moved(self, colours: torch.Tensor) -> torch.Tensor:
        return torch.lerp(colours, self._palette.apply(colours), self._config.recipe.palette_before)

    def _photo(self, view: int) -> Array:
        size = self._cameras[view].size
        if view not in self._pictures or self._pictures[view][0].shape[:2] != tuple(size):
            background = self._background.tolist()
            self._pictures[view] = (load_photo(self.scene.photos[view], size, background),)
        return self._pictures[view][0]

    def _bases(self) -> tuple[list[ViewOperator], bool]:
        """A grid a little coarser than pixels where rows lie closer than those, so that none is left out."""
        lattice = self.scene.lattice
        if lattice is None:
            return [], True
        nodes = self._depths.pixel(lattice.place)
        if nodes * _DENSE_SPACING < 1:
            return [], True
        return [grid_basis(lattice.nodes, _GRID * nodes)], False

    def _check_sizes(self) -> None:
        config = self._config
        for stage in config.schedule.stages:
            share = stage.size / config.schedule.finest / config.recipe.reduce
            if min(min(c.size) for c in self._cameras) * share < SMALLEST:
                raise ConfigError(
                    f"views of {stage.size} pixels along the long side are too narrow to be encoded"
                    f" ({SMALLEST} pixels at least); give a larger `size`"
                )
