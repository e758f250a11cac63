"""Neural style transfer for 3D scenes that writes back the asset.

    from nst3d import Job, run_job
    run_job(Job("teapot.glb", ("starry_night.jpg",), "painted"))

Names are imported on first use, so that importing nst3d itself is fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nst3d.cameras.pinhole import Camera
    from nst3d.errors import Nst3dError
    from nst3d.features.weights import load_encoder
    from nst3d.files import write_bytes
    from nst3d.formats.mesh_files import load_mesh, save_mesh
    from nst3d.formats.registry import Format, register_format
    from nst3d.integrations.bridges import BRIDGES
    from nst3d.integrations.objects import ObjectKind, register_object
    from nst3d.integrations.paint_object import paint
    from nst3d.losses.base import Loss
    from nst3d.losses.observation import Observation
    from nst3d.losses.registry import LossInputs, LossKind, register_loss
    from nst3d.operators.identity import IdentityView
    from nst3d.operators.sparse import SparseView
    from nst3d.options import Declared
    from nst3d.pipeline.evaluation.flight import FlightOptions
    from nst3d.pipeline.jobs.evaluate import EvalJob, EvalResult, run_eval
    from nst3d.pipeline.jobs.paint import run_job
    from nst3d.pipeline.jobs.prepare import Prepared, prepare
    from nst3d.pipeline.jobs.render import run_render
    from nst3d.pipeline.jobs.render_options import RenderJob
    from nst3d.pipeline.kinds.any_scene import load, save
    from nst3d.pipeline.kinds.kind import Kind
    from nst3d.pipeline.kinds.paint_job import Job
    from nst3d.pipeline.kinds.radiance.splat_kind import splat_kind
    from nst3d.pipeline.kinds.registry import register_kind
    from nst3d.pipeline.runtime.events import Handler, Stepped
    from nst3d.pipeline.settings.config import PaintConfig
    from nst3d.pipeline.settings.direction import Direction, PaintEntry, StyleEntry
    from nst3d.pipeline.settings.direction_file import read_direction
    from nst3d.pipeline.settings.gradient import Gradient
    from nst3d.renderers import compile_view
    from nst3d.representations.mesh import Mesh
    from nst3d.representations.splats import Splats
    from nst3d.stylize.canvas import Canvas
    from nst3d.stylize.coat import Coat
    from nst3d.stylize.engine import Run
    from nst3d.stylize.guide import Guide
    from nst3d.stylize.guides import GuideInputs, GuideKind, register_guide
    from nst3d.stylize.linear_canvas import LinearCanvas
    from nst3d.stylize.look import Look
    from nst3d.stylize.phases import Please, Teach
    from nst3d.stylize.recipe import Recipe
    from nst3d.stylize.regions import Regions
    from nst3d.stylize.schedule import Schedule, Stage
    from nst3d.stylize.stage_scene import StageScene
    from nst3d.stylize.style import Style
    from nst3d.stylize.teachers.registry import Teacher, TeacherKind, register_teacher
    from nst3d.stylize.terms import Term

__version__ = "0.1.0"

_HOMES = {
    "BRIDGES": "nst3d.integrations.bridges",
    "Camera": "nst3d.cameras.pinhole",
    "Canvas": "nst3d.stylize.canvas",
    "Coat": "nst3d.stylize.coat",
    "Declared": "nst3d.options",
    "Direction": "nst3d.pipeline.settings.direction",
    "EvalJob": "nst3d.pipeline.jobs.evaluate",
    "EvalResult": "nst3d.pipeline.jobs.evaluate",
    "FlightOptions": "nst3d.pipeline.evaluation.flight",
    "Format": "nst3d.formats.registry",
    "Gradient": "nst3d.pipeline.settings.gradient",
    "Guide": "nst3d.stylize.guide",
    "GuideInputs": "nst3d.stylize.guides",
    "GuideKind": "nst3d.stylize.guides",
    "Handler": "nst3d.pipeline.runtime.events",
    "IdentityView": "nst3d.operators.identity",
    "Job": "nst3d.pipeline.kinds.paint_job",
    "Kind": "nst3d.pipeline.kinds.kind",
    "LinearCanvas": "nst3d.stylize.linear_canvas",
    "Look": "nst3d.stylize.look",
    "Loss": "nst3d.losses.base",
    "LossInputs": "nst3d.losses.registry",
    "LossKind": "nst3d.losses.registry",
    "Mesh": "nst3d.representations.mesh",
    "Nst3dError": "nst3d.errors",
    "ObjectKind": "nst3d.integrations.objects",
    "Observation": "nst3d.losses.observation",
    "PaintConfig": "nst3d.pipeline.settings.config",
    "PaintEntry": "nst3d.pipeline.settings.direction",
    "Please": "nst3d.stylize.phases",
    "Prepared": "nst3d.pipeline.jobs.prepare",
    "Recipe": "nst3d.stylize.recipe",
    "Regions": "nst3d.stylize.regions",
    "RenderJob": "nst3d.pipeline.jobs.render_options",
    "Run": "nst3d.stylize.engine",
    "Schedule": "nst3d.stylize.schedule",
    "SparseView": "nst3d.operators.sparse",
    "Splats": "nst3d.representations.splats",
    "Stage": "nst3d.stylize.schedule",
    "StageScene": "nst3d.stylize.stage_scene",
    "Stepped": "nst3d.pipeline.runtime.events",
    "Style": "nst3d.stylize.style",
    "StyleEntry": "nst3d.pipeline.settings.direction",
    "Teach": "nst3d.stylize.phases",
    "Teacher": "nst3d.stylize.teachers.registry",
    "TeacherKind": "nst3d.stylize.teachers.registry",
    "Term": "nst3d.stylize.terms",
    "compile_view": "nst3d.renderers",
    "load": "nst3d.pipeline.kinds.any_scene",
    "load_encoder": "nst3d.features.weights",
    "load_mesh": "nst3d.formats.mesh_files",
    "paint": "nst3d.integrations.paint_object",
    "prepare": "nst3d.pipeline.jobs.prepare",
    "read_direction": "nst3d.pipeline.settings.direction_file",
    "register_format": "nst3d.formats.registry",
    "register_guide": "nst3d.stylize.guides",
    "register_kind": "nst3d.pipeline.kinds.registry",
    "register_loss": "nst3d.losses.registry",
    "register_object": "nst3d.integrations.objects",
    "register_teacher": "nst3d.stylize.teachers.registry",
    "run_eval": "nst3d.pipeline.jobs.evaluate",
    "run_job": "nst3d.pipeline.jobs.paint",
    "run_render": "nst3d.pipeline.jobs.render",
    "save": "nst3d.pipeline.kinds.any_scene",
    "save_mesh": "nst3d.formats.mesh_files",
    "splat_kind": "nst3d.pipeline.kinds.radiance.splat_kind",
    "write_bytes": "nst3d.files",
}

__all__ = [
    "BRIDGES",
    "Camera",
    "Canvas",
    "Coat",
    "Declared",
    "Direction",
    "EvalJob",
    "EvalResult",
    "FlightOptions",
    "Format",
    "Gradient",
    "Guide",
    "GuideInputs",
    "GuideKind",
    "Handler",
    "IdentityView",
    "Job",
    "Kind",
    "LinearCanvas",
    "Look",
    "Loss",
    "LossInputs",
    "LossKind",
    "Mesh",
    "Nst3dError",
    "ObjectKind",
    "Observation",
    "PaintConfig",
    "PaintEntry",
    "Please",
    "Prepared",
    "Recipe",
    "Regions",
    "RenderJob",
    "Run",
    "Schedule",
    "SparseView",
    "Splats",
    "Stage",
    "StageScene",
    "Stepped",
    "Style",
    "StyleEntry",
    "Teach",
    "Teacher",
    "TeacherKind",
    "Term",
    "compile_view",
    "load",
    "load_encoder",
    "load_mesh",
    "paint",
    "prepare",
    "read_direction",
    "register_format",
    "register_guide",
    "register_kind",
    "register_loss",
    "register_object",
    "register_teacher",
    "run_eval",
    "run_job",
    "run_render",
    "save",
    "save_mesh",
    "splat_kind",
    "write_bytes",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nst3d' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
