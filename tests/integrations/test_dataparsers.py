"""Captures that nerfstudio's own dataparsers read, and the cameras of runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from nst3d.cameras.lens import BrownConrady, Fisheye
from nst3d.cli.main import main
from nst3d.errors import ConfigError, InputError
from nst3d.formats.captures.registry import load_capture
from nst3d.formats.nerfstudio.run import NerfstudioRun
from nst3d.images.io import write_image
from nst3d.limits import Limits, limited
from nst3d.pipeline.jobs.make_capture import CaptureOptions, capture_mesh
from nst3d.tensors import ImageSize

reason = "nerfstudio is not installed: pip install 'nst3d[nerfstudio]'"
pytest.importorskip("nerfstudio", reason=reason)
pytestmark = pytest.mark.filterwarnings("ignore")

PARSER = "nerfstudio.data.dataparsers.nerfstudio_dataparser.NerfstudioDataParserConfig"


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    """nerfstudio warns when it is imported."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import nerfstudio.configs.dataparser_configs  # noqa: F401


@pytest.fixture(scope="module")
def data(scenes_dir, tmp_path_factory) -> Path:
    """21 photographs of the lighthouse."""
    folder = tmp_path_factory.mktemp("data")
    mesh = next((scenes_dir / "lighthouse").glob("*.glb"))
    capture_mesh(mesh, folder, CaptureOptions(views=21, size=ImageSize(24, 32)))
    return folder


def changed(data: Path, to: Path, **values: object) -> Path:
    """The data with other values in transforms.json; photographs stay where they are."""
    content = json.loads((data / "transforms.json").read_text())
    for frame in content["frames"]:
        frame["file_path"] = str(data / frame["file_path"])
    to.mkdir(exist_ok=True)
    (to / "transforms.json").write_text(json.dumps(content | values))
    return to


def run_on(data: Path, folder: Path, **settings: object) -> NerfstudioRun:
    """A run, as far as its cameras go; its frame is what nerfstudio's dataparser says of the data."""
    from nerfstudio.data.dataparsers.nerfstudio_dataparser import NerfstudioDataParserConfig

    outputs = NerfstudioDataParserConfig(data=data, **settings).setup().get_dataparser_outputs("train")
    folder.mkdir(parents=True, exist_ok=True)
    outputs.save_dataparser_transform(folder / "dataparser_transforms.json")
    frame = json.loads((folder / "dataparser_transforms.json").read_text())
    parser = {"_class": PARSER, "data": ".", **settings}
    config = {"pipeline": {"datamanager": {"data": str(data), "dataparser": parser}}}
    return NerfstudioRun(folder, config, "nerfacto", 0, {}, np.array(frame["transform"]), frame["scale"])


def load(name: str, folder: Path):
    from nst3d.integrations.nerfstudio.dataparsers import load_with

    return load_with(name, folder)


def cameras_of(run: NerfstudioRun, data: Path | None = None):
    from nst3d.integrations.nerfstudio.dataparsers import run_cameras

    with limited(Limits(outside=True)):  # the data lies in another test's folder
        return run_cameras(run, data)


def test_photographs_lie_where_nerfstudio_puts_them(data):
    read, own = load("nerfstudio-data", data), {p.name: p for p in load_capture(data).photos}
    assert (len(read.of("train")), len(read.of("test"))) == (19, 2)
    pairs = [(p.camera, own[p.name].camera) for p in read.photos]
    here, there = (np.stack([c.position for c in side]) for side in zip(*pairs))
    scale = np.linalg.norm(here[0] - here[1]) / np.linalg.norm(there[0] - there[1])
    turn = pairs[0][0].camera_to_world[:3, :3] @ pairs[0][1].camera_to_world[:3, :3].T
    np.testing.assert_allclose(here, scale * (there - there.mean(0)) @ turn.T + here.mean(0), atol=1e-5)
    assert np.abs(here).max() == pytest.approx(1, abs=1e-5)
    for new, old in pairs:
        np.testing.assert_allclose(new.forward, turn @ old.forward, atol=1e-5)
        assert (new.size, new.centre) == (old.size, old.centre)
        assert new.focal == pytest.approx(old.focal, rel=1e-6)


def test_rays_are_nerfstudios(data, tmp_path):
    from nerfstudio.data.dataparsers.nerfstudio_dataparser import NerfstudioDataParserConfig

    for values in (
        {"camera_model": "OPENCV", "k1": 0.05, "k2": -0.02, "k3": 0.01, "p1": 0.002, "p2": -0.001},
        {"camera_model": "OPENCV_FISHEYE", "k1": 0.05, "k2": -0.02, "k3": 0.01, "k4": 0.003},
    ):
        folder = changed(data, tmp_path / values["camera_model"], **values)
        photo = load("nerfstudio-data", folder).photos[0]
        assert type(photo.camera.lens) is (Fisheye if "FISHEYE" in values["camera_model"] else BrownConrady)
        parser = NerfstudioDataParserConfig(data=folder, downscale_factor=1).setup()
        outputs = parser.get_dataparser_outputs("train")
        index = [str(p) for p in outputs.image_filenames].index(str(photo.path))
        theirs = outputs.cameras.generate_rays(camera_indices=index, keep_shape=True)
        origin, rays = photo.camera.rays()
        np.testing.assert_allclose(origin, theirs.origins[0, 0].numpy(), atol=1e-6)
        unit = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
        np.testing.assert_allclose(unit, theirs.directions.numpy(), atol=2e-5)


