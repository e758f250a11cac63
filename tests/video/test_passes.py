from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst3d.errors import MissingDependencyError
from nst3d.video import passes
from nst3d.video.passes import NOTHING, depth_levels, write_depth_scale, write_pass


def test_levels_of_depth() -> None:
    depth = np.array([[0.0, 5.0, 10.0, 12.0, np.inf, np.nan]], np.float32)
    assert depth_levels(depth, 10.0).tolist() == [[0, 32767, NOTHING - 1, NOTHING - 1, NOTHING, NOTHING]]


def test_depth_comes_back_to_half_a_level(tmp_path: Path) -> None:
    depth = np.random.default_rng(0).uniform(0.1, 7.0, (9, 11)).astype(np.float32)
    write_pass(tmp_path / "depth.png", "depth", depth, 7.0)
    write_depth_scale(tmp_path / "depth.json", 7.0)
    level = json.loads((tmp_path / "depth.json").read_text())["depth_per_level"]
    with Image.open(tmp_path / "depth.png") as picture:
        read = np.asarray(picture)
    assert read.dtype == np.uint16
    np.testing.assert_allclose(read * level, depth, atol=level * 0.51)


def test_opacity_comes_back(tmp_path: Path) -> None:
    opacity = np.linspace(-0.1, 1.1, 25, dtype=np.float32).reshape(5, 5)
    write_pass(tmp_path / "opacity.png", "opacity", opacity, 1.0)
    with Image.open(tmp_path / "opacity.png") as picture:
        np.testing.assert_allclose(np.asarray(picture) / 65535, opacity.clip(0, 1), atol=0.6 / 65535)


def test_exr_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(passes.importlib, "import_module", missing)
    passes.check_format("png")
    with pytest.raises(MissingDependencyError, match=r"nst3d\[exr\]"):
        passes.check_format("exr")
