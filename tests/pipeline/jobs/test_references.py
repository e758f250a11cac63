"""A view that was painted over is baked into the scene as it is, and the rest of the scene follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from npz_samples import field_of
from small_splats import ball
from tiny_jobs import TINY, Listener

from nst3d import run_job, save
from nst3d.cli.main import main
from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.jobs.for_painting import ForPaintingJob, run_for_painting
from nst3d.pipeline.jobs.painter import Painter
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.teachers.reference import Reference
from nst3d.tensors import Image, ImageSize

SIZE = ImageSize(64, 64)
STILL = replace(TINY, schedule=Schedule((Stage(64, 0, 0.02),)))
"""No steps: what is painted comes from the references."""


@pytest.fixture(scope="session")
def scenes(inputs) -> Path:
    save(inputs / "references.npz", field_of())
    save(inputs / "references.ply", ball(300, degree=0))
    return inputs


def rendered(scene: Path, out: Path, *views: str, size: ImageSize = SIZE) -> Path:
    run_for_painting(ForPaintingJob(scene, out, views or ("front",), size))
    return out / f"{(views or ('front',))[0]}.png"


def tinted(picture: Path, factor: tuple[float, float, float] = (0.5, 0.9, 0.6)) -> Path:
    """Paint over everything, smoothly."""
    write_image(picture, read_image(picture).pixels * np.array(factor, np.float32))
    return picture


def errors(picture: Path, out: Path, suffix: str) -> np.ndarray:
    """The largest difference of a channel, of 255, in each pixel between a painted picture and the painted scene."""
    painted, alpha = read_image(picture).pixels, read_image(picture.with_name("front_original.png")).alpha
    again = read_image(rendered(out / f"painted{suffix}", out / "again")).pixels
    return np.abs(again - painted).max(2)[alpha >= 0.99] * 255


def test_splats_show_the_view_again_as_it_was_painted(scenes, tmp_path) -> None:
    scene = scenes / "references.ply"
    picture = tinted(rendered(scene, tmp_path / "views"))
    run_job(Job(scene, (), tmp_path / "out", STILL, references=picture))
    assert errors(picture, tmp_path / "out", ".ply").max() <= 2.01


def test_a_mesh_shows_the_view_again_as_it_was_painted(scenes, tmp_path) -> None:
    scene = scenes / "cube.obj"
    picture = tinted(rendered(scene, tmp_path / "views"))
    config = replace(STILL, output=replace(STILL.output, formats=("obj",)))
    found = run_job(Job(scene, (), tmp_path / "out", config, references=picture))
    assert found.metrics["losses"]["reference"] ** 0.5 * 255 <= 1  # through the views that paint
    assert np.quantile(errors(picture, tmp_path / "out", ".obj"), 0.95) <= 2.01  # through other samples


@pytest.mark.parametrize("scene", ["cube.obj", "references.ply"])
def test_a_picture_that_nobody_painted_changes_nothing(scene, scenes, tmp_path, monkeypatch) -> None:
    picture = rendered(scenes / scene, tmp_path / "views")
    painted = []
    result = Painter.result
    monkeypatch.setattr(
        Painter, "result", lambda self: painted.append((self.subject, result(self))) or painted[-1][1]
    )
    listener = Listener()
    run_job(Job(scenes / scene, (), tmp_path / "out", TINY, references=picture), [listener])
    ((subject, table),) = painted
    assert np.array_equal(table, subject.start.numpy())
    assert any("nothing to spread" in note for note in listener.notes)


def test_the_side_that_is_not_seen_is_painted_alike(scenes, tmp_path) -> None:
    scene = scenes / "references.ply"
    picture = rendered(scene, tmp_path / "views", "front", "back")
    before = read_image(picture.with_name("back_original.png"))
    run_job(Job(scene, (), tmp_path / "out", STILL, references=tinted(picture, (0.2, 1.0, 1.0))))
    after = read_image(rendered(tmp_path / "out" / "painted.ply", tmp_path / "again", "back")).pixels
    change = (after - before.pixels)[before.alpha >= 0.99].mean(0)
    assert change[0] < -0.2
    assert abs(change[1:]).max() < 0.1


def test_of_two_references_the_first_decides(scenes, tmp_path) -> None:
    scene = scenes / "references.ply"
    first = tinted(rendered(scene, tmp_path / "a"), (0.5, 0.8, 0.6))
    second = tinted(rendered(scene, tmp_path / "b"), (0.8, 0.4, 0.8))
    run_job(Job(scene, (), tmp_path / "out", STILL, references=(first, second)))
    assert errors(first, tmp_path / "out", ".ply").max() <= 2.01


def test_what_one_reference_leaves_alone_another_may_paint(scenes, tmp_path) -> None:
    scene = scenes / "references.ply"
    untouched = rendered(scene, tmp_path / "a")
    painted = tinted(rendered(scene, tmp_path / "b"))
    run_job(Job(scene, (), tmp_path / "out", STILL, references=(untouched, painted)))
    assert errors(painted, tmp_path / "out", ".ply").max() <= 2.01


def test_a_picture_of_another_size_is_resized(scenes, tmp_path) -> None:
    picture = tinted(rendered(scenes / "cube.obj", tmp_path / "views"))
    pixels = read_image(picture).pixels
    write_image(picture, pixels.repeat(2, 0).repeat(2, 1))
    listener = Listener()
    run_job(Job(scenes / "cube.obj", (), tmp_path / "out", STILL, references=picture), [listener])
    assert any("is 128 x 128 pixels, resized to 64 x 64" in note for note in listener.notes)


def painted_wrong(picture: Path, how: str) -> Path:
    if how == "aspect":
        write_image(picture, read_image(picture).pixels[:40])
    elif how == "camera":
        picture.with_suffix(".json").unlink()
    elif how == "original":
        picture.with_name("front_original.png").unlink()
    elif how == "json":
        values = json.loads(picture.with_suffix(".json").read_text())
        picture.with_suffix(".json").write_text(json.dumps(values | {"focal": "wide"}))
    elif how == "foreign":
        picture.with_suffix(".json").write_text("{}")
    return picture


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("aspect", r"front\.png: is 64 x 40 pixels, expected the shape of 64 x 64"),
        ("camera", r"front\.png: its camera is missing: expected front\.json beside it"),
        ("original", r"front_original\.png: no such file"),
        ("json", r"front\.json: focal is 'wide', expected a finite number"),
        ("foreign", r"front\.json: is not the camera of a picture"),
    ],
)
def test_pictures_that_do_not_fit_are_refused(how, says, scenes, tmp_path) -> None:
    picture = painted_wrong(tinted(rendered(scenes / "cube.obj", tmp_path / "views")), how)
    with pytest.raises(InputError, match=says) as error:
        run_job(Job(scenes / "cube.obj", (), tmp_path / "out", STILL, references=picture))
    assert "\n" not in str(error.value)


def test_a_picture_of_another_scene_is_refused(scenes, tmp_path) -> None:
    picture = tinted(rendered(scenes / "cube.obj", tmp_path / "views"))
    with pytest.raises(InputError, match=r"front\.png: shows another scene"):
        run_job(Job(scenes / "references.ply", (), tmp_path / "out", STILL, references=picture))


def test_the_scenes_own_cameras_and_angles_are_views(scenes, tmp_path) -> None:
    rendered(scenes / "references.npz", tmp_path / "views", "0", "-20,10,1.5")
    wide, near = (read_image(tmp_path / "views" / name).pixels for name in ("camera_0.png", "-20_10_1.5.png"))
    assert wide.shape == near.shape == (64, 64, 3)


def test_a_field_takes_references(scenes, tmp_path) -> None:
    scene = scenes / "references.npz"
    picture = tinted(rendered(scene, tmp_path / "views"))
    before = np.abs(read_image(picture).pixels - read_image(picture.with_name("front_original.png")).pixels)
    run_job(Job(scene, (), tmp_path / "out", STILL, references=picture))
    assert errors(picture, tmp_path / "out", ".npz").mean() < 0.3 * before.mean() * 255


def test_pictures_and_videos_take_no_references(scenes, tmp_path) -> None:
    picture = tinted(rendered(scenes / "cube.obj", tmp_path / "views"))
    with pytest.raises(
        ConfigError, match="`references` is for voxel fields, splats, point clouds and meshes"
    ):
        run_job(Job(scenes / "photo.png", (), tmp_path / "out", STILL, references=picture))


@pytest.mark.parametrize(
    ("view", "says"),
    [
        ("side", "view 'side' is not known: choose front, back"),
        ("3", "the scene's own cameras are none"),
        ("0,95", "expected an elevation from -90 to 90"),
        ("0,5,0", "a distance above 0"),
    ],
)
def test_views_that_are_not_known_are_refused(view, says, scenes, tmp_path) -> None:
    with pytest.raises(ConfigError, match=says):
        run_for_painting(ForPaintingJob(scenes / "cube.obj", tmp_path / "views", (view,), SIZE))
    assert not (tmp_path / "views").exists()


def test_a_picture_that_was_painted_over_is_not_replaced(scenes, tmp_path) -> None:
    job = ForPaintingJob(scenes / "cube.obj", tmp_path / "views", ("back", "front"), SIZE, overwrite=True)
    run_for_painting(job)
    run_for_painting(job)  # as they were rendered
    picture = tinted(tmp_path / "views" / "front.png")
    painted = picture.read_bytes()
    with pytest.raises(OutputError, match=r"front\.png: differs from what was rendered.*another `out`"):
        run_for_painting(job)
    assert picture.read_bytes() == painted
    picture.with_suffix(".json").unlink()  # whose it is can no longer be told
    with pytest.raises(OutputError, match=r"front\.png"):
        run_for_painting(job)


def test_how_close_the_view_came_is_told(scenes, tmp_path) -> None:
    scene = scenes / "cube.obj"
    picture = tinted(rendered(scene, tmp_path / "views"))
    listener = Listener()
    found = run_job(Job(scene, (), tmp_path / "out", STILL, references=picture), [listener])
    (fit,) = found.metrics["references"]
    assert fit["within_2"] > 0.98
    assert fit["name"] == "front"
    told = (
        f"reference front: {fit['within_2']:.1%} of its {fit['pixels']:,} pixels are within 2 of 255 levels"
    )
    assert any(note.startswith(told) for note in listener.notes)


def test_in_a_style_strokes_are_held_and_the_rest_is_painted(scenes, tmp_path) -> None:
    scene = scenes / "references.ply"
    picture = rendered(scene, tmp_path / "views")
    before = read_image(picture).pixels
    stroke = before.copy()
    stroke[20:44] = (0.1, 0.8, 0.2)
    write_image(picture, stroke)
    style = (scenes / "photo.png",)
    run_job(Job(scene, style, tmp_path / "out", TINY, references=picture))
    again = read_image(rendered(tmp_path / "out" / "painted.ply", tmp_path / "again")).pixels
    solid = read_image(picture.with_name("front_original.png")).alpha >= 0.99
    held = np.abs(again - stroke)[30:34][solid[30:34]]
    assert held.mean() < 0.02
    assert np.abs(again - before)[:14][solid[:14]].mean() > 0.05


def test_highlights_that_are_kept_are_no_paint(scenes, tmp_path) -> None:
    scene = save(tmp_path / "shining.ply", ball(300, degree=1))[0]
    picture = tinted(rendered(scene, tmp_path / "views"))
    run_job(Job(scene, (), tmp_path / "out", replace(STILL, keep_specular=1.0), references=picture))
    assert errors(picture, tmp_path / "out", ".ply").max() <= 2.01


def test_the_two_commands(scenes, tmp_path, capsys) -> None:
    scene, views = str(scenes / "references.ply"), tmp_path / "views"
    assert (
        main(
            [
                "render",
                scene,
                "--for-painting",
                "--view",
                "front",
                "30,20",
                "--size",
                "64",
                "--out",
                str(views),
            ]
        )
        == 0
    )
    assert sorted(p.name for p in views.iterdir()) == sorted(
        f"{name}{end}" for name in ("front", "30_20") for end in (".png", "_original.png", ".json")
    )
    picture = str(tinted(views / "front.png"))
    out = ["--out", str(tmp_path / "out"), "--size", "64"]
    assert main(["paint", scene, "--reference", picture, "--quiet", *out]) == 0
    assert errors(Path(picture), tmp_path / "out", ".ply").max() <= 2.01


def test_small_differences_count_as_left_alone(inputs) -> None:
    original = Image(torch.full((2, 2, 3), 0.5))
    painted = original.clone()
    painted[0, 0] += 2 / 255
    painted[1, 1, 2] += 4 / 255
    changed = Reference(None, original, Image(painted)).changed
    assert changed.tolist() == [[False, False], [False, True]]
