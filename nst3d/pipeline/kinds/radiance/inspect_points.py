"""Inspects a point cloud: its points, their extent, density and attributes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nst3d.formats.point_clouds import load_cloud
from nst3d.formats.splats.registry import load_splats
from nst3d.pipeline.runtime.findings import Report, point_text
from nst3d.representations.points import splat_widths


def inspect_points(path: Path) -> Report:
    """A report on a point cloud. Raises InputError for one that cannot be read."""
    cloud, splats = load_cloud(path), load_splats(path)
    low, high = cloud.positions.min(0).tolist(), cloud.positions.max(0).tolist()
    width = float(np.median(splat_widths(cloud.positions)))
    normals = cloud.normals is not None
    lines = (
        f"kind: point cloud ({path.suffix.lower()})",
        f"points: {len(splats)}, finite: {len(cloud)}",
        f"colours: {'no' if cloud.colours is None else 'yes'}, normals: {'yes' if normals else 'no'}",
        f"bounds: {point_text(low)} to {point_text(high)}",
        f"painted as splats of median size {width:.3g} (standard deviation)",
        "`clean` would turn it into a mesh: drop duplicate and stray points, "
        + ("" if normals else "estimate normals, ")
        + "reconstruct a Poisson surface",
    )
    facts = {
        "file": str(path),
        "kind": "points",
        "points": len(splats),
        "finite": len(cloud),
        "colours": cloud.colours is not None,
        "normals": normals,
        "bounds": [low, high],
        "median_size": width,
        "problems": list(splats.notes),
    }
    return Report(lines, splats.notes, facts)
