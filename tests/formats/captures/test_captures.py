"""Captures of every format, read back by their poses, lenses, splits and photographs."""

from __future__ import annotations

import json
from pathlib import Path

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

from nst3d.cameras.lens import BrownConrady, Fisheye
from nst3d.cameras.pinhole import Camera
from nst3d.formats.captures.photos import load_photo
from nst3d.formats.captures.registry import is_capture, load_capture, save_transforms
from nst3d.representations.capture import Capture
from nst3d.tensors import ImageSize


def found_poses(capture: Capture) -> np.ndarray:
    return np.stack([p.camera.camera_to_world for p in capture.photos])


def test_transforms(tmp_path) -> None:
    path = write_transforms(tmp_path)
    for given in (path, tmp_path):
        assert is_capture(given)
        capture = load_capture(given)
        np.testing.assert_array_equal(found_poses(capture), poses())
        assert capture.kind == "transforms.json"
        camera = capture.photos[3].camera
        assert (camera.focal, camera.aspect, camera.centre, camera.lens) == (40, 1, (16, 12), None)
        assert camera.size == SIZE
        assert [p.name for p in capture.of("test")] == ["images/0000.png", "images/0008.png"]
        assert capture.background is None
        assert capture.notes == ()
        np.testing.assert_allclose(capture.up, [0, 0, 1], atol=1e-9)
        np.testing.assert_array_equal(
            load_photo(capture.photos[3], ImageSize(*SIZE)), (picture(3) / np.float32(255)).astype(np.float32)
        )


@pytest.mark.parametrize(
    ("values", "lens"),
    [
        ({"k1": 0.1, "k2": 0.02, "p1": 0.003, "p2": 0.004}, BrownConrady(0.1, 0.02, 0.003, 0.004)),
        ({"camera_model": "OPENCV", "k1": 0.1, "k3": 0.2, "k4": 0.0}, BrownConrady(0.1, k3=0.2)),
        ({"camera_model": "OPENCV"}, None),
        ({"camera_model": "PINHOLE", "k1": 0.1}, None),
        ({"camera_model": "FULL_OPENCV", "k1": 0.1, "k4": 0.2}, BrownConrady(0.1, k4=0.2)),
        ({"camera_model": "OPENCV_FISHEYE", "k1": 0.1, "k4": 0.2}, Fisheye(0.1, k4=0.2)),
        ({"is_fisheye": True, "k1": 0.1}, Fisheye(0.1)),
        ({"is_fisheye": True}, Fisheye()),
        ({"is_fisheye": False, "k1": 0.0}, None),
    ],
)
def test_lenses_of_transforms(tmp_path, values, lens) -> None:
    assert load_capture(write_transforms(tmp_path, **values)).photos[0].camera.lens == lens


@pytest.mark.parametrize(
    ("values", "focal", "aspect"),
    [
        ({"fl_y": 30.0}, 40, 0.75),
        ({"camera_angle_x": 1.0}, 40, 1),
        ({"fl_x": None, "camera_angle_x": 2 * np.arctan(0.5)}, 32, 1),
        (
            {"fl_x": None, "camera_angle_x": 2 * np.arctan(0.5), "camera_angle_y": 2 * np.arctan(0.5)},
            32,
            0.75,
        ),
        ({"fl_x": None, "x_fov": 90.0}, 16, 1),
        ({"w": None, "h": None, "fl_x": None, "camera_angle_x": 2 * np.arctan(0.5)}, 32, 1),
    ],
)
def test_focal_lengths_of_transforms(tmp_path, values, focal, aspect) -> None:
    camera = load_capture(write_transforms(tmp_path, **values)).photos[0].camera
    assert camera.focal == pytest.approx(focal)
    assert camera.aspect == pytest.approx(aspect)
    assert camera.size == SIZE


def test_a_frame_can_have_intrinsics_of_its_own(tmp_path) -> None:
    path = write_transforms(tmp_path, k1=0.1)
    content = json.loads(path.read_text())
    content["frames"][2] |= {"fl_x": 50.0, "cx": 15.5, "k1": 0.3}
    path.write_text(json.dumps(content))
    photos = load_capture(path).photos
    assert [p.camera.focal for p in photos[1:4]] == [40, 50, 40]
    assert photos[2].camera.centre == (15.5, 12)
    assert [p.camera.lens for p in photos[1:3]] == [BrownConrady(0.1), BrownConrady(0.3)]


def test_missing_photographs_are_counted_and_named(tmp_path) -> None:
    path = write_transforms(tmp_path)
    for i in (2, 5):
        (tmp_path / f"images/{i:04d}.png").unlink()
    capture = load_capture(path)
    assert len(capture.photos) == 8
    assert capture.notes == ("8 of 10 photographs found; missing: images/0002.png, images/0005.png",)


