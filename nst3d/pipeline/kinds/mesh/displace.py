"""Stylises a mesh's shape before its colours: the part of a paint job that --displace asks for."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from nst3d.cameras.pinhole import Camera
from nst3d.cameras.rigs import tight
from nst3d.errors import ConfigError, InputError
from nst3d.features.vgg import VGG
from nst3d.formats.gltf.cut import cut_document
from nst3d.formats.gltf.document import GltfDocument
from nst3d.formats.gltf.move import moved_document
from nst3d.images.colour import LUMA
from nst3d.pipeline.kinds.mesh.rig import Rig, plan_rig
from nst3d.pipeline.kinds.mesh.scene import choose_mode
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.runtime.report import Reporter
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import find_encoder, style_at
from nst3d.renderers.pierced import pierced_by
from nst3d.renderers.raycast import Raycaster
from nst3d.renderers.relief import ReliefMesh, Sight, corner_normals, relief_image
from nst3d.representations.displaced import Welded, displaced, weld_mesh
from nst3d.representations.mesh import Mesh
from nst3d.representations.subdivide import even_parts, paint_vertices
from nst3d.representations.surface import Surface, build_surface
from nst3d.stylize.criterion import Criterion, Viewing
from nst3d.stylize.recipe import Recipe, StageInputs, build_criterion
from nst3d.stylize.schedule import Stage
from nst3d.stylize.shape.run import DisplaceOptions, Displacer, Moving, as_array
from nst3d.stylize.shape.terms import Topology
from nst3d.tensors import Array, Image, Mask, Planes

_GREY = 0.7
_BACKGROUND = 0.5
_EDGE = 2.0
"""How long edges may be where they can be cut, pixels of the finest view."""
_COARSE = 2.5
"""Longer ones are told of where they cannot."""
_CONTRAST = 1.5
"""The style's contrast in units of that of the shape's own shading."""


def displace_mesh(
    mesh: Mesh,
    styles: Sequence[Image],
    config: PaintConfig,
    reporter: Reporter,
    keeper: Keeper | None = None,
) -> tuple[Mesh, dict[str, Any]]:
    """The mesh with its vertices moved until its grey, lit renders carry the styles, and numbers for metrics.json.

    What `keeper` kept goes on; it keeps checkpoints on the way, when Ctrl-C ends it, and of the finished shape.
    None keeps nothing. Raises ConfigError for voxel models, whose sides are flat.
    """
    if any(p.cells is not None for p in mesh.parts):
        raise ConfigError("`displace` is for meshes; the sides of voxels stay flat")
    started = time.perf_counter()
    resume = keeper.resumed_shape() if keeper else None
    mesh = _fine_enough(mesh, config, reporter)
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    views = _Views(surface, weld_mesh(mesh, surface), config)
    if resume and resume.offsets is not None and len(resume.offsets) != views.welded.num_offsets:
        raise InputError("the checkpoint's shape is of another mesh; start anew with `overwrite`")
    encoder = find_encoder(config, views.device, reporter)
    grey = _Greys(styles, encoder, config, views)
    displacer = Displacer(
        views.moving(), views, grey.criterion, config.displace, config.schedule.seed, resume
    )
    _displace(displacer, reporter, keeper)
    seconds = time.perf_counter() - started
    keep = isinstance(mesh.document, GltfDocument)
    moved = displaced(mesh, views.welded, as_array(displacer.offsets), split=not keep)
    moved = _with_document(mesh, moved, reporter)
    through = {"piercing_edges": views.piercing(displacer.moving.at(displacer.offsets))}
    return moved, {"displace": _facts(displacer) | through | {"seconds": round(seconds, 2)}}


def _displace(displacer: Displacer, reporter: Reporter, keeper: Keeper | None) -> None:
    """Move the vertices; on Ctrl-C keep where they are."""
    before = displacer.state()
    if not displacer.finished:
        reporter.phase("displacing")
    try:
        for progress in displacer:
            reporter.step(progress)
            if keeper and keeper.due:
                keeper.keep_shape(displacer.state())
    except KeyboardInterrupt:
        if keeper and displacer.state() is not before:
            keeper.keep_shape(displacer.state())
            reporter.note("the shape so far is kept: run the same job with `resume` to continue")
        raise
    if keeper and displacer.state() is not before:
        keeper.keep_shape(displacer.state())


def _facts(displacer: Displacer) -> dict[str, Any]:
    length = displacer.offsets.norm(dim=1)
    faults = displacer.faults()
    return {
        "bound": displacer.bound / 2,
        "largest": round(float(length.max()) / 2, 6),
        "mean": round(float(length.mean()) / 2, 6),
        "flipped_faces": int(faults.flipped.sum()),
        "crossing_faces": int(faults.crossing.sum()),
        "allowed_faults": displacer.allowed,
        "retreats": displacer.retreats,
        "steps": displacer.state().done,
    }


def _with_document(before: Mesh, after: Mesh, reporter: Reporter) -> Mesh:
    """The moved mesh with its glTF document, if that can hold it."""
    if not isinstance(before.document, GltfDocument):
        return after
    document = moved_document(before.document, before, after.parts)
    if document is None:
        reporter.note("its skin or morph targets pose it: the displaced shape is a new file in that pose")
    return dataclasses.replace(after, document=document)


def _fine_enough(mesh: Mesh, config: PaintConfig, reporter: Reporter) -> Mesh:
    """The mesh with edges of some pixels of the finest view, or as it is and a note."""
    options = config.displace
    if options.subdivide == "never":
        return mesh
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0))
    pixel = plan_rig(surface, Raycaster(surface), config.rig, _finest(options)).pixel
    held = isinstance(mesh.document, GltfDocument)
    edge, mode = _EDGE * pixel, choose_mode(mesh, config.surface)
    parts, rounds = even_parts(mesh, edge, config.surface.max_vertices // 8)
    # Paint on vertices, as dense parts without UVs get, would be a new file.
    while held and choose_mode(dataclasses.replace(mesh, parts=parts), config.surface) != mode:
        edge *= 1.5
        parts, rounds = even_parts(mesh, edge, config.surface.max_vertices // 8)
    if not any(rounds):
        return mesh
    document = cut_document(mesh.document, parts, rounds) if held else None
    if document or not held or options.subdivide == "always":
        return dataclasses.replace(mesh, parts=parts, document=document)
    corners = surface.positions[surface.faces]
    usual = float(np.median(np.linalg.norm(np.roll(corners, 1, axis=1) - corners, axis=2)))
    if usual > _COARSE * pixel:
        reporter.note(
            f"edges are about {usual / pixel:.0f} pixels long, and relief can be no finer:"
            " `displace.subdivide='always'` cuts them, into a new file in the rest pose"
        )
    return mesh


def _finest(options: DisplaceOptions) -> int:
    return max(s.size for s in options.stages)


class _Views:
    """Grey renders of a moving mesh from the rig's cameras."""

    def __init__(self, surface: Surface, welded: Welded, config: PaintConfig) -> None:
        self.welded, self._config = welded, config
        self.device = resolve_device(config.device)
        self._surface = dataclasses.replace(
            surface, positions=welded.positions.astype(np.float32), faces=welded.faces.astype(np.int32)
        )
        self._start = self._caster = Raycaster(self._surface)
        self._finest = _finest(config.displace)
        self._rig: Rig = plan_rig(self._surface, self._caster, config.rig, self._finest)
        topology = Topology.of(torch.from_numpy(welded.faces).to(self.device))
        corners = torch.from_numpy(welded.corners).to(self.device)
        self._mesh = ReliefMesh(topology.faces, corners, topology.neighbours)
        self._topology = topology
        # Surroundings of what moves must stay in the picture.
        self._hull = surface.hull(5000) * (1 + 2 * config.displace.fraction)
        self._cameras: list[Camera] = []
        self.pixel = self._rig.pixel
        self.enter(self._finest)

    @property
    def num_views(self) -> int:
        """The rig's cameras."""
        return len(self._rig.cameras)

    def moving(self) -> Moving:
        """The points and offsets as tensors."""

        def tensor(a: Array) -> torch.Tensor:
            return torch.from_numpy(a.astype(np.float32)).to(self.device)

        positions = tensor(self.welded.positions)
        every = ReliefMesh(self._mesh.faces, self._mesh.faces, self._mesh.neighbours)
        normals = torch.zeros_like(positions)
        found = corner_normals(positions, every)
        normals[: len(found)] = found
        row = torch.from_numpy(self.welded.row).to(self.device)
        _, first = np.unique(self.welded.row, return_index=True)
        linear = None if self.welded.linear is None else tensor(self.welded.linear)
        return Moving(
            positions, self._topology, row, linear, normals[torch.from_numpy(first).to(self.device)]
        )

    def enter(self, size: int) -> None:
        """Get ready for views of `size` pixels."""
        scale = size / self._finest
        self.pixel = self._rig.pixel / scale
        self._cameras = [tight(c.scaled(scale), self._hull) for c in self._rig.cameras]

    def look(self, positions: torch.Tensor) -> None:
        """From now on, pixels see what is in front at these positions (s, 3)."""
        moved = positions.detach().cpu().numpy().astype(np.float32)
        self._caster = Raycaster(dataclasses.replace(self._surface, positions=moved))

    def piercing(self, positions: torch.Tensor) -> int:
        """Edges that run through the surface at these positions (s, 3), near or far, and did not at the start."""
        faces, edges = self.welded.faces, self._topology.edges.cpu().numpy()
        before = pierced_by(self.welded.positions, faces, edges, self._start)
        self.look(positions)
        moved = positions.detach().cpu().double().numpy()
        return int((pierced_by(moved, faces, edges, self._caster) & ~before).sum())

    def render(self, positions: torch.Tensor, view: int) -> tuple[Planes, Mask]:
        """The grey picture (3, h, w), differentiable, and its coverage (h, w)."""
        return self._draw(positions, view, self._caster)

    def start(self, view: int) -> tuple[Planes, Mask]:
        """The same of the mesh as it was."""
        return self._draw(torch.from_numpy(self._surface.positions).to(self.device), view, self._start)

    def _draw(self, positions: torch.Tensor, view: int, caster: Raycaster) -> tuple[Planes, Mask]:
        camera = self._cameras[view]
        sight = Sight.of(camera, caster.view(camera, 1), positions.dtype, positions.device)
        image, coverage = relief_image(positions, self._mesh, sight, "studio", _GREY, _BACKGROUND)
        return image[..., 0].expand(3, -1, -1), coverage


