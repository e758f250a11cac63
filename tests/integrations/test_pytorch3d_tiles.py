"""What the bridge to PyTorch3D does without the package."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import torch

from nst3d.cli.main import main
from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.integrations.pytorch3d.fragments import rasterised
from nst3d.integrations.pytorch3d.tiles import pixel_boxes, tiles_of
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.settings.overrides import override
from nst3d.tensors import ImageSize

SIZE = ImageSize(10, 12)


def test_boxes_hold_the_pixels_whose_centres_a_face_may_cover() -> None:
    corners = np.array(
        [
            [[0.4, 0.4], [3.6, 0.4], [0.4, 2.6]],
            [[0.6, 0.6], [1.4, 0.6], [0.6, 1.4]],  # between centres
            [[-9, -9], [99, -9], [-9, 99]],
            [[-9, 1], [-2, 1], [-9, 5]],  # beside the image
        ]
    )
    boxes = pixel_boxes(corners, np.ones((4, 3)), SIZE, 0.1)
    assert boxes[0].tolist() == [0, 0, 3, 2]
    assert boxes[2].tolist() == [0, 0, 11, 9]
    empty = (boxes[:, 2:] < boxes[:, :2]).any(1)
    assert empty.tolist() == [False, True, False, True]


def test_faces_that_reach_behind_the_camera_may_be_anywhere() -> None:
    corners = np.zeros((2, 3, 2))
    depth = np.array([[1.0, 1.0, -1.0], [-1.0, -2.0, 0.0]])
    boxes = pixel_boxes(corners, depth, SIZE, 0.1)
    assert boxes[0].tolist() == [0, 0, 11, 9]
    assert boxes[1, 2] < boxes[1, 0]


def test_tiles_list_their_faces_in_order() -> None:
    boxes = np.array([[3, 3, 4, 4], [0, 0, -1, -1], [0, 0, 11, 9], [9, 9, 9, 9]])
    tiles = tiles_of(boxes, SIZE, 4)
    assert (tiles.down, tiles.across) == (3, 3)
    assert tiles.tile.tolist() == list(range(9))
    lists = np.split(tiles.face, np.cumsum(tiles.counts)[:-1])
    assert [x.tolist() for x in lists] == [[0, 2], [0, 2], [2], [0, 2], [0, 2], [2], [2], [2], [2, 3]]


def test_no_faces_make_no_tiles() -> None:
    tiles = tiles_of(np.array([[5, 5, 4, 4]]), SIZE, 4)
    assert len(tiles.tile) == len(tiles.face) == 0


@pytest.fixture
def no_pytorch3d(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pytorch3d", "pytorch3d.renderer.mesh.rasterize_meshes", "pytorch3d.structures"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("no_pytorch3d")
def test_a_missing_package_is_told_with_what_to_install() -> None:
    with pytest.raises(MissingDependencyError, match=r"pip install 'nst3d\[pytorch3d\]'"):
        rasterised(torch.device("cpu"))


@pytest.mark.usefixtures("no_pytorch3d")
def test_paint_tells_it_before_it_reads_or_writes(tmp_path, capfd) -> None:
    picture, out = tmp_path / "missing.glb", tmp_path / "out"
    code = main(
        ["paint", str(picture), "--style", str(picture), "--out", str(out), "--renderer", "pytorch3d"]
    )
    assert code == 1
    assert capfd.readouterr().err == "nst3d: PyTorch3D is not installed: pip install 'nst3d[pytorch3d]'\n"
    assert not out.exists()


def test_without_a_bridge_the_job_refuses_the_setting(tmp_path) -> None:
    config = override(PaintConfig(), {"renderer": "pytorch3d"}, "test")
    job = Job(tmp_path / "a.glb", (tmp_path / "a.jpg",), tmp_path / "out", config)
    with pytest.raises(ConfigError, match=r"bridges=nst3d.BRIDGES"):
        run_job(job)
    assert not job.out.exists()
