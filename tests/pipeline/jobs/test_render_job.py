"""Whole renders, of a mesh and of splats in memory, and what is left of one that was stopped."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image
from small_meshes import cube, mesh_of, noise

from nst3d.errors import ConfigError, InputError, MissingDependencyError, OutputError
from nst3d.formats.mesh_files import save_mesh
from nst3d.images.io import read_image
from nst3d.pipeline.jobs import render as render_job
from nst3d.pipeline.jobs.render import run_render
from nst3d.pipeline.jobs.render_options import Compare, FrameOutput, RenderJob
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import ImageSize

SMALL = ImageSize(32, 48)
UNLIT = SceneOptions(lighting="none")
"""Light would clip colours, and clipped ones do not mix."""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cube.glb and painted.glb: the same, in other colours."""
    folder = tmp_path_factory.mktemp("scenes")
    mesh = mesh_of(cube())
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=64))
    for seed, name in enumerate(("cube.glb", "painted.glb")):
        save_mesh(folder / name, mesh, paint, noise(paint.num_colours, 3, seed=seed))
    return folder


def job(
    scenes: Path, out: Path, *, frames: int = 4, compare: Compare | None = None, **output: object
) -> RenderJob:
    way = Way(frames=frames, size=SMALL)
    return RenderJob(
        scenes / "cube.glb", out, way, output=FrameOutput(**output), compare=compare or Compare()
    )  # type: ignore[arg-type]


def pictures(folder: Path) -> np.ndarray:
    return np.stack([read_image(p).pixels for p in sorted(folder.glob("frame_*.png"))])


class _Stops:
    """Ctrl-C after so many frames."""

    def __init__(self, after: int) -> None:
        self.after, self.notes = after, list[str]()

    def count(self, done: int, total: int) -> None:
        if done == self.after:
            raise KeyboardInterrupt

    def note(self, text: str) -> None:
        self.notes.append(text)


def stopped(task: RenderJob, after: int) -> _Stops:
    stops = _Stops(after)
    with pytest.raises(KeyboardInterrupt):
        run_render(task, stops.note, stops.count)
    return stops


