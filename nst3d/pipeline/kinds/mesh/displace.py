"""Stylises a mesh's shape before its colours: the phase of a paint job behind `displace`."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nst3d.cameras.pinhole import Camera
from nst3d.errors import ConfigError, InputError
from nst3d.formats.gltf.cut import cut_document
from nst3d.formats.gltf.document import GltfDocument
from nst3d.formats.gltf.move import moved_document
from nst3d.pipeline.kinds.mesh.rig import plan_rig
from nst3d.pipeline.kinds.mesh.shape_guide import ShapeGuides
from nst3d.pipeline.kinds.mesh.shape_views import ShapeViews, finest_size
from nst3d.pipeline.runtime.checkpoints import Keeper
from nst3d.pipeline.runtime.events import DISPLACING, Events, Stepped
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import find_encoder
from nst3d.renderers.radiance import Frame
from nst3d.renderers.raycast import Raycaster
from nst3d.representations.displaced import displaced, weld_mesh
from nst3d.representations.mesh import Mesh
from nst3d.representations.subdivide import even_parts, paint_vertices
from nst3d.representations.surface import build_surface
from nst3d.stylize.engine import Run
from nst3d.stylize.phases import Please
from nst3d.stylize.schedule import Schedule
from nst3d.stylize.shape.canvas import ShapeCanvas
from nst3d.stylize.shape.moving import as_array
from nst3d.stylize.style import Style

_EDGE = 2.0
"""Maximum edge length where edges can be subdivided, in pixels of the finest view."""
_MOST = 125_000
"""Vertices of a subdivided mesh, unless the settings limit them."""
_COARSE = 2.5
"""Longer edges are reported where they cannot be."""


def displace_mesh(
    mesh: Mesh,
    styles: Sequence[Style],
    config: PaintConfig,
    events: Events,
    keeper: Keeper | None = None,
) -> tuple[Mesh, dict[str, Any]]:
    """The mesh with its vertices moved until its grey, lit renders match the styles, and metrics.

    Continues from the checkpoint of `keeper`, which saves one periodically, on Ctrl-C, and for the finished
    shape (None: no checkpoints). Raises ConfigError for voxel models, whose faces are flat.
    """
    if any(p.cells is not None for p in mesh.parts):
        raise ConfigError("`displace` is for meshes; the faces of voxels stay flat")
    started = time.perf_counter()
    resume = keeper.resumed_shape() if keeper else None
    mesh = _fine_enough(mesh, config, events)
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0)).made_solid()
    views = ShapeViews(surface, weld_mesh(mesh, surface), config)
    if resume and resume.canvas and len(resume.canvas[0]) != views.welded.num_offsets:
        raise InputError("the checkpoint's shape belongs to another mesh; start over with `overwrite`")
    encoder = find_encoder(config, views.device, events)
    grey = ShapeGuides(styles, encoder, config, views)
    canvas = ShapeCanvas(views.moving(), views, config.displace)
    schedule = Schedule(config.displace.stages)
    run = Run(canvas, [Please(schedule, grey.guide)], config.schedule.seed, resume)
    _displace(run, lambda camera: views.preview(canvas, camera), events, keeper)
    canvas.settle_()
    seconds = time.perf_counter() - started
    keep = isinstance(mesh.document, GltfDocument)
    moved = displaced(mesh, views.welded, as_array(canvas.offsets), split=not keep)
    moved = _with_document(mesh, moved, events)
    through = {"piercing_edges": views.piercing(canvas.moving.at(canvas.offsets))}
    return moved, {"displace": _facts(canvas, run) | through | {"seconds": round(seconds, 2)}}


def _displace(
    run: Run, preview: Callable[[Camera | None], Frame], events: Events, keeper: Keeper | None
) -> None:
    """Move the vertices; on Ctrl-C save their positions."""
    before = run.done
    try:
        if not run.finished:
            events.phase(DISPLACING)
        for progress in run:
            events.tell(Stepped(progress, preview, run.state))
    except KeyboardInterrupt:
        if keeper and run.done > before and run.whole and keeper.keep_shape(run.state()):
            events.note("the shape so far is kept: run the same job with `resume` to continue")
        raise
    if keeper and run.done > before:
        keeper.keep_shape(run.state())


def _facts(canvas: ShapeCanvas, run: Run) -> dict[str, Any]:
    length = canvas.offsets.norm(dim=1)
    faults = canvas.faults()
    return {
        "bound": canvas.bound / 2,
        "largest": round(float(length.max()) / 2, 6),
        "mean": round(float(length.mean()) / 2, 6),
        "flipped_faces": int(faults.flipped.sum()),
        "crossing_faces": int(faults.crossing.sum()),
        "allowed_faults": canvas.allowed,
        "retreats": canvas.retreats,
        "steps": run.metrics()["iterations"],
    }


def _with_document(before: Mesh, after: Mesh, events: Events) -> Mesh:
    """The moved mesh with its glTF document, if that can store it."""
    if not isinstance(before.document, GltfDocument):
        return after
    document = moved_document(before.document, before, after.parts)
    if document is None:
        events.note("a skin or morph targets pose the mesh: the displaced shape is a new file in that pose")
    return dataclasses.replace(after, document=document)


def _fine_enough(mesh: Mesh, config: PaintConfig, events: Events) -> Mesh:
    """The mesh with edges of a few pixels in the finest view, or unchanged with a note."""
    options = config.displace
    if options.subdivide == "never":
        return mesh
    surface = build_surface(mesh, paint_vertices(mesh, np.inf, 0)).made_solid()
    pixel = plan_rig(surface, Raycaster(surface), config.rig, finest_size(options)).pixel
    held = isinstance(mesh.document, GltfDocument)
    most = _MOST if config.surface.max_vertices is None else config.surface.max_vertices // 8
    parts, rounds = even_parts(mesh, _EDGE * pixel, most)
    if not any(rounds):
        return mesh
    document = cut_document(mesh.document, parts, rounds) if held else None
    if document or not held or options.subdivide == "always":
        return dataclasses.replace(mesh, parts=parts, document=document)
    corners = surface.positions[surface.faces]
    usual = float(np.median(np.linalg.norm(np.roll(corners, 1, axis=1) - corners, axis=2)))
    if usual > _COARSE * pixel:
        events.note(
            f"edges are about {usual / pixel:.0f} pixels long, which limits the relief:"
            " `displace.subdivide='always'` subdivides them, into a new file in the rest pose"
        )
    return mesh