class _Greys:
    """Criteria that compare grey renders with the styles' lightness."""

    def __init__(self, styles: Sequence[Image], encoder: VGG, config: PaintConfig, views: _Views) -> None:
        self._styles, self._encoder, self._config, self._views = styles, encoder, config, views

    def criterion(self, stage: Stage) -> Criterion:
        """The criterion of a stage; the views are in it already."""
        recipe, views = self._config.recipe, self._views
        long = round(stage.size * recipe.style_scale / recipe.reduce)
        contrast = self._contrast()
        styles = tuple(_lightness(style_at(s, long), contrast).to(views.device) for s in self._styles)
        inputs = StageInputs(
            style=styles,
            contents=lambda view: views.start(view)[0],
            num_views=views.num_views,
            viewing=Viewing(
                torch.full((3,), _BACKGROUND, device=views.device), reduce=recipe.reduce, moving=True
            ),
            budget_bytes=self._config.cache_gb * 1e9 / 4,
        )
        return build_criterion(shape_recipe(recipe, self._config.displace), self._encoder, inputs)

    def _contrast(self) -> tuple[float, float]:
        """Mean and deviation of what the start's first views show."""
        seen = []
        for view in range(min(4, self._views.num_views)):
            image, coverage = self._views.start(view)
            seen.append(image[0][coverage > 0])
        values = torch.cat(seen)
        return float(values.mean()), float(values.std())


def shape_recipe(recipe: Recipe, options: DisplaceOptions) -> Recipe:
    """The recipe for shape: its style losses, scaled, and little else; views share the shape, so they agree."""
    style = options.style
    return dataclasses.replace(
        recipe, content=options.content, gram=recipe.gram * style, moments=recipe.moments * style,
        nnfm=recipe.nnfm * style, variation=0.0, consistency=0.0, agree=0.0,
    )  # fmt: skip


def _lightness(style: Image, contrast: tuple[float, float]) -> Planes:
    """A style's luma as a grey picture (3, h, w) whose tones a lit grey shape can have."""
    luma = style @ style.new_tensor(LUMA)
    mean, deviation = contrast
    tones = (luma - luma.mean()) / luma.std().clamp_min(1e-6) * deviation * _CONTRAST + mean
    return tones.clamp(0, 1).expand(3, -1, -1)