def test_blender_data_keeps_its_frame_its_split_and_white(data, tmp_path):
    content = json.loads((data / "transforms.json").read_text())
    photograph = np.full((24, 24, 4), 0.5, np.float32)
    for split, frames in (("train", content["frames"][:4]), ("test", content["frames"][4:6])):
        listed = [{**f, "file_path": f"./{split}/{i}"} for i, f in enumerate(frames)]
        (tmp_path / split).mkdir()
        for i in range(len(frames)):
            write_image(tmp_path / split / f"{i}.png", photograph)
        told = json.dumps({"camera_angle_x": 0.7, "frames": listed})
        (tmp_path / f"transforms_{split}.json").write_text(told)
    read, own = load("blender-data", tmp_path), load_capture(tmp_path)
    assert read.background == (1.0, 1.0, 1.0)
    assert [p.split for p in read.photos] == ["train"] * 4 + ["test"] * 2
    for a, b in zip(read.photos, own.photos):
        np.testing.assert_allclose(a.camera.camera_to_world, b.camera.camera_to_world, atol=1e-6)
        assert a.camera.focal == pytest.approx(b.camera.focal, rel=1e-5)


def test_what_is_missing_or_not_used_is_told(data, tmp_path):
    content = json.loads((data / "transforms.json").read_text())
    frames = [f | {"mask_path": "mask.png"} for f in content["frames"]]
    frames[3]["file_path"] = "images/lost.png"
    frames = [f | {"file_path": str(data / f["file_path"])} for f in frames]
    read = load("nerfstudio-data", changed(data, tmp_path, frames=frames))
    assert len(read.photos) == 20
    assert any("lost.png" in note for note in read.notes)
    assert any("masks" in note for note in read.notes)


def test_errors_are_one_line_that_names_what_is_wrong(data, tmp_path):
    with pytest.raises(ConfigError, match=r"`dataparser` nope: .*blender-data, colmap"):
        load("nope", data)
    with pytest.raises(ConfigError, match="pickles"):
        load("minimal-parser", data)
    with pytest.raises(InputError, match="nerfstudio's colmap cannot read its train part"):
        load("colmap", data)
    with pytest.raises(InputError, match="no such file or folder"):
        load("nerfstudio-data", tmp_path / "nowhere")
    with pytest.raises(InputError, match="EQUIRECTANGULAR, expected PERSPECTIVE or FISHEYE"):
        load("nerfstudio-data", changed(data, tmp_path / "round", camera_model="EQUIRECTANGULAR"))
    with pytest.raises(InputError, match=r"k4 0.1 in a perspective lens"):
        load("nerfstudio-data", changed(data, tmp_path / "odd", camera_model="OPENCV", k1=0.0, k4=0.1))


def test_a_runs_cameras_are_in_its_frame_with_its_settings(data, tmp_path):
    run = run_on(data, tmp_path / "outputs/rock/nerfacto/now", scale_factor=2.0, center_method="none")
    read = cameras_of(run)
    own = {p.name: p.camera for p in load_capture(data).photos}
    for photo in read.photos:
        wanted = run.scale * (run.transform[:, :3] @ own[photo.name].position + run.transform[:, 3])
        np.testing.assert_allclose(photo.camera.position, wanted, atol=1e-5)
    assert max(np.abs(p.camera.position).max() for p in read.photos) == pytest.approx(2, abs=1e-5)


def test_cameras_of_data_that_changed_since_are_moved_into_the_runs_frame(data, tmp_path):
    run = run_on(data, tmp_path / "run")
    content = json.loads((data / "transforms.json").read_text())
    frames = [f | {"file_path": str(data / f["file_path"])} for f in content["frames"][:8]]
    fewer = changed(data, tmp_path / "fewer", frames=frames)
    before = {Path(p.name).name: p.camera for p in cameras_of(run).photos}
    now = cameras_of(run, fewer)
    assert any("moved to fit" in note for note in now.notes)
    for photo in now.photos:
        was = before[Path(photo.name).name].camera_to_world
        np.testing.assert_allclose(photo.camera.camera_to_world, was, atol=1e-5)


def test_a_run_whose_data_moved_asks_for_it(data, tmp_path):
    run = run_on(data, tmp_path / "outputs/rock/nerfacto/now")
    there = run.config["pipeline"]["datamanager"]["dataparser"]
    gone = {"pipeline": {"datamanager": {"data": "gone/rock", "dataparser": there}}}
    moved = dataclasses.replace(run, config=gone)
    with pytest.raises(InputError, match=r"its data is no longer in gone/rock; give `data`, its folder"):
        cameras_of(moved)
    assert len(cameras_of(moved, data).photos) == 21
    # A relative path is looked for where outputs/ is, too: nerfstudio was started there.
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "rock").symlink_to(data)
    assert len(cameras_of(moved).photos) == 21
    other = {"pipeline": {"datamanager": {"data": str(data), "dataparser": {"_class": "other.Config"}}}}
    with pytest.raises(InputError, match=r"its dataparser other.Config is not available"):
        cameras_of(dataclasses.replace(run, config=other))


def test_inspect_reads_a_capture_with_a_dataparser(data, capsys):
    assert main(["inspect", str(data), "--dataparser", "instant-ngp-data"]) == 0
    assert "kind: capture (nerfstudio's instant-ngp-data)" in capsys.readouterr().out
    assert main(["inspect", str(data), "--dataparser", "nope"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
