"""Values that no honest file holds give one short line, and no traceback."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nst3d.errors import InputError, Nst3dError
from nst3d.formats.captures.transforms import read_transforms
from nst3d.formats.fields.plenoxels import load_plenoxels
from nst3d.formats.flights.keyframes import flight_from_yaml
from nst3d.formats.meshes.obj_read import load_obj
from nst3d.formats.splats.pcd import read_pcd
from nst3d.images.header import read_header
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.settings.config import load_preset

HUGE = "1" * 401
BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{k}: &{k} [{', '.join([f'*{before}'] * 10)}]\n" for before, k in zip("abcdefghi", "bcdefghij")
)


def capture(folder: Path, focal: str) -> Path:
    write_image(folder / "0.png", np.ones((2, 2, 3), np.float32))
    pose = json.dumps(np.eye(4).tolist())
    path = folder / "transforms.json"
    path.write_text(f'{{"fl_x": {focal}, "frames": [{{"file_path": "0.png", "transform_matrix": {pose}}}]}}')
    return path


@pytest.mark.parametrize(
    ("focal", "says"), [("0", "focal length of 0"), (HUGE, "expected a finite"), ("NaN", "fl_x")]
)
def test_focal_lengths(tmp_path: Path, focal: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        read_transforms(capture(tmp_path, focal))
    assert len(str(caught.value)) < len(str(tmp_path)) + 200


@pytest.mark.parametrize("text", [BOMB, f"cache_gb: {HUGE}\n", f"threads: {HUGE}\n", "a: &a [*a]\n"])
def test_presets(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(Nst3dError) as caught:
        load_preset(str(path))
    assert "p.yaml" in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 300


@pytest.mark.parametrize(
    "text", [BOMB, f"fps: {HUGE}\nkeyframes: [{{position: [0, 0, 1], look_at: [0, 0, 0]}}]\n"]
)
def test_camera_paths(text: str) -> None:
    with pytest.raises(InputError):
        flight_from_yaml(Path("p.yaml"), text, np.array([0.0, 1.0, 0.0]))


def test_points_with_absurd_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.pcd"
    for count, points in ((2**40, 1), (1, 10**30)):
        path.write_text(
            f"FIELDS x y z w\nSIZE 4 4 4 4\nTYPE F F F F\nCOUNT 1 1 1 {count}\nPOINTS {points}\nDATA binary\n"
        )
        with pytest.raises(InputError, match="header is broken"):
            read_pcd(path)


def test_an_unknown_basis(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    rows = {"links": np.zeros((2, 2, 2), np.int32), "density_data": np.ones((1, 1), np.float32)}
    np.savez(path, **rows, sh_data=np.ones((1, 27), np.float32), basis_type=np.array("x"))
    with pytest.raises(InputError, match="basis_type"):
        load_plenoxels(path)


def test_indices_of_many_digits(tmp_path: Path) -> None:
    (tmp_path / "a.obj").write_text(f"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 {HUGE}\n")
    with pytest.raises(InputError):
        load_obj(tmp_path / "a.obj")


def test_pictures_that_pillow_does_not_decode(tmp_path: Path) -> None:
    path = tmp_path / "a.dds"
    path.write_bytes(b"DDS " + b"".join(v.to_bytes(4, "little") for v in (124, 4103, 4, 4, 16)) + bytes(108))
    for read in (read_image, read_header):
        with pytest.raises(InputError):
            read(path)
