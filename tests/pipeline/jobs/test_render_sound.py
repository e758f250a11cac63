"""Films that move with a sound: between the states of a scene, as long as it is, with it as their sound."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import yaml
from made_sounds import RATE, beat, write_sound
from small_meshes import cube, mesh_of

from nst3d.errors import ConfigError, InputError
from nst3d.formats.mesh_files import save_mesh
from nst3d.images.io import read_image
from nst3d.pipeline.jobs.render import run_render
from nst3d.pipeline.jobs.render_options import Compare, RenderJob
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.settings.shown import SceneOptions
from nst3d.representations.unwrap import TexelBudget, paint_textures
from nst3d.tensors import ImageSize

WAY = Way(size=ImageSize(16, 16), fps=10)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """black.glb, the same in white as run/painted.glb, and sound.wav: a second of quiet, then a second of beats."""
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "run").mkdir()
    mesh = mesh_of(cube())
    paint = paint_textures(mesh, TexelBudget(0.1, fixed=64))
    for shade, name in enumerate(("black.glb", "run/painted.glb")):
        save_mesh(folder / name, mesh, paint, np.full((paint.num_colours, 3), float(shade), np.float32))
    record = {"scene": str(folder / "black.glb"), "settings": {}}
    (folder / "run" / "config.yaml").write_text(yaml.safe_dump(record))
    write_sound(folder / "sound.wav", np.concatenate([1e-3 * np.sin(np.arange(RATE)), beat(1, period=0.25)]))
    return folder


def job(scenes: Path, scene: str, out: Path, **others: object) -> RenderJob:
    unlit = SceneOptions(lighting="none", background=(0.5, 0.5, 0.5))
    return RenderJob(scenes / scene, out, WAY, unlit, **{"sound": scenes / "sound.wav", **others})  # type: ignore[arg-type]


def shades(folder: Path) -> np.ndarray:
    """How bright the middle of each frame is."""
    return np.array([read_image(p).pixels[8, 8].mean() for p in sorted(folder.glob("frame_*.png"))])


def test_quiet_shows_what_was_painted_and_loud_the_painting(scenes: Path, tmp_path: Path) -> None:
    run_render(job(scenes, "run", tmp_path / "a"))
    found = shades(tmp_path / "a")
    assert len(found) == 20
    assert found[:10].max() < 0.1
    assert found[11:].max() > 0.8
    assert found[11:].min() > 0.3


def test_states_may_be_given_in_three_ways(scenes: Path, tmp_path: Path) -> None:
    run_render(job(scenes, "run/painted.glb", tmp_path / "a"))
    run_render(job(scenes, "run/painted.glb", tmp_path / "b", compare=Compare(scenes / "black.glb")))
    run_render(job(scenes, "black.glb", tmp_path / "c", then=[scenes / "run" / "painted.glb"]))
    a, b, c = (shades(tmp_path / name) for name in "abc")
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, c)


def test_a_video_has_the_sound_and_its_length(scenes: Path, tmp_path: Path) -> None:
    run_render(job(scenes, "run", tmp_path / "a.mp4"))
    told = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(tmp_path / "a.mp4"), "-map", "0:a", "-f", "f32le", "-"],
        capture_output=True,
        check=True,
    )
    assert re.search(r"Duration: 00:00:02\.0", told.stderr.decode())
    assert "Audio: aac" in told.stderr.decode()
    samples = np.frombuffer(told.stdout, "<f4")
    assert abs(len(samples) / RATE - 2) < 0.1
    assert np.abs(samples[: RATE // 2]).max() < 0.01 < 0.3 < np.abs(samples[RATE:]).max()


def test_a_shorter_film_ends_the_sound_and_a_longer_one_is_silent(scenes: Path, tmp_path: Path) -> None:
    notes: list[str] = []
    short = replace(job(scenes, "run", tmp_path / "a"), way=replace(WAY, seconds=0.5))
    run_render(short, notes.append)
    assert len(shades(tmp_path / "a")) == 5
    assert not notes
    run_render(replace(short, way=replace(WAY, seconds=2.5), out=tmp_path / "b"), notes.append)
    assert "is longer than" in notes[0]
    assert shades(tmp_path / "b")[21:].max() < 0.1


def test_what_does_not_go_together_is_refused(scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"black\.glb is one: give `before`"):
        run_render(job(scenes, "black.glb", tmp_path / "a"))
    with pytest.raises(ConfigError, match="leave out `fade`"):
        job(scenes, "run", tmp_path / "a", compare=Compare(scenes / "black.glb", (0.1, 0.2)))
    with pytest.raises(ConfigError, match=r"`out` that ends in \.mp4"):
        job(scenes, "run", tmp_path / "a.png")
    with pytest.raises(InputError, match="no such file, expected a sound"):
        run_render(job(scenes, "run", tmp_path / "a.mp4", sound=tmp_path / "no.wav"))
    assert not list(tmp_path.iterdir())


def test_a_painting_whose_scene_is_gone_says_so(scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "painted.glb").write_bytes((scenes / "run" / "painted.glb").read_bytes())
    (tmp_path / "config.yaml").write_text(f"scene: {tmp_path}/gone.glb\n")
    with pytest.raises(
        ConfigError, match=r"gone\.glb, which was painted, is no longer there: give it as `before`"
    ):
        run_render(replace(job(scenes, "run", tmp_path / "a"), scene=tmp_path / "painted.glb"))