def test_names_without_a_suffix_and_lists_of_names(tmp_path) -> None:
    path = write_transforms(tmp_path)
    content = json.loads(path.read_text())
    for frame in content["frames"]:
        frame["file_path"] = f"./{frame['file_path'][:-4]}"
        frame["mask_path"] = "mask.png"
    names = [f["file_path"] for f in content["frames"]]
    content |= {"train_filenames": names[:6], "val_filenames": names[6:7], "test_filenames": names[7:9]}
    content["applied_transform"] = np.eye(4)[[1, 0, 2]].tolist()
    path.write_text(json.dumps(content))
    capture = load_capture(path)
    assert [p.split for p in capture.photos] == ["train"] * 6 + ["test"] * 3
    assert capture.notes == (
        "masks are not used",
        "1 photographs left out: they are in no list of file names",
    )
    np.testing.assert_array_equal(found_poses(capture), poses()[:9])


def test_cameras_follow_photographs_of_another_resolution(tmp_path) -> None:
    path = write_transforms(tmp_path, w=64, h=48, fl_x=80.0, cx=33.0, cy=24.0)
    capture = load_capture(path)
    camera = capture.photos[0].camera
    assert (camera.size, camera.focal, camera.centre) == (SIZE, 40, (16.5, 12))
    assert "10 photographs differ in resolution" in capture.notes[0]
    assert "32 x 24, not 64 x 48" in capture.notes[0]


def test_blender_scenes(tmp_path) -> None:
    for split, count in (("train", 6), ("val", 2), ("test", 3)):
        names = [f"./{split}/r_{i}" for i in range(count)]
        write_pictures(tmp_path, [f"{n}.png" for n in names], channels=4)
        frames = [
            {"file_path": n, "transform_matrix": opengl(p).tolist()} for n, p in zip(names, poses(count + 1))
        ]
        content = {"camera_angle_x": 2 * np.arctan(0.4), "frames": frames}
        (tmp_path / f"transforms_{split}.json").write_text(json.dumps(content))
    write_pictures(tmp_path, ["test/r_1_depth_0001.png"])
    capture = load_capture(tmp_path)
    assert [p.split for p in capture.photos] == ["train"] * 6 + ["test"] * 3
    assert capture.photos[0].camera.focal == pytest.approx(40)
    assert capture.up.tolist() == [0, 0, 1]
    assert capture.background == (1, 1, 1)
    assert [p.depth is not None for p in capture.photos[6:]] == [False, True, False]
    assert len(load_capture(tmp_path / "transforms_train.json").photos) == 9
    (tmp_path / "transforms_test.json").unlink()
    assert len(load_capture(tmp_path).of("test")) == 2


COLMAP = [
    ("SIMPLE_PINHOLE", [40, 15, 13], 1.0, None),
    ("PINHOLE", [40, 44, 15, 13], 1.1, None),
    ("SIMPLE_RADIAL", [40, 15, 13, 0.1], 1.0, BrownConrady(0.1)),
    ("SIMPLE_RADIAL", [40, 15, 13, 0.0], 1.0, None),
    ("RADIAL", [40, 15, 13, 0.1, 0.2], 1.0, BrownConrady(0.1, 0.2)),
    ("OPENCV", [40, 44, 15, 13, 0.1, 0.2, 0.01, 0.02], 1.1, BrownConrady(0.1, 0.2, 0.01, 0.02)),
    ("OPENCV_FISHEYE", [40, 44, 15, 13, 0.1, 0.2, 0.3, 0.4], 1.1, Fisheye(0.1, 0.2, 0.3, 0.4)),
    (
        "FULL_OPENCV",
        [40, 44, 15, 13, 0.1, 0.2, 0.01, 0.02, 0.3, 0.4, 0.5, 0.6],
        1.1,
        BrownConrady(0.1, 0.2, 0.01, 0.02, 0.3, 0.4, 0.5, 0.6),
    ),
    ("SIMPLE_RADIAL_FISHEYE", [40, 15, 13, 0.0], 1.0, Fisheye()),
    ("RADIAL_FISHEYE", [40, 15, 13, 0.1, 0.2], 1.0, Fisheye(0.1, 0.2)),
]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "text"])
@pytest.mark.parametrize(("model", "numbers", "aspect", "lens"), COLMAP)
def test_colmap(tmp_path, model, numbers, aspect, lens, binary) -> None:
    write_colmap(tmp_path, model, numbers, binary)
    capture = load_capture(tmp_path)
    np.testing.assert_allclose(found_poses(capture), poses(), atol=1e-12)
    assert [p.name for p in capture.photos] == [f"sub/p {i}.png" for i in range(10)]
    camera = capture.photos[0].camera
    assert (camera.focal, camera.centre, camera.size, camera.lens) == (40, (15, 13), SIZE, lens)
    assert camera.aspect == pytest.approx(aspect)
    np.testing.assert_allclose(capture.up, [0, 0, 1], atol=1e-9)


@pytest.mark.parametrize("place", ["sparse/0", "sparse", "colmap/sparse/0"])
def test_colmap_models_by_their_own_folder(tmp_path, place) -> None:
    folder = write_colmap(tmp_path, "PINHOLE", [40, 44, 15, 13], True, place)
    for given in (tmp_path, folder, folder / "cameras.bin"):
        assert is_capture(given)
        assert len(load_capture(given).photos) == 10