def test_a_video_leaves_nothing_else(scenes: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    out = run_render(job(scenes, tmp_path / "a.mp4"), progress=lambda *n: seen.append(n))
    assert list(tmp_path.iterdir()) == [out]
    assert imageio_ffmpeg.count_frames_and_secs(str(out))[0] == 4
    assert seen == [(k, 4) for k in (1, 2, 3, 4)]


def test_a_stopped_video_goes_on_and_is_the_same(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_render(job(scenes, tmp_path / "whole.mp4", frames=5)).read_bytes()
    out = tmp_path / "a.mp4"
    stops = stopped(job(scenes, out, frames=5), after=3)
    assert stops.notes == ["3 of 5 frames are kept: run the same job with `resume` to continue"]
    assert not out.exists()
    assert len(list((tmp_path / ".a.mp4.frames").glob("frame_*.png"))) == 3
    drawn = []
    frame = render_job._Film.frame
    monkeypatch.setattr(render_job._Film, "frame", lambda film, k: drawn.append(k) or frame(film, k))
    run_render(job(scenes, out, frames=5, resume=True))
    assert drawn == [3, 4]
    assert out.read_bytes() == whole
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", "whole.mp4"}


def test_stopped_pictures_go_on(scenes: Path, tmp_path: Path) -> None:
    out, passes = tmp_path / "frames", ("depth", "opacity")
    run_render(job(scenes, tmp_path / "whole", passes=passes))
    stopped(job(scenes, out, passes=passes), after=2)
    with pytest.raises(OutputError, match="not empty"):
        run_render(job(scenes, out, passes=passes))
    run_render(job(scenes, out, passes=passes, resume=True))
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {
        p.name: p.read_bytes() for p in (tmp_path / "whole").iterdir()
    }


def test_only_the_same_render_is_resumed(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.mp4"
    with pytest.raises(InputError, match="no frames to resume from"):
        run_render(job(scenes, out, resume=True))
    assert list(tmp_path.iterdir()) == []
    task = job(scenes, out)
    stopped(task, after=2)
    resumed = job(scenes, out, resume=True)
    for name, other in (
        ("cameras", job(scenes, out, frames=6, resume=True)),
        ("settings", dataclasses.replace(resumed, look=SceneOptions(lighting="none"))),
        ("scenes", dataclasses.replace(resumed, scene=scenes / "painted.glb")),
        ("scenes", dataclasses.replace(resumed, then=[scenes / "painted.glb"])),
    ):
        with pytest.raises(ConfigError, match=f"made with other {name}; give the same {name}, or leave out"):
            run_render(other)
    assert len(list((tmp_path / ".a.mp4.frames").glob("frame_*.png"))) == 2
    stopped(task, after=1)  # without resume it begins anew
    assert len(list((tmp_path / ".a.mp4.frames").glob("frame_*.png"))) == 1
    run_render(resumed)
    assert list(tmp_path.iterdir()) == [out]


def test_a_fade_is_not_resumed_with_other_scenes(scenes: Path, tmp_path: Path) -> None:
    """Nor side by side with what it fades into."""
    a, b = scenes / "cube.glb", scenes / "painted.glb"
    task = dataclasses.replace(job(scenes, tmp_path / "a.mp4"), then=[b, a])
    stopped(task, after=2)
    resumed = dataclasses.replace(task, output=FrameOutput(resume=True))
    pair = dataclasses.replace(resumed, then=())
    for other in (dataclasses.replace(resumed, then=[b]), dataclasses.replace(pair, compare=Compare(b))):
        with pytest.raises(ConfigError, match="made with other scenes"):
            run_render(other)
    stopped(dataclasses.replace(task, then=[b]), after=1)
    with pytest.raises(ConfigError, match="made with other scenes"):
        run_render(dataclasses.replace(pair, compare=Compare(b)))
    mark = tmp_path / ".a.mp4.frames" / ".nst3d_render"
    mark.write_bytes(b"damaged")
    with pytest.raises(InputError, match="cannot be read; leave out `resume`"):
        run_render(resumed)


def test_before_beside_after(scenes: Path, tmp_path: Path) -> None:
    for name in ("cube", "painted"):
        task = job(scenes, tmp_path / name, frames=2)
        run_render(dataclasses.replace(task, scene=scenes / f"{name}.glb"))
    run_render(job(scenes, tmp_path / "both", frames=2, compare=Compare(scenes / "painted.glb")))
    both = [pictures(tmp_path / name) for name in ("painted", "cube")]
    np.testing.assert_array_equal(pictures(tmp_path / "both"), np.concatenate(both, axis=2))


def test_a_style_fades_in(scenes: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    compare = Compare(scenes / "painted.glb", (0.25, 0.75))
    task = dataclasses.replace(job(scenes, tmp_path / "fade", frames=8), look=SceneOptions("none"))
    run_render(dataclasses.replace(task, out=before, scene=scenes / "painted.glb"))
    run_render(dataclasses.replace(task, out=after))
    run_render(dataclasses.replace(task, compare=compare))
    strength = np.clip((np.arange(8) / 8 - 0.25) / 0.5, 0, 1)[:, None, None, None]
    mixed = pictures(before) * (1 - strength) + pictures(after) * strength
    np.testing.assert_allclose(pictures(tmp_path / "fade"), mixed, atol=1.01 / 255)


def test_passes_as_png(scenes: Path, tmp_path: Path) -> None:
    run_render(job(scenes, tmp_path / "a.mp4", frames=2, passes=("depth", "opacity")))
    folder = tmp_path / "a_passes"
    names = [f"{name}_{k:05d}.png" for name in ("depth", "opacity") for k in (0, 1)]
    assert sorted(p.name for p in folder.iterdir()) == sorted([*names, "depth.json"])
    scale = json.loads((folder / "depth.json").read_text())
    depth, opacity = (
        np.asarray(Image.open(folder / f"{n}_00000.png")).astype(int) for n in ("depth", "opacity")
    )
    assert depth.shape == opacity.shape == SMALL
    seen = depth < scale["nothing"]
    assert seen[16, 24]
    assert not seen[0, 0]
    assert opacity[16, 24] == 65535
    assert opacity[0, 0] == 0
    # The cube has a half diagonal of 1, and is seen from outside.
    far = scale["far"] / 2
    assert far - 2.01 < depth[seen].min() * scale["depth_per_level"] < far


def test_passes_as_exr(scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("OpenEXR") is None:
        with pytest.raises(MissingDependencyError, match="OpenEXR"):
            FrameOutput(passes=("depth",), pass_format="exr")
        return
    import OpenEXR

    run_render(job(scenes, tmp_path / "frames", frames=1, passes=("depth", "opacity"), pass_format="exr"))
    depth, opacity = (
        OpenEXR.File(str(tmp_path / "frames" / f"{name}_00000.exr")).channels()[channel].pixels
        for name, channel in (("depth", "Z"), ("opacity", "A"))
    )
    assert depth.dtype == opacity.dtype == np.float32
    assert depth.shape == SMALL
    assert np.isinf(depth[0, 0])
    assert np.isfinite(depth[16, 24])
    np.testing.assert_array_equal(opacity > 0.99, np.isfinite(depth) & (opacity > 0.99))


def test_a_path_outside_is_rendered_with_a_note(scenes: Path, tmp_path: Path) -> None:
    keys = tmp_path / "away.yaml"
    keys.write_text(
        "keyframes:\n- {position: [0, 0, 9], look_at: [0, 0, 99]}\n- {position: [1, 0, 9], look_at: [0, 0, 99]}"
    )
    notes: list[str] = []
    task = dataclasses.replace(job(scenes, tmp_path / "out"), way=Way(str(keys), frames=3, size=SMALL))
    run_render(task, notes.append)
    assert notes == ["the scene is out of sight in 3 of 3 frames"]
    np.testing.assert_array_equal(pictures(tmp_path / "out"), 1)


def test_a_bad_path_is_known_before_the_scene_is_read(tmp_path: Path) -> None:
    keys = tmp_path / "none.yaml"
    keys.write_text("keyframes: []")
    with pytest.raises(InputError, match="has no keyframes"):
        run_render(RenderJob(tmp_path / "no.glb", tmp_path / "out" / "a.mp4", Way(str(keys))))
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError, match="no such file"):
        run_render(RenderJob(tmp_path / "no.glb", tmp_path / "a.mp4"))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"fade": (0.2, 0.8)}, "needs `before`"),
        ({"fade": (0.8, 0.2), "before": Path("a")}, "smaller one first"),
        ({"fade": (float("nan"), 0.2), "before": Path("a")}, "two fractions"),
    ],
)
def test_comparisons_that_make_no_sense(values, says) -> None:
    with pytest.raises(ConfigError, match=says):
        Compare(**values)


