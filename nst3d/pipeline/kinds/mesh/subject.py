"""A mesh as the subject of a paint job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from nst3d.cameras.orbits import Orbit
from nst3d.cameras.paths import tour
from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError
from nst3d.formats.mesh_files import save_mesh
from nst3d.images.palette import principal_axis_ramp
from nst3d.operators.base import ViewOperator
from nst3d.operators.cache import CacheTally
from nst3d.operators.grid_basis import grid_basis
from nst3d.pipeline.kinds.mesh.gallery import (
    GREY,
    ColouredSurface,
    look_around,
    sheet_cameras,
    write_sheet,
    write_turntable,
)
from nst3d.pipeline.kinds.mesh.level import levelled
from nst3d.pipeline.kinds.mesh.regions import mesh_selectors, region_coverage, untouched_materials
from nst3d.pipeline.kinds.mesh.scene import MeshScene, filled, rebound, unseen_notes
from nst3d.pipeline.kinds.mesh.shown import show_mesh
from nst3d.pipeline.kinds.mesh.suffixes import written_suffixes
from nst3d.pipeline.kinds.mesh.unseen import unseen_rows
from nst3d.pipeline.kinds.mesh.views import MeshViews
from nst3d.pipeline.kinds.regions import coated_regions
from nst3d.pipeline.kinds.selectors.seen import Note
from nst3d.pipeline.kinds.table_subject import TableSubject, glance_of
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import read_colouring
from nst3d.renderers.frames import draw_frame
from nst3d.renderers.mesh import MeshRenderer
from nst3d.renderers.opacity import opacity_at
from nst3d.renderers.radiance import Frame
from nst3d.representations.appearance import is_bare
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import MeshPaint, VertexPaint
from nst3d.representations.surface import VertexBinding, welded_rows
from nst3d.stylize.canvas import Canvas
from nst3d.stylize.coat import Coat, painted
from nst3d.stylize.layout import Layout, resampled
from nst3d.stylize.recolour import to_palette
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Array, Colours, Image, ImageSize

_GRID = 1.5
"""Side of the grid cells for painting vertices, in pixels."""
_VOXEL_GRIDS = (1.5, 3.0)
"""Side of the grid cells for painting voxels, in voxel spacings."""
_DENSE_SPACING = 0.7
"""Vertices closer than this fraction of a pixel are painted through a grid."""
_SKY = 1.2
"""Palette standard deviations between the level and upright surfaces of a mesh without colours."""

_GREYS = Colours(torch.tensor([[0.35], [0.75]]).expand(2, 3))
"""The palette of a mesh without colours that words paint."""


@dataclass(frozen=True)
class Displaced:
    """The origin of a displaced mesh."""

    before: Mesh
    """The mesh before displacement."""
    facts: dict[str, Any]
    """Numbers for metrics.json."""


class MeshSubject(TableSubject):
    """A prepared mesh, and the coats that give its palette."""

    def __init__(
        self,
        scene: MeshScene,
        source: Path,
        coats: Sequence[Coat],
        config: PaintConfig,
        displaced: Displaced | None = None,
        note: Note = lambda text: None,
    ) -> None:
        """`displaced` gives the shape before, if that was stylised, too; `note` hears about regions."""
        self.scene, self.layout = scene, scene.layout
        self._source, self._config, self._displaced = source, config, displaced
        self._suffixes()  # report a format that cannot store the paint before painting
        self.bare = is_bare(scene.mesh)
        self.selectors = mesh_selectors(scene, self.initial, config, self._encoder, note)
        self.regions = coated_regions(coats, self.selectors, self.layout.num_colours, config.recipe.regions)
        own = self._own_weights()
        self.colouring = read_colouring(config.recipe, scene.initial, self.regions.weighted(own)[:, 0])
        if self.bare and self.colouring.keeps:
            raise ConfigError(
                f"{source}: has no colours to keep; leave out `colour`, or give `colour='palette'` with a `palette`"
            )
        self._coats = [coat.styled(self.colouring.style) for coat in painted(coats)]
        self._background = self._coats[0].background
        start = self._bare_start if self.bare else partial(self._palette_start, own[:, 0])
        self.start = self.regions.mixed(self._coats, start, self.kept)
        self._tally = CacheTally()

    @property
    def num_views(self) -> int:
        """The rig's cameras."""
        return len(self.scene.rig.cameras)

    @property
    def initial(self) -> Colours:
        """The colours shown in "before" pictures."""
        return torch.full_like(self.scene.initial, GREY) if self.bare else self.scene.initial

    @property
    def kept(self) -> Colours:
        """The asset's own colours."""
        return self.scene.initial

    def _own_weights(self) -> Colours:
        """How much each row (n, 1) counts of the asset's colours."""
        anchors = self.scene.anchors
        # What is cut away has colours, too, often black, which are not the asset's.
        opacity = opacity_at(self.scene.surface, anchors.face, anchors.weights[:, 1], anchors.weights[:, 2])
        return torch.from_numpy(opacity).double().reshape(-1, 1)

    def _palette_start(self, weights: torch.Tensor, coat: Coat) -> Colours:
        if self.colouring.keeps:
            return self.colouring.seen(self.scene.initial)
        strength = self._config.recipe.palette_before
        return to_palette(self.scene.initial.double(), coat.palette, weights, strength).float()

    def _bare_start(self, coat: Coat) -> Colours:
        """Colours along the palette's main axis, greys without one: bright where facing up, dark where facing down."""
        anchors = self.scene.anchors
        normals = torch.from_numpy(anchors.interpolate(self.scene.surface.normals)).double()
        up = torch.from_numpy(self.scene.surface.up)
        height = self._evened((normals @ up) / normals.norm(dim=1).clamp_min(1e-9))
        colours = torch.zeros(self.layout.num_colours, 3)
        valid = torch.from_numpy(anchors.valid)
        palette = _GREYS if coat.palette is None else coat.palette
        colours[valid] = principal_axis_ramp(palette.double()).at(height * _SKY).float()
        return filled(colours, self.layout, valid)

    def _evened(self, height: torch.Tensor) -> torch.Tensor:
        """Heights (n,) unchanged, or averaged over neighbours for voxels, which only have six directions."""
        if not self._voxels:
            return height
        positions, spacing = self._rows()
        basis = grid_basis(positions, _VOXEL_GRIDS[1] * spacing)
        both = torch.stack([height, torch.ones_like(height)], dim=1)
        mean = basis.apply(basis.adjoint(Image(both[:, None])))[:, 0]
        return mean[:, 0] / mean[:, 1]

    @property
    def paint(self) -> MeshPaint:
        """The scene's paint, with the materials that the painted region does not touch."""
        if self.regions.painted is None:
            return self.scene.paint
        kept = untouched_materials(self.scene, self.regions.columns[self.regions.painted])
        return replace(self.scene.paint, kept_materials=kept)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the cameras do not see of what is painted."""
        if self.regions.painted is None:
            return unseen_notes(self.scene.rig.coverage, "the surface")
        column = self.regions.columns[self.regions.painted]
        return unseen_notes(region_coverage(self.scene, column), "the region")

    def stage(self, scale: float) -> TableStage:
        """The rig's views at a scale, and the same views with content lighting."""
        layout = self.layout.scaled(scale)
        start = resampled(self.start, self.layout, layout)
        views = MeshViews(self.scene, scale, self._config, (start, self._background), self._tally)
        bases, own_rows = self._bases(scale)
        return views.stage(layout, bases, own_rows)

    def _bases(self, scale: float) -> tuple[list[ViewOperator], bool]:
        """A grid slightly coarser than pixels for vertices, and whether rows are also learnt individually.

        They are if their spacing is about a pixel: denser rows would only add noise. Voxels,
        which may be large, have grids slightly coarser than themselves.
        """
        surface = self.scene.surface
        if not isinstance(surface.binding, VertexBinding):
            return [], True
        pixel = self.scene.rig.pixel / scale
        positions, spacing = self._rows()
        grids = [_GRID * pixel]
        if self._voxels:
            grids = [max(_GRID * pixel, wide * spacing) for wide in _VOXEL_GRIDS]
        return [grid_basis(positions, side) for side in grids], spacing > _DENSE_SPACING * pixel

    def _rows(self) -> tuple[Array, float]:
        """The positions (n, 3) and typical spacing of vertex paint rows, normalised."""
        surface = self.scene.surface
        assert isinstance(surface.binding, VertexBinding)
        positions = np.zeros((surface.num_colours, 3), np.float32)
        positions[surface.binding.rows] = surface.positions[surface.faces]
        spacing = float(np.sqrt(surface.areas().sum() / len(np.unique(surface.binding.rows))))
        return positions, spacing

    @property
    def _voxels(self) -> bool:
        """Whether the mesh is voxels, each painted in one colour."""
        whole = any(p.cells is not None for p in self.scene.mesh.parts)
        return whole and isinstance(self.scene.paint, VertexPaint)

    def finished(self, colours: Colours, coverage: Colours, stage: TableStage) -> Colours:
        """The table with gaps and island padding filled from their neighbours; what no view saw is as at the start."""
        seen = coverage[:, 0]
        positive = seen[seen > 0]
        threshold = 0.1 * float(positive.median()) if len(positive) else 1.0
        weight = (seen / threshold).clamp(0, 1).cpu()
        kept = unseen_rows(self.layout, self.scene.anchors.valid, weight).to(colours.device)
        colours = torch.where(kept[:, None], self.start.to(colours), colours)
        return filled(colours, self.layout, torch.where(kept, 1.0, weight.to(colours)))

    def shared(self, colours: Colours) -> Colours:
        """The table with one colour for all vertices at a place, or where a texture is cut."""
        if not isinstance(self.scene.paint, VertexPaint):
            return levelled(colours, self.scene.surface, self.layout, self.scene.anchors)
        return colours[torch.from_numpy(welded_rows(self.scene.paint)).long()]

    def shown_from(self) -> Sequence[Camera | None]:
        """The eight sides of the sheet, and some of the cameras inside."""
        return sheet_cameras(self.scene, self._config.output.size, self.scene.rig.shown_within)

    def drawn(self, colours: Array, layout: Layout, camera: Camera | None) -> Frame:
        """The lit mesh from a camera in normalised units; None: the rig's first."""
        camera = camera or glance_of(self.scene.rig.cameras[0])
        own = self.scene.renderer
        renderer = MeshRenderer(rebound(self.scene.surface, layout), own.caster)
        image = draw_frame(renderer, camera, colours, self._config.output.lighting)
        return Frame(image[..., :3], image[..., 3], np.full(camera.size, np.inf, np.float32))

    def save(self, folder: Path, colours: Array) -> list[Path]:
        """Write painted.glb, and painted.obj, .ply or .vox if the source is one or settings request it."""
        paths: list[Path] = []
        for suffix in self._suffixes():
            paths += save_mesh(folder / f"painted.{suffix}", self.scene.mesh, self.paint, colours)
        return paths

    def _suffixes(self) -> list[str]:
        """Suffixes to write, without dots. Raises ConfigError for a format that cannot store the paint."""
        vertex = isinstance(self.scene.paint, VertexPaint)
        paint = {"vertices" if vertex else "textures", *(["blocks"] if self._voxels else [])}
        return written_suffixes(self._config.output.formats, self._source, paint)

    def show(self, folder: Path, painted: Array) -> list[Path]:
        """Write sheet.png with before and after from all sides, and turntable.mp4 of after; also from inside."""
        renderer, output, within = self.scene.renderer, self._config.output, self.scene.rig.shown_within
        before = ColouredSurface(renderer, self.initial.numpy())
        if self._displaced is not None:
            shown = show_mesh(self._displaced.before, Orbit(8, ImageSize(output.size, output.size)))
            before = ColouredSurface(shown.renderer, shown.colours)
        paths = [
            write_sheet(
                folder / "sheet.png", self.scene, (before, ColouredSurface(renderer, painted)), output, within
            )
        ]
        if self._config.output.turntable:
            path = folder / "turntable.mp4"
            paths.append(write_turntable(path, self.scene, painted, output, self._more_frames()))
        return paths

    def _more_frames(self) -> list[Camera]:
        """Cameras of the video after the turn around the mesh: a look around inside, or a tour of given cameras."""
        rig, output = self.scene.rig, self._config.output
        if not rig.within:
            return []
        if rig.inside:
            return look_around(self.scene, np.stack([c.position for c in rig.inside]), output)
        return tour(rig.within, output.frames, ImageSize(output.size, output.size))

    def facts(self, canvas: Canvas) -> dict[str, Any]:
        """Counts of faces, colours and views, and coverage."""
        return {
            "faces": self.scene.mesh.num_faces,
            "colours": self.layout.num_colours,
            "textures": [list(s) for s in self.layout.images],
            "views": len(self.scene.rig.cameras),
            **self._tally.facts(),
            "views_inside": len(self.scene.rig.inside),
            "coverage": round(self.scene.rig.coverage, 4),
            "visible_from_outside": round(self.scene.rig.reachable, 4),
            **({} if self._displaced is None else self._displaced.facts),
        }
