"""Photographs and videos become captures; the cameras are known to a stand-in for the package that finds them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from capture_samples import poses, quaternion, write_pictures
from PIL import Image

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.formats.captures.registry import load_capture
from nst3d.pipeline.captures.poses import PosesFound
from nst3d.pipeline.jobs.capture import CaptureJob, run_capture
from nst3d.pipeline.kinds.bridges import Bridges
from nst3d.pipeline.settings.capture import PoseOptions
from nst3d.video.encode import write_mp4

COUNT = 10


class StandIn:
    """Places the stills on a circle, but for those in `lost`; `stop`s, or fails, if it shall."""

    def __init__(self, lost=(), others=(), stop=False, error=None) -> None:
        self.lost, self.others, self.stop, self.error = lost, others, stop, error
        self.tasks = []

    def bridges(self) -> Bridges:
        return Bridges(pose_finder=lambda: self.find)

    def find(self, task, count, stopped):
        self.tasks.append(task)
        assert {p.name for p in task.images.iterdir()} >= {still.name for still in task.stills}
        (task.work / "database.db").write_bytes(b"features")
        if self.error:
            raise self.error
        if self.stop:
            return None
        names = [still.name for still in task.stills if still.name not in self.lost]
        task.model.mkdir(parents=True, exist_ok=True)
        cameras, lines = "", ""
        for i, (name, pose) in enumerate(zip(names, poses(len(names)))):
            height, width = next(still.size for still in task.stills if still.name == name)
            cameras += f"{i} RADIAL {width} {height} 40 {width / 2} {height / 2} 0.02 -0.01\n"
            turned = pose[:3, :3].T
            values = " ".join(repr(float(v)) for v in (*quaternion(turned), *(-turned @ pose[:3, 3])))
            lines += f"{i + 1} {values} {i} {name}\n\n"
        (task.model / "cameras.txt").write_text(cameras)
        (task.model / "images.txt").write_text(lines)
        return PosesFound(tuple(names), 1234, 0.5678, self.others)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    write_pictures(folder, [f"{i:02d}.png" for i in range(COUNT)])
    return folder


def run(job, stand_in=None, notes=None):
    return run_capture(
        job, [].append if notes is None else notes.append, bridges=(stand_in or StandIn()).bridges()
    )


def test_a_capture_is_written(photos, tmp_path) -> None:
    out, notes = tmp_path / "out", []
    done = run(CaptureJob(photos, out), notes=notes)
    assert done.paths == (out / "transforms.json", out / "sparse" / "0", out / "metrics.json")
    assert not notes
    assert {p.name for p in out.iterdir()} == {
        "transforms.json",
        "sparse",
        "metrics.json",
        "images",
        "colmap",
    }
    capture = load_capture(out)
    assert capture.kind == "transforms.json"
    assert capture.up.tolist() == [0, 0, 1]
    assert [p.path for p in capture.photos] == [out / "images" / f"{i:02d}.png" for i in range(COUNT)]
    for photo, pose in zip(capture.photos, poses(COUNT)):
        assert photo.camera.camera_to_world == pytest.approx(pose, abs=1e-9)
        assert (photo.camera.focal, photo.camera.lens.k1, photo.camera.lens.k2) == (40, 0.02, -0.01)
    for i in range(COUNT):
        assert (out / "images" / f"{i:02d}.png").read_bytes() == (photos / f"{i:02d}.png").read_bytes()
    numbers = json.loads((out / "metrics.json").read_text())
    assert numbers == done.metrics
    assert (numbers["photographs"], numbers["with_camera"], numbers["points"]) == (COUNT, COUNT, 1234)
    assert (numbers["reprojection_error"], numbers["without_camera"], numbers["other_sets"]) == (
        0.568,
        [],
        [],
    )


def test_photographs_without_a_camera_are_named_with_advice(photos, tmp_path) -> None:
    notes: list[str] = []
    done = run(CaptureJob(photos, tmp_path / "out"), StandIn(["03.png", "07.png"]), notes)
    assert done.metrics["without_camera"] == ["03.png", "07.png"]
    assert len(load_capture(tmp_path / "out").photos) == COUNT - 2
    assert notes[0] == "2 photographs fit nowhere and are left out: 03.png, 07.png"
    assert "overlap" in notes[1]
    assert "`size`" in notes[1]


def test_sets_that_do_not_fit_together_are_reported(photos, tmp_path) -> None:
    notes: list[str] = []
    lost = [f"{i:02d}.png" for i in range(6, 10)]
    done = run(CaptureJob(photos, tmp_path / "out"), StandIn(lost, others=(4,)), notes)
    assert done.metrics["other_sets"] == [4]
    assert "sets of 4 photographs fit together but not with the rest" in notes[1]


def test_photographs_are_turned_upright_and_names_made_plain(photos, tmp_path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = 6, "Phone"
    exif.get_ifd(0x8769)[0xA405] = 26
    colours = np.zeros((24, 32, 3), np.uint8)
    colours[:, :16] = 255  # the left half is white, the upper one once it is turned
    Image.fromarray(colours).save(photos / "é my 1.jpg", exif=exif, quality=95)
    Image.fromarray(colours).save(photos / "ü my 1.jpg", quality=95)
    Image.fromarray(colours).save(photos / "z.tif")
    (photos / ".hidden.png").write_bytes(b"nothing")
    stand_in = StandIn()
    run(CaptureJob(photos, tmp_path / "out"), stand_in)
    stills = {still.name: still for still in stand_in.tasks[0].stills}
    assert len(stills) == COUNT + 3
    assert {name for name in stills if name[0] not in "01"} == {"_my_1.jpg", "_my_1_2.jpg", "z.png"}
    (turned,) = (still for still in stills.values() if still.camera)
    assert (turned.size, turned.camera) == ((32, 24), "Phone")
    assert turned.focal == pytest.approx(26 * 40 / np.hypot(36, 24))
    with Image.open(tmp_path / "out" / "images" / turned.name) as image:
        assert image.size == (24, 32)
        assert not image.getexif()
        assert np.asarray(image)[:14].min() > 200
        assert np.asarray(image)[18:].max() < 50
    with Image.open(tmp_path / "out" / "images" / "z.png") as image:
        assert (np.asarray(image) == colours).all()


@pytest.mark.parametrize("name", ["images", "input"])
def test_a_folder_inside_is_found(photos, tmp_path, name) -> None:
    (tmp_path / "in").mkdir()
    photos.rename(tmp_path / "in" / name)
    assert run(CaptureJob(tmp_path / "in", tmp_path / "out")).metrics["photographs"] == COUNT


def test_a_video_gives_frames(tmp_path) -> None:
    wide = np.kron(np.random.default_rng(0).random((16, 60, 3)), np.ones((4, 4, 1))).astype(np.float32)
    write_mp4(tmp_path / "walk.mp4", (wide[:, i : i + 96] for i in range(120)), 24)
    stand_in = StandIn()
    run(CaptureJob(tmp_path / "walk.mp4", tmp_path / "out", PoseOptions(frames=12)), stand_in)
    (task,) = stand_in.tasks
    assert task.ordered
    assert len(task.stills) == 12
    assert len({(s.size, s.camera, s.focal) for s in task.stills}) == 1
    numbers = [int(s.name[6:11]) for s in task.stills]
    assert numbers == sorted(numbers)
    assert np.diff(numbers).max() < 25
    for still in task.stills:
        with Image.open(task.images / still.name) as image:
            left = np.asarray(image)[:, :40] / 255
        number = int(still.name[6:11])
        assert np.abs(left - wide[:, number : number + 40]).mean() < 0.1


def test_resume_takes_the_stills_that_are_there(photos, tmp_path) -> None:
    job = CaptureJob(photos, tmp_path / "out")
    stopped = run(job, StandIn(stop=True))
    assert stopped.interrupted
    assert not stopped.paths
    assert not (job.out / "transforms.json").exists()
    marked = job.out / "images" / "00.png"
    Image.new("RGB", (32, 24)).save(marked)
    before = marked.read_bytes()
    assert len(run(replace(job, resume=True)).paths) == 3
    assert marked.read_bytes() == before
    assert len(load_capture(job.out).photos) == COUNT


def test_resume_needs_the_same_job(photos, tmp_path) -> None:
    job = CaptureJob(photos, tmp_path / "out", resume=True)
    with pytest.raises(InputError, match="nothing to resume; leave out `resume`"):
        run(job)
    assert not job.out.exists()
    run(replace(job, resume=False), StandIn(stop=True))
    other = replace(job, options=PoseOptions(size=500))
    with pytest.raises(ConfigError, match="other photographs or settings"):
        run(other)
    run(replace(job, options=PoseOptions(threads=1)))
    Image.new("RGB", (32, 24)).save(photos / "99.png")
    with pytest.raises(ConfigError, match="other photographs or settings"):
        run(job)
    job.record.write_text("{")
    with pytest.raises(InputError, match=r"stills\.json: cannot be read"):
        run(job)


def test_overwrite_replaces_an_earlier_run_and_nothing_else(photos, tmp_path) -> None:
    job = CaptureJob(photos, tmp_path / "out")
    run(job)
    (job.out / "images" / "own.txt").write_text("mine")
    with pytest.raises(OutputError, match="give `overwrite`"):
        run(job)
    (photos / "00.png").unlink()
    stand_in = StandIn(error=InputError("none fit"))
    with pytest.raises(InputError, match="none fit"):
        run(replace(job, overwrite=True), stand_in)
    assert {p.name for p in job.out.iterdir()} == {"images", "sparse", "colmap"}
    names = {f"{i:02d}.png" for i in range(1, COUNT)}
    assert {p.name for p in (job.out / "images").iterdir()} == {"own.txt", *names}
    run(replace(job, overwrite=True))
    assert len(load_capture(job.out).photos) == COUNT - 1


def test_an_earlier_run_stays_if_the_photographs_cannot_be_read(photos, tmp_path) -> None:
    job = CaptureJob(photos, tmp_path / "out", overwrite=True)
    run(job)
    before = {p: p.read_bytes() for p in job.out.rglob("*") if p.is_file()}
    (photos / "05.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"05\.png: not a readable picture"):
        run(job)
    assert {p: p.read_bytes() for p in job.out.rglob("*") if p.is_file()} == before


def test_nothing_is_left_of_a_folder_that_was_not_filled(photos, tmp_path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(photos / "05.jpg")
    (photos / "05.jpg").write_bytes((photos / "05.jpg").read_bytes()[:2000])  # its header is whole
    with pytest.raises(InputError, match=r"05\.jpg: the picture is damaged"):
        run(CaptureJob(photos, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda p: p / "none", "no such file or folder, expected a folder of photographs or a video"),
        (lambda p: p / "a.txt", "is neither a folder nor a video"),
        (lambda p: p / "two", "has 2 photographs; at least 3 are needed"),
        (lambda p: p / "empty", "has 0 photographs; at least 3"),
        (
            lambda p: p / "phone",
            "has 1 photographs that can be read, and 2 in HEIC, which cannot; convert those",
        ),
        (lambda p: p / "bad.mp4", "cannot be read as a video"),
        (lambda p: p / "missing.mov", "no such file, expected a video"),
        (lambda p: p / "short.mp4", "has 2 frames; at least 3 are needed"),
    ],
)
def test_what_cannot_be_captured(tmp_path, make, says) -> None:
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "bad.mp4").write_text("words")
    (tmp_path / "empty").mkdir()
    write_pictures(tmp_path / "two", ["1.png", "2.png"])
    write_pictures(tmp_path / "phone", ["1.png"])
    for name in ("2.HEIC", "3.heif"):
        (tmp_path / "phone" / name).write_bytes(b"words")
    write_mp4(tmp_path / "short.mp4", np.zeros((2, 32, 32, 3), np.float32), 24)
    with pytest.raises(InputError, match=says):
        run(CaptureJob(make(tmp_path), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_photographs_in_the_output_folder_are_safe(photos) -> None:
    for source, out in ((photos, photos), (photos, photos.parent)):
        with pytest.raises(ConfigError, match=r"lies in .*, which is written to; give another `out`"):
            run(CaptureJob(source, out, overwrite=True))
    assert len(list(photos.iterdir())) == COUNT


def test_without_the_package_nothing_is_done(photos, tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"bridges=nst3d\.BRIDGES"):
        run_capture(CaptureJob(photos, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