@pytest.mark.parametrize("photos", ["images", "images_4"])
def test_llff(tmp_path, photos) -> None:
    capture = load_capture(write_llff(tmp_path, photos=photos))
    np.testing.assert_allclose(found_poses(capture), poses(), atol=1e-15)
    assert capture.kind == "LLFF"
    assert capture.depths == (2, 9)
    assert capture.photos[0].camera.focal == 40
    assert capture.photos[4].path == tmp_path / photos / "004.png"


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_npz(tmp_path, kind) -> None:
    images = np.stack([picture(i) for i in range(10)])
    stored = images if kind == np.uint8 else (images / 255).astype(kind)
    path = tmp_path / "tiny.npz"
    np.savez(path, images=stored, poses=[opengl(p) for p in poses()], focal=40.0)
    assert is_capture(path)
    capture = load_capture(path)
    np.testing.assert_array_equal(found_poses(capture), poses())
    assert capture.photos[2].name == "image 2"
    seen = load_photo(capture.photos[2], ImageSize(*SIZE))
    np.testing.assert_allclose(seen, images[2] / 255, atol=1e-6)


@pytest.mark.parametrize(
    "lens", [None, BrownConrady(0.1, 0.02), BrownConrady(0.1, k5=0.3), Fisheye(0.1), Fisheye()], ids=repr
)
def test_what_is_saved_comes_back_bit_for_bit(tmp_path, lens) -> None:
    cameras = [Camera(p, 41.3, (15.1, 12.7), ImageSize(*SIZE), 0.97, lens) for p in poses(5)]
    images = [picture(i) / np.float32(255) for i in range(5)]
    up = np.array([0.6, 0, 0.8])
    path = save_transforms(tmp_path / "new", cameras, images, up, ["test", "train", "train", "test", "train"])
    capture = load_capture(path)
    np.testing.assert_array_equal(found_poses(capture), poses(5))
    np.testing.assert_allclose(capture.up, up)
    assert [p.split for p in capture.photos] == ["test", "train", "train", "test", "train"]
    for i, photo in enumerate(capture.photos):
        camera = photo.camera
        assert (camera.focal, camera.centre, camera.lens) == (41.3, (15.1, 12.7), lens)
        assert camera.aspect == pytest.approx(0.97, rel=1e-14)
        np.testing.assert_array_equal(load_photo(photo), images[i].astype(np.float32))


def test_saved_cameras_may_differ(tmp_path) -> None:
    cameras = [Camera(p, 40.0 + i, (16, 12), ImageSize(*SIZE)) for i, p in enumerate(poses(3))]
    path = save_transforms(tmp_path, cameras, [np.zeros((*SIZE, 4))] * 3)
    capture = load_capture(path)
    assert [p.camera.focal for p in capture.photos] == [40, 41, 42]
    assert capture.background == (1, 1, 1)
    content = json.loads(path.read_text())
    assert "fl_x" not in content
    assert content["w"] == SIZE[1]


def test_the_fox(data_dir: Path) -> None:
    capture = load_capture(data_dir / "nerf" / "fox")
    assert len(capture.photos) == 50
    assert capture.notes[0].startswith("50 of 67 photographs found; missing: images/0005.jpg, images/0016")
    assert len(capture.of("test")) == 7
    camera = capture.photos[0].camera
    assert camera.size == (1920, 1080)
    assert camera.focal == 1375.52
    assert camera.focal * camera.aspect == pytest.approx(1374.49)
    assert camera.lens == BrownConrady(0.0578421, -0.0805099, -0.000980296, 0.00015575)
    assert capture.up @ [0, 0, 1] > 0.98
    seen = load_photo(capture.photos[0], ImageSize(240, 135))
    assert seen.shape == (240, 135, 3)


def test_the_microphone(data_dir: Path) -> None:
    capture = load_capture(data_dir / "nerf" / "mic_400")
    assert (len(capture.of("train")), len(capture.of("test"))) == (50, 20)
    assert capture.background == (1, 1, 1)
    assert capture.kind == "Blender synthetic"
    assert all(p.depth is not None for p in capture.of("test"))
    camera = capture.photos[0].camera
    assert camera.focal == pytest.approx(200 / np.tan(0.6911112070083618 / 2))
    assert load_photo(capture.photos[0], ImageSize(50, 50), capture.background)[0, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "listed", ["images/0003.jpg", "Images/0003.PNG", "images\\0003", r"D:\shoot\0003.png"]
)
def test_transforms_name_photographs_as_people_have_them(tmp_path: Path, listed: str) -> None:
    path = write_transforms(tmp_path)
    path.write_text(path.read_text().replace("images/0003.png", listed.replace("\\", "\\\\")))
    path.rename(tmp_path / "Transforms.json")
    assert len(load_capture(tmp_path).photos) == len(poses())


def test_a_depth_image_is_never_a_photograph(tmp_path: Path) -> None:
    path = write_transforms(tmp_path)
    content = json.loads(path.read_text())
    content["frames"][0]["depth_file_path"] = "depth/0000.png"
    path.write_text(json.dumps(content))
    assert load_capture(tmp_path).photos[0].depth is None
