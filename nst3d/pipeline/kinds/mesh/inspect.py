"""Inspects a mesh: its contents, how well a rig sees it, and where paint would go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nst3d.formats.mesh_files import load_mesh
from nst3d.pipeline.kinds.mesh.cleaning import clean_plan
from nst3d.pipeline.kinds.mesh.scene import MeshScene, prepare_mesh, upright
from nst3d.pipeline.runtime.findings import Report
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.representations.diagnose import contents, problems
from nst3d.representations.mesh import Mesh
from nst3d.representations.paint import TexturePaint


def inspect_mesh(path: Path, config: PaintConfig) -> Report:
    """A report on a mesh, and where the settings would put its paint. Raises InputError."""
    mesh = upright(load_mesh(path), config.up)
    scene = prepare_mesh(mesh, config.surface, config.rig, config.schedule.finest)
    rig, wrong = scene.rig, problems(mesh)
    lines = [
        "kind: mesh",
        *contents(mesh),
        f"visible from outside: {rig.reachable:.1%} of the surface",
        f"cameras: {len(rig.around)} outside and {len(rig.inside)} inside, which see {rig.coverage:.1%} of the surface",
        _paint_line(scene),
        *clean_plan(mesh),
    ]
    facts = {"file": str(path), "kind": "mesh"} | _mesh_facts(mesh) | _scene_facts(scene)
    return Report(tuple(lines), tuple(wrong), facts | {"problems": wrong})


def _paint_line(scene: MeshScene) -> str:
    paint = scene.paint
    if not isinstance(paint, TexturePaint):
        return f"paint goes: on {paint.num_colours} vertices"
    slots = []
    for index, slot in enumerate(paint.slots):
        fresh = any(f for f, s in zip(paint.fresh, paint.slot_of_part) if s == index)
        uvs = "new atlas" if fresh else "own UVs"
        slots.append(f"{slot.name or 'texture'} {slot.size.width}x{slot.size.height} ({uvs})")
    return f"paint goes: into textures: {', '.join(slots)}"


def _mesh_facts(mesh: Mesh) -> dict[str, Any]:
    return {
        "faces": mesh.num_faces,
        "vertices": sum(len(mesh.parts[i.part].vertices) for i in mesh.instances),
        "parts": len(mesh.parts),
        "instances": len(mesh.instances),
        "diagonal": 2 / mesh.frame.scale,
        "centre": [float(c) for c in mesh.frame.centre],
        "materials": [m.name for m in mesh.materials],
        "textures": [
            {"name": t.name, "width": t.pixels.shape[1], "height": t.pixels.shape[0]} for t in mesh.textures
        ],
        "vertex_colours": any(p.colours is not None for p in mesh.parts),
        "parts_with_uvs": sum(p.uvs is not None for p in mesh.parts),
    }


def _scene_facts(scene: MeshScene) -> dict[str, Any]:
    slots = scene.paint.slots if isinstance(scene.paint, TexturePaint) else ()
    return {
        "visible_from_outside": scene.rig.reachable,
        "views": len(scene.rig.cameras),
        "views_inside": len(scene.rig.inside),
        "coverage": scene.rig.coverage,
        "paint": "texture" if slots else "vertex",
        "paint_textures": [{"name": s.name, "width": s.size.width, "height": s.size.height} for s in slots],
        "colours": scene.paint.num_colours,
    }
