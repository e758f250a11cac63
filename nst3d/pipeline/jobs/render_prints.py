"""Identifies an interrupted render of the same job."""

from __future__ import annotations

import hashlib

import numpy as np

from nst3d.pipeline.jobs.render_options import RenderJob
from nst3d.pipeline.kinds.flight import Plan
from nst3d.pipeline.runtime.fingerprint import add_neighbours, add_scene


def fingerprint(job: RenderJob, plan: Plan) -> str:
    """A digest of everything frames depend on: file contents, cameras, the look and the output settings."""
    digest = hashlib.sha256()
    for path in (job.scene, job.compare.before, *job.then):
        if path is not None:
            add_neighbours(digest, path)
            add_scene(digest, path)
    for camera in plan.cameras:
        numbers = [*camera.camera_to_world.ravel(), camera.focal, camera.aspect, *camera.centre, *camera.size]
        digest.update(np.array(numbers, np.float64).tobytes())
    settings = (job.look, job.compare.fade, job.output.passes, job.output.pass_format)
    digest.update(repr((settings, plan.shares.tolist())).encode())
    return digest.hexdigest()
