"""What `inspect` says of Gaussian splats."""

from __future__ import annotations

import json

import numpy as np
import pytest

from nst3d.errors import InputError
from nst3d.formats.splats.registry import save_splats
from nst3d.pipeline.jobs.inspect import inspect_file
from nst3d.representations.splats import Splats


def a_scene(path, odd: bool):
    rng = np.random.default_rng(0)
    count = 400
    positions = rng.uniform(-1, 1, (count, 3)).astype(np.float32)
    scales = np.full((count, 3), 0.01, np.float32)
    opacities = np.linspace(0.01, 0.99, count).astype(np.float32)
    if odd:
        positions[3] = 500
        positions[4, 1] = np.nan
        scales[7, 0] = 2
        opacities[9] = 0
    rotations = np.tile(np.float32([1, 0, 0, 0]), (count, 1))
    harmonics = np.zeros((count, 4, 3), np.float32)
    splats = Splats(positions, scales, rotations, opacities, harmonics)
    save_splats(path, splats, splats.colours, 1)
    return inspect_file(path)


def test_a_sound_scene(tmp_path) -> None:
    report = a_scene(tmp_path / "a.ply", odd=False)
    assert report.contents[:3] == ("kind: Gaussian splats (.ply)", "splats: 400", "harmonics: degree 1")
    assert report.problems == ()
    assert report.facts["kind"] == "splats"
    assert report.facts["median_size"] == pytest.approx(0.01)
    assert sum(report.facts["opacity_histogram"]) == 400
    assert np.abs(report.facts["bounds"]).max() <= 1
    json.dumps(report.facts)


def test_odd_splats_are_counted(tmp_path) -> None:
    report = a_scene(tmp_path / "a.ply", odd=True)
    facts = report.facts
    assert [facts[k] for k in ("broken", "huge", "far", "invisible")] == [1, 1, 1, 1]
    assert len(report.problems) == 3
    assert "1 of 400 splats are broken" in report.problems[0]
    assert facts["bounds"][1] == [500, 500, 500]
    assert np.abs(facts["core"]).max() <= 1


def test_a_broken_file(tmp_path) -> None:
    path = tmp_path / "a.splat"
    path.write_bytes(b"123")
    with pytest.raises(InputError, match="not a multiple of 32"):
        inspect_file(path)
