"""Settings that do not fit the kind of scene are noted where a preset may well hold them."""

from __future__ import annotations

from dataclasses import replace

from tiny_jobs import TINY, Listener, job

from nst3d import run_job


def test_formats_of_meshes_are_noted_for_other_scenes(inputs, tmp_path) -> None:
    listener = Listener()
    config = replace(TINY, output=replace(TINY.output, formats=("obj",)))
    run_job(job(inputs, tmp_path / "out", config, "photo.png"), listener)
    assert any(note.startswith("`output.formats` is for meshes; ") for note in listener.notes)
    assert (tmp_path / "out" / "painted.png").is_file()
