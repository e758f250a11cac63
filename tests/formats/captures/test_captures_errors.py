"""Captures that cannot be used: one line each, which names the file and what is wrong."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from capture_samples import (
    SIZE,
    opengl,
    picture,
    poses,
    write_colmap,
    write_llff,
    write_pictures,
    write_transforms,
)

from nst3d.errors import InputError
from nst3d.formats.captures.registry import is_capture, load_capture


def error_of(path) -> str:
    with pytest.raises(InputError) as caught:
        load_capture(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def changed(index: int, change) -> np.ndarray:
    given = poses()
    given[index] = change(given[index])
    return given


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            changed(3, lambda p: p * [1, 1, 1, np.nan]),
            "the pose of images/0003.png has values that are not finite",
        ),
        (changed(4, lambda p: p * [-1, 1, 1, 1]), "the pose of images/0004.png is left-handed"),
        (
            changed(5, lambda p: p * [2, 2, 2, 1]),
            "the pose of images/0005.png is not a rotation (it scales by 2",
        ),
        (
            changed(6, lambda p: p * [1, 0, 1, 1]),
            "the pose of images/0006.png is not a rotation (it scales by 0",
        ),
        (poses()[[0] * 5], "all 5 cameras have the same pose"),
        (poses()[:1], "only one photograph (images/0000.png)"),
    ],
)
def test_poses_that_make_no_sense(tmp_path, given, told) -> None:
    assert told in error_of(write_transforms(tmp_path, given))


def test_rounded_rotations_are_made_exact(tmp_path) -> None:
    capture = load_capture(write_transforms(tmp_path, poses().round(3)))
    for photo in capture.photos:
        rotation = photo.camera.camera_to_world[:3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-14)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"frames": []}, "its list of frames is empty"),
        ({"frames": {"a": 1}}, "has no list of frames"),
        ({"frames": [{"file_path": "a.png"}]}, "none of its 1 photographs exists (a.png)"),
        ({"frames": [{"transform_matrix": []}]}, "a frame has no file_path"),
        ({"frames": [{"file_path": "images/0000.png"}]}, "has no transform_matrix"),
        ({"frames": [{"file_path": "images/0000.png", "transform_matrix": [[1, 2]]}]}, "expected 4 x 4"),
        ({"frames": [{"file_path": "images/0000.png", "transform_matrix": "x"}]}, "not a matrix of numbers"),
        ({"fl_x": None}, "no focal length"),
        ({"fl_x": -3.0}, "focal length of -3"),
        ({"fl_x": "wide"}, "fl_x is 'wide', expected a finite number"),
        ({"k1": float("nan")}, "k1 is nan"),
        ({"w": 1e9}, "an image of 1000000000 x 24"),
        ({"w": 30, "h": 30}, "the photograph is 32 x 24, but its pose is for 30 x 30"),
        ({"camera_model": "EQUIRECTANGULAR"}, "camera model 'EQUIRECTANGULAR' is not supported"),
        ({"ftheta_p0": 1.0}, "an f-theta lens is not supported"),
        ({"applied_transform": [1, 2]}, "applied_transform is not a 3 x 4 matrix"),
        ({"train_filenames": "all"}, "train_filenames is not a list of names"),
        ({"fl_x": None, "camera_angle_x": 4.0}, "a field of view of 229"),
    ],
)
def test_transforms_that_make_no_sense(tmp_path, values, told) -> None:
    assert told in error_of(write_transforms(tmp_path, **values))


def test_no_json(tmp_path) -> None:
    path = tmp_path / "transforms.json"
    path.write_text('{"frames": [')
    assert "not a JSON file" in error_of(path)
    path.write_text('["frames"]')
    assert "holds a list, expected an object" in error_of(path)
    path.write_text("[" * 100_000)
    assert "not a JSON file" in error_of(tmp_path)
    (tmp_path / "camera_path.json").write_text('{"keyframes": []}')
    assert not is_capture(tmp_path / "camera_path.json")


def test_nothing_there(tmp_path) -> None:
    assert "no such file or folder" in error_of(tmp_path / "nowhere")
    assert "the folder is empty, expected a capture" in error_of(tmp_path)
    (tmp_path / "notes.txt").write_text("none")
    assert "no capture found" in error_of(tmp_path)
    assert not is_capture(tmp_path)
    assert not is_capture(tmp_path / "nowhere")


def test_a_photograph_that_is_none(tmp_path) -> None:
    path = write_transforms(tmp_path)
    (tmp_path / "images/0003.png").write_bytes(b"no picture")
    assert "0003.png: not a readable picture" in error_of(path)


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin"])
@pytest.mark.parametrize("keep", [0, 5, 30, -3])
def test_colmap_files_cut_short(tmp_path, name, keep) -> None:
    folder = write_colmap(tmp_path, "PINHOLE", [40, 44, 15, 13], True)
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:keep])
    message = error_of(tmp_path)
    assert name in message
    assert "truncated" in message


def test_colmap_files_that_announce_too_much(tmp_path) -> None:
    folder = write_colmap(tmp_path, "PINHOLE", [40, 44, 15, 13], True)
    cameras, images = folder / "cameras.bin", folder / "images.bin"
    whole = cameras.read_bytes()
    cameras.write_bytes(struct.pack("<Q", 2**60) + whole[8:])
    assert "truncated" in error_of(tmp_path)
    cameras.write_bytes(whole + b"\0")
    assert "1 bytes more" in error_of(tmp_path)
    cameras.write_bytes(whole[:12] + struct.pack("<i", 99) + whole[16:])
    assert "model number 99" in error_of(tmp_path)
    cameras.write_bytes(whole)
    data = images.read_bytes()
    at = data.index(b".png\0") + 5
    images.write_bytes(data[:at] + struct.pack("<Q", 2**61) + data[at + 8 :])
    assert "images.bin: truncated" in error_of(tmp_path)


def test_colmap_cameras_that_are_not_read(tmp_path) -> None:
    folder = write_colmap(tmp_path, "FOV", [40, 44, 15, 13, 0.1], True)
    assert "camera model FOV is not supported" in error_of(folder)
    other = write_colmap(tmp_path / "b", "PINHOLE", [40, 44, 15, 13], False)
    (other / "cameras.txt").write_text("7 PINHOLE 32 24 40 44 15\n")
    assert "camera 7 has 3 parameters, PINHOLE needs 4" in error_of(other)
    (other / "cameras.txt").write_text("1 PINHOLE 32 24 40 44 15 13\n")
    assert "refers to camera 7, which the model does not have" in error_of(other)
    (other / "cameras.txt").write_text("7 PINHOLE 32 24 nan 44 15 13\n")
    assert "camera 7 is not valid" in error_of(other)
    (other / "images.txt").write_text("what\n")
    assert "not an image: 'what'" in error_of(other)


def test_llff_that_does_not_match(tmp_path) -> None:
    folder = write_llff(tmp_path)
    (folder / "images" / "003.png").unlink()
    assert "10 poses in poses_bounds.npy, but 9 in images" in error_of(folder)
    np.save(folder / "poses_bounds.npy", np.zeros((9, 15)))
    assert "expected (photographs, 17)" in error_of(folder)
    np.save(folder / "poses_bounds.npy", np.full((9, 17), np.nan))
    assert "poses_bounds.npy: a photograph of nan x nan" in error_of(folder)


def test_pickles_are_refused(tmp_path) -> None:
    folder = write_llff(tmp_path)
    np.save(folder / "poses_bounds.npy", np.array([{"a": 1}], object), allow_pickle=True)
    assert "contains pickled objects, which are never loaded" in error_of(folder)
    path = tmp_path / "a.npz"
    np.savez(path, images=np.array([{}], object), poses=poses(), focal=1.0)
    assert "contains pickled objects" in error_of(path)


def test_npy_files_that_announce_too_much(tmp_path) -> None:
    folder = write_llff(tmp_path)
    path = folder / "poses_bounds.npy"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"(10, 17)", b"(10**9,)")[: len(data)])
    assert "not a readable .npy file" in error_of(folder)
    path.write_bytes(data.replace(b"(10, 17), }", b"(9999, 17),}"))
    assert "declares" in error_of(folder)
    path.write_bytes(data[:40])
    assert "poses_bounds.npy" in error_of(folder)
    path.write_bytes(b"text")
    assert "not a .npy file" in error_of(folder)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"poses": poses(9)}, "10 images but 9 poses"),
        ({"poses": poses()[:, :2]}, "poses are (10, 2, 4)"),
        ({"images": np.zeros((10, 4, 4), np.uint8)}, "images are (10, 4, 4)"),
        ({"images": np.full((10, 4, 4, 3), 200.0)}, "values outside 0 to 1"),
        ({"focal": np.nan}, "focal is nan"),
        ({"focal": np.ones(3)}, "3 focal lengths for 10 poses"),
        ({"focal": "wide"}, "focal has type <U4"),
    ],
)
def test_npz_that_make_no_sense(tmp_path, values, told) -> None:
    images = np.stack([picture(i) for i in range(10)])
    np.savez(
        tmp_path / "a.npz",
        **{"images": images, "poses": [opengl(p) for p in poses()], "focal": 40.0} | values,
    )
    assert told in error_of(tmp_path / "a.npz")


def test_npz_without_a_focal_length(tmp_path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 4, 4, 3), np.uint8), poses=poses(2))
    assert "contains no focal" in error_of(tmp_path / "a.npz")


def test_blender_scenes_without_photographs(tmp_path) -> None:
    frames = [{"file_path": "./train/r_0", "transform_matrix": opengl(poses()[0]).tolist()}]
    (tmp_path / "transforms_train.json").write_text(json.dumps({"camera_angle_x": 1.0, "frames": frames}))
    assert "none of its 1 photographs exists (train/r_0)" in error_of(tmp_path)
    write_pictures(tmp_path, ["train/r_0.png"], SIZE)
    assert "only one photograph" in error_of(tmp_path)
