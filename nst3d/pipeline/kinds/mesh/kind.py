"""The kind "mesh"."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from nst3d.cameras.orbits import Orbit
from nst3d.formats.gltf.notes import painting_notes
from nst3d.formats.io.peek import Peek
from nst3d.formats.mesh_files import load_mesh
from nst3d.formats.registry import format_of
from nst3d.pipeline.kinds.asset import AssetTable
from nst3d.pipeline.kinds.kind import Kind, Opened, PaintRequest, ShowRequest
from nst3d.pipeline.kinds.mesh.asset import mesh_table
from nst3d.pipeline.kinds.mesh.blend import blend_meshes
from nst3d.pipeline.kinds.mesh.displace import displace_mesh
from nst3d.pipeline.kinds.mesh.given import given_cameras, scene_from_capture, suited
from nst3d.pipeline.kinds.mesh.inspect import inspect_mesh
from nst3d.pipeline.kinds.mesh.scene import prepare_mesh, upright, vertex_notes
from nst3d.pipeline.kinds.mesh.shown import ShownMesh, show_mesh, with_room
from nst3d.pipeline.kinds.mesh.subject import Displaced, MeshSubject
from nst3d.pipeline.kinds.placing import cameras_in, orientation_of
from nst3d.pipeline.kinds.registry import register_kind
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.tensors import ImageSize


def _sniff(peek: Peek) -> bool:
    return format_of(peek, "mesh") is not None


def _paint(asked: PaintRequest) -> tuple[Subject, PaintConfig]:
    job, config, styles = asked.job, asked.config, asked.styles
    casting = asked.bridges.casting(config)
    if job.clean is None:
        mesh = load_mesh(asked.opened.peek)
    else:
        mesh = asked.bridges.clean(job.scene, job.clean, asked.events.note)
    mesh = upright(mesh, config.up)
    asked.note(*mesh.notes)
    shape: Displaced | None = None
    if config.displace.fraction:
        before = mesh
        mesh, facts = displace_mesh(mesh, styles, config, asked.events, asked.keeper)
        shape = Displaced(before, facts)
        asked.events.phase("preparing")
    cameras = given_cameras(asked, mesh)
    config = suited(config, cameras)
    finest = config.schedule.finest
    scene = prepare_mesh(mesh, config.surface, config.rig, finest, casting, cameras, asked.cache)
    subject = MeshSubject(scene, job.scene, asked.coats, config, shape, asked.note)
    asked.note(*scene.notes, *subject.notes, *painting_notes(scene.mesh, subject.paint), *vertex_notes(scene))
    return subject, config


def _show(asked: ShowRequest) -> ShownMesh:
    options, way, capture = asked.options, asked.way, asked.capture
    mesh = load_mesh(asked.opened.peek)
    frame = np.eye(4) if capture is None else scene_from_capture(asked.opened, mesh)
    orientation = orientation_of(options, capture, frame)
    if orientation is not None:
        up, front = (tuple(v.tolist()) for v in (orientation.up, orientation.front))
        mesh = dataclasses.replace(mesh, up=up, front=front)
    # Textures are as fine as an orbit's pixels, or finer if the camera may come closer.
    fine = 1 if way.path in ("auto", "orbit", "spiral") else 2
    orbit = Orbit(8, way.size or ImageSize(512, 512), field_of_view=way.field_of_view or math.radians(40))
    size = ImageSize(orbit.size.height * fine, orbit.size.width * fine)
    shown = show_mesh(mesh, dataclasses.replace(orbit, size=size), options.lighting)
    if way.path in ("auto", "inside") and capture is None:
        shown = with_room(shown)
    for text in (*shown.notes, *(() if capture is None else capture.notes)):
        asked.note(text)
    return shown if capture is None else dataclasses.replace(shown, cameras=cameras_in(shown, capture, frame))


def _inspect(opened: Opened, config: PaintConfig) -> Report:
    return inspect_mesh(opened.path, config)


def _table(opened: Opened) -> AssetTable:
    return mesh_table(load_mesh(opened.peek))


register_kind(
    Kind(
        name="mesh",
        one="a mesh",
        many="meshes",
        sniff=_sniff,
        rank=70,
        paint=_paint,
        show=_show,
        inspect=_inspect,
        blend=blend_meshes,
        table=_table,
        options=frozenset(
            {
                "cameras",
                "references",
                "renderer",
                "displace",
                "lighting",
                "up",
                "output.formats",
                "table.texture_variation",
                "table.field",
            }
        ),
        cleaned="mesh",
    )
)
