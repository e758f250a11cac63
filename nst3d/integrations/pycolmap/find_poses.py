"""Finds the cameras of photographs with COLMAP: features, matches, then one camera after the other."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from nst3d.errors import InputError
from nst3d.integrations.pycolmap.features import find_features
from nst3d.integrations.pycolmap.mapping import map_stills
from nst3d.integrations.pycolmap.matching import match_features
from nst3d.integrations.pycolmap.package import pycolmap
from nst3d.pipeline.captures.poses import Count, PoseFinder, PosesFound, PoseTask


def pose_finder() -> PoseFinder:
    """The finder. Raises MissingDependencyError without pycolmap, before any work is done."""
    package = pycolmap()

    def find(task: PoseTask, count: Count, stopped: Callable[[], bool]) -> PosesFound | None:
        try:
            return _find(package, task, count, stopped)
        except RuntimeError as error:  # what COLMAP raises for a damaged database or a full disk
            reason = " ".join(str(error).split())
            raise InputError(
                f"{task.work}: COLMAP failed ({reason}); give `overwrite` to begin anew, without `resume`"
            ) from None

    return find


def _find(package: Any, task: PoseTask, count: Count, stopped: Callable[[], bool]) -> PosesFound | None:
    threads = task.options.threads or os.cpu_count() or 1
    package.set_random_seed(task.options.seed)
    for stage in (find_features, match_features):
        if not stage(package, task, threads, count, stopped):
            return None
    return map_stills(package, task, threads, count, stopped)