def test_several_scenes_fade_one_by_one_from_the_first_frame_to_the_last(
    scenes: Path, tmp_path: Path
) -> None:
    a, b = scenes / "cube.glb", scenes / "painted.glb"
    way = Way(frames=5, size=SMALL)
    run_render(RenderJob(a, tmp_path / "film", way, UNLIT, then=[b, a]))
    for name, scene in (("a", a), ("b", b)):
        run_render(RenderJob(scene, tmp_path / name, way, UNLIT))
    film, first, second = (pictures(tmp_path / name) for name in ("film", "a", "b"))
    np.testing.assert_array_equal(film[[0, 4]], first[[0, 4]])
    np.testing.assert_array_equal(film[2], second[2])
    np.testing.assert_allclose(film[[1, 3]], (first + second)[[1, 3]] / 2, atol=1.5 / 255)


def test_scenes_show_alone_where_they_are_told_to(scenes: Path, tmp_path: Path) -> None:
    a, b = scenes / "cube.glb", scenes / "painted.glb"
    way = Way(frames=5, size=SMALL)
    run_render(RenderJob(a, tmp_path / "film", way, UNLIT, then=[b, a], at=(0, 0.25, 0.75)))
    for name, scene in (("a", a), ("b", b)):
        run_render(RenderJob(scene, tmp_path / name, way, UNLIT))
    film, first, second = (pictures(tmp_path / name) for name in ("film", "a", "b"))
    np.testing.assert_array_equal(film[[0, 3, 4]], first[[0, 3, 4]])
    np.testing.assert_array_equal(film[1], second[1])
    np.testing.assert_allclose(film[2], (first + second)[2] / 2, atol=1.5 / 255)


@pytest.mark.parametrize(
    ("at", "then", "says"),
    [
        ((0, 1), (), "`at` says where several scenes show alone"),
        ((0, 0.5, 1), (Path("b"),), "`at` has 3 places for 2 scenes: give one for each"),
        ((0.5, 0.5), (Path("b"),), "each larger than the one before"),
        ((0, 1.5), (Path("b"),), "fractions of the path from 0 to 1"),
        ((0, float("nan")), (Path("b"),), "fractions of the path from 0 to 1"),
    ],
)
def test_places_that_make_no_sense(at, then, says) -> None:
    with pytest.raises(ConfigError, match=says):
        RenderJob(Path("a"), Path("out"), then=then, at=at)


def test_another_scene_does_not_fade(scenes: Path, tmp_path: Path) -> None:
    near = mesh_of(cube())
    (part,) = near.parts
    mesh = dataclasses.replace(
        near,
        parts=(dataclasses.replace(part, vertices=part.vertices * [1, 3, 1]),),
    )
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=64))
    save_mesh(tmp_path / "far.glb", mesh, paint, noise(paint.num_colours, 3))
    task = RenderJob(scenes / "cube.glb", tmp_path / "film", Way(frames=2, size=SMALL))
    with pytest.raises(ConfigError, match=r"far\.glb has .* in other places"):
        run_render(dataclasses.replace(task, then=[scenes / "painted.glb", tmp_path / "far.glb"]))
    with pytest.raises(ConfigError, match="several scenes fade along the whole path"):
        dataclasses.replace(task, then=task.scene, compare=Compare(task.scene, (0.2, 0.8)))
