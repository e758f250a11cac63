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
    from nst3d.formats.mesh_files import load_mesh, save_mesh
    from nst3d.integrations.bridges import BRIDGES
    from nst3d.operators.identity import IdentityView
    from nst3d.operators.sparse import SparseView
    from nst3d.pipeline.jobs.paint import run_job
    from nst3d.pipeline.jobs.prepare import Prepared, prepare
    from nst3d.pipeline.jobs.render import run_render
    from nst3d.pipeline.jobs.render_options import RenderJob
    from nst3d.pipeline.kinds.any_scene import load, save
    from nst3d.pipeline.kinds.paint_job import Job
    from nst3d.pipeline.settings.config import PaintConfig
    from nst3d.renderers import compile_view
    from nst3d.stylize.engine import Run
    from nst3d.stylize.linear_canvas import LinearCanvas
    from nst3d.stylize.recipe import Recipe
    from nst3d.stylize.schedule import Schedule, Stage

__version__ = "0.1.0"

_HOMES = {
    "BRIDGES": "nst3d.integrations.bridges",
    "Camera": "nst3d.cameras.pinhole",
    "IdentityView": "nst3d.operators.identity",
    "Job": "nst3d.pipeline.kinds.paint_job",
    "LinearCanvas": "nst3d.stylize.linear_canvas",
    "Nst3dError": "nst3d.errors",
    "PaintConfig": "nst3d.pipeline.settings.config",
    "Prepared": "nst3d.pipeline.jobs.prepare",
    "Recipe": "nst3d.stylize.recipe",
    "RenderJob": "nst3d.pipeline.jobs.render_options",
    "Run": "nst3d.stylize.engine",
    "Schedule": "nst3d.stylize.schedule",
    "SparseView": "nst3d.operators.sparse",
    "Stage": "nst3d.stylize.schedule",
    "compile_view": "nst3d.renderers",
    "load": "nst3d.pipeline.kinds.any_scene",
    "load_encoder": "nst3d.features.weights",
    "load_mesh": "nst3d.formats.mesh_files",
    "prepare": "nst3d.pipeline.jobs.prepare",
    "run_job": "nst3d.pipeline.jobs.paint",
    "run_render": "nst3d.pipeline.jobs.render",
    "save": "nst3d.pipeline.kinds.any_scene",
    "save_mesh": "nst3d.formats.mesh_files",
}

__all__ = [
    "BRIDGES",
    "Camera",
    "IdentityView",
    "Job",
    "LinearCanvas",
    "Nst3dError",
    "PaintConfig",
    "Prepared",
    "Recipe",
    "RenderJob",
    "Run",
    "Schedule",
    "SparseView",
    "Stage",
    "compile_view",
    "load",
    "load_encoder",
    "load_mesh",
    "prepare",
    "run_job",
    "run_render",
    "save",
    "save_mesh",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nst3d' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
