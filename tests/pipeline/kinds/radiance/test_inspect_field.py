"""What `inspect` says of voxel fields."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from nst3d.formats.fields.registry import save_field
from nst3d.pipeline.jobs.inspect import inspect_file
from nst3d.representations.field import Space, VoxelField


def test_a_field(tmp_path) -> None:
    links = np.full((4, 5, 6), -1, np.int32)
    links[1:3, 1:3, 1:4] = np.arange(12).reshape(2, 2, 3)
    space = Space(np.array([1.0, 2.0, 3.0]), np.full(3, 0.5))
    field = VoxelField(space, links, np.ones(12, np.float32), np.zeros((12, 4, 3), np.float32))
    save_field(tmp_path / "bounded.npz", field)
    report = inspect_file(tmp_path / "bounded.npz")
    assert report.contents == (
        "kind: voxel field",
        "nodes: 12, 10.0% of a grid of 4x5x6",
        "harmonics: degree 1",
        "space: the box at (1, 2, 3), from its centre (0.5, 0.5, 0.5)",
        "cameras: not known",
    )
    assert report.problems == ()
    json.dumps(report.facts)
    save_field(tmp_path / "endless.npz", replace(field, space=replace(space, contracted=True), capture="fox"))
    report = inspect_file(tmp_path / "endless.npz")
    assert "unbounded" in report.contents[3]
    assert report.contents[4] == "cameras: not known, of the capture fox"
