"""Settings that do not fit the kind of scene are noted where a preset may well hold them."""

from __future__ import annotations

from dataclasses import replace

from made_splats import random_splats
from tiny_jobs import TINY, Listener, job

from nst3d import run_job
from nst3d.formats.splats.registry import save_splats
from nst3d.pipeline.jobs.open_scene import open_scene
from nst3d.pipeline.kinds.flight import Way
from nst3d.pipeline.settings.shown import SceneOptions


def test_formats_of_meshes_are_noted_for_other_scenes(inputs, tmp_path) -> None:
    listener = Listener()
    config = replace(TINY, output=replace(TINY.output, formats=("obj",)))
    run_job(job(inputs, tmp_path / "out", config, "photo.png"), listener)
    assert any(note.startswith("`output.formats` is for meshes; ") for note in listener.notes)
    assert (tmp_path / "out" / "painted.png").is_file()


def test_options_that_show_nothing_else_are_noted(inputs) -> None:
    said: list[str] = []
    open_scene(inputs / "cube.obj", SceneOptions(lighting="none", specular=0.5), Way(), said.append)
    assert said == [f"`keep_specular` changes nothing: {inputs / 'cube.obj'} is a mesh"]


def test_the_variation_of_textures_is_noted_where_there_are_none(inputs, tmp_path) -> None:
    splats, path = random_splats(), tmp_path / "few.ply"
    save_splats(path, splats, splats.colours)
    listener = Listener()
    config = replace(TINY, table=replace(TINY.table, texture_variation=0.1))
    run_job(job(inputs, tmp_path / "out", config, path), listener)
    assert any(note.startswith("`table.texture_variation` changes nothing: ") for note in listener.notes)
