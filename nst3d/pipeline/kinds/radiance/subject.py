"""A radiance scene as the subject of a paint job: a voxel field or splats."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.formats.captures.photos import load_photo
from nst3d.images.palette import match_palette
from nst3d.operators.base import ViewOperator
from nst3d.operators.cache import CacheTally
from nst3d.operators.grid_fill import fill_hardly_seen
from nst3d.pipeline.kinds.radiance.gallery import sheet_cameras, write_comparison, write_tour
from nst3d.pipeline.kinds.radiance.regions import kept_harmonics, radiance_selectors
from nst3d.pipeline.kinds.radiance.scene import SMALLEST, RadianceScene, scaled_cameras
from nst3d.pipeline.kinds.radiance.views import RadianceViews, Start, row_sight
from nst3d.pipeline.kinds.regions import coated_regions
from nst3d.pipeline.kinds.selectors.seen import Note
from nst3d.pipeline.kinds.table_subject import TableSubject, glance_of
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import read_colouring
from nst3d.renderers.radiance import Frame
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat, painted
from nst3d.stylize.layout import Layout
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Array, Colours

_GLANCE = 64
"""Long side of the views used to measure the scene's palette, in pixels."""


class RadianceSubject(TableSubject):
    """A prepared scene, the coats that give its palette, and settings adapted to the scene."""

    def __init__(
        self,
        scene: RadianceScene,
        coats: Sequence[Coat],
        config: PaintConfig,
        note: Note = lambda text: None,
    ) -> None:
        """`note` hears about regions."""
        self.scene, self._config = scene, config
        self.layout = Layout(scene.renderer.num_colours)
        own, weights = self._own_colours()
        self.colouring = read_colouring(config.recipe, own, weights)
        self._coats = [coat.styled(self.colouring.style) for coat in painted(coats)]
        self._background = self._coats[0].background
        self._palettes = {coat.name: match_palette(own, coat.palette, weights) for coat in self._coats}
        self.selectors = radiance_selectors(scene, config, self._encoder, note)
        rows = self.layout.num_colours
        self.regions = coated_regions(coats, self.selectors, rows, config.recipe.regions)
        self.specular = kept_harmonics(self.regions, config.keep_specular)
        moved = partial(self._moved, self.initial)
        self.start = self.regions.mixed(self._coats, moved, self.initial).clamp(0, 1)
        self._tally = CacheTally()
        self._check_sizes()

    @property
    def num_views(self) -> int:
        """The scene's cameras."""
        return len(self.scene.cameras)

    @property
    def initial(self) -> Colours:
        """The scene's own colours, without view-dependence, unclamped."""
        return torch.from_numpy(self.scene.colours)

    def stage(self, scale: float) -> TableStage:
        """The cameras' views at a scale; the finest has the schedule's finest size along the long side."""
        cameras = scaled_cameras(self.scene, scale * self._config.schedule.finest, self._config.rig.crop)
        start = Start(self.start, self._background, self._photo_moved, self.specular)
        return RadianceViews(self.scene, cameras, self._config, start, self._tally).stage(self.layout)

    def finished(self, colours: Colours, coverage: Colours, stage: TableStage) -> Colours:
        """The table; on a grid, nodes that views hardly see are painted like their neighbours.

        Painting drives their colours far for a small contribution to a pixel: haze around surfaces would show
        as a coloured fringe on other backgrounds, and nodes that few views see near their borders as
        speckles.
        """
        lattice = self.scene.lattice
        if lattice is None:
            return colours
        sight = row_sight(stage.views, self.layout) if stage.sight is None else stage.sight
        filled = fill_hardly_seen(
            lattice.nodes, sight[:, 0].numpy(), self.start.numpy(), colours.cpu().numpy()
        )
        return torch.from_numpy(filled).to(colours)

    def shown_from(self) -> Sequence[Camera | None]:
        """Eight places along the scene's cameras, or around it."""
        return sheet_cameras(self.scene, self._config.output.size)

    @property
    def view_names(self) -> Sequence[str]:
        """The names of the photographs, without suffixes."""
        return [Path(photo.name).stem for photo in self.scene.photos]

    def drawn(self, colours: Array, layout: Layout, camera: Camera | None) -> Frame:
        """The scene from a camera in its file's coordinates; None: its first."""
        camera = camera or glance_of(self.scene.cameras[0])
        return self.scene.renderer.draw(camera, colours, self.specular)

    def save(self, folder: Path, colours: Array) -> list[Path]:
        """Write the painted scene in the source's own format."""
        return self.scene.save(folder, colours, self.specular)

    def show(self, folder: Path, painted: Array) -> list[Path]:
        """Write sheet.png (before and after from eight places) and flight.mp4 (after, along the cameras)."""
        tables = ((self.initial.numpy(), 1.0), (painted, self.specular))
        paths = [write_comparison(folder / "sheet.png", self.scene, tables, self._config.output)]
        if self._config.output.turntable:
            paths.append(write_tour(folder / "flight.mp4", self.scene, tables[1], self._config.output))
        return paths

    def facts(self, canvas: Canvas) -> dict[str, Any]:
        """Counts of rows and views, and the cost of compiled views."""
        assert isinstance(canvas, LinearCanvas)
        sizes = [camera.size for camera in canvas.stage.cameras]
        return {
            "kind": self.scene.kind,
            "colours": self.layout.num_colours,
            "views": self.num_views,
            "view_size": [max(size[k] for size in sizes) for k in (0, 1)],
            "coverage": round(float((canvas.colour_coverage() > 0).double().mean()), 4),
            "content": "photos" if self.scene.photos else "renders",
            **self._tally.facts(),
        }

    def _own_colours(self) -> tuple[Colours, torch.Tensor]:
        """Colours (k, 3) of the pictures of all cameras, and their opacity (k,)."""
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
            raise ConfigError("the cameras see nothing of the scene; give `cameras`, the scene's own capture")
        return seen, weight

    def _moved(self, colours: torch.Tensor, coat: Coat) -> torch.Tensor:
        if self.colouring.keeps:
            return self.colouring.seen(colours)
        moved = self._palettes[coat.name].apply(colours)
        return torch.lerp(colours, moved, self._config.recipe.palette_before)

    def _photo_moved(self, photo: torch.Tensor, view: ViewOperator) -> torch.Tensor:
        """A photograph (h, w, 3) in the palettes of the coats that a view shows."""
        if len(self._coats) == 1:
            return self._moved(photo, self._coats[0])
        masks = {c.name: view.mask(self.regions.columns[c.name]).to(photo) for c in self._coats}
        changes = [masks[c.name] * (self._moved(photo, c) - photo) for c in self._coats]
        return photo + torch.stack(changes).sum(0)

    def _check_sizes(self) -> None:
        config = self._config
        for stage in config.schedule.stages:
            # Cropped views do not shrink in proportion: their sides are whole multiples at every scale.
            cameras = scaled_cameras(self.scene, stage.size, config.rig.crop)
            if min(min(c.size) for c in cameras) < SMALLEST * config.recipe.reduce:
                raise ConfigError(
                    f"views of {stage.size} pixels along the long side are too narrow to be encoded"
                    f" ({SMALLEST} pixels at least); give a larger `size`"
                )
