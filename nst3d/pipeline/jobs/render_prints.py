"""Identifies an interrupted render of the same job."""

from __future__ import annotations

import hashlib

import numpy as np

from nst3d.pipeline.jobs.render_options import RenderJob
from nst3d.pipeline.kinds.flight import Plan
from nst3d.pipeline.runtime.fingerprint import add_neighbours, add_scene


def fingerprint(job: RenderJob, plan: Plan) -> dict[str, str]:
    """Digests of everything frames depend on, by what it is: scenes with their contents, cameras, and settings."""
    scenes, cameras = hashlib.sha256(), hashlib.sha256()
    for role, path in (("", job.scene), ("before", job.compare.before), *(("then", p) for p in job.then)):
        if path is not None:
            scenes.update(role.encode())
            add_neighbours(scenes, path)
            add_scene(scenes, path)
    for camera in plan.cameras:
        numbers = [*camera.camera_to_world.ravel(), camera.focal, camera.aspect, *camera.centre, *camera.size]
        cameras.update(np.array(numbers, np.float64).tobytes())
    cameras.update(repr(plan.shares.tolist()).encode())
    settings = repr((job.look, job.compare.fade, job.at, job.output.passes, job.output.pass_format))
    return {
        "scenes": scenes.hexdigest(),
        "cameras": cameras.hexdigest(),
        "settings": hashlib.sha256(settings.encode()).hexdigest(),
    }
