"""What kind of scene a path is taken for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_splats import ball

from nst3d.errors import InputError
from nst3d.formats.splats.registry import save_splats
from nst3d.pipeline.kinds.registry import open_path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("content/coffee.png", "picture"),
        ("meshes/vertexcolor/fuze.ply", "mesh"),
        ("meshes/gltf/cat.glb", "mesh"),
        ("meshes/textured/spot", "mesh"),
        ("gaussians/derived/playbot_4_0.ply", "splats"),
        ("gaussians/derived/playbot_4_0.compressed.ply", "splats"),
        ("gaussians/derived/playbot_4_0.spz", "splats"),
        ("gaussians/splat/spot_10k.splat", "splats"),
        ("nerf/fox", "capture"),
        ("nerf/fox/transforms.json", "capture"),
        ("nerf/mic_400", "capture"),
    ],
)
def test_real_files(data_dir, name, kind) -> None:
    assert open_path(data_dir / name).kind.name == kind


def test_splats_are_asked_for_before_meshes(tmp_path) -> None:
    splats = ball(20)
    save_splats(tmp_path / "a.ply", splats, splats.colours)
    assert open_path(tmp_path / "a.ply").kind.name == "splats"


def test_archives_by_what_they_hold(tmp_path: Path) -> None:
    np.savez(tmp_path / "capture.npz", images=np.zeros((2, 4, 4, 3)), poses=np.zeros((2, 4, 4)), focal=3.0)
    assert open_path(tmp_path / "capture.npz").kind.name == "capture"
    np.savez(tmp_path / "other.npz", other=np.zeros(3))
    with pytest.raises(InputError, match="neither"):
        open_path(tmp_path / "other.npz")
    with pytest.raises(InputError, match="no such file"):
        open_path(tmp_path / "none")
