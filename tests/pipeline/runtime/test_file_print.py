"""What a scene's fingerprint sees."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nerfstudio_samples import splat_state, write_checkpoint, write_run

from nst3d.pipeline.runtime.fingerprint import add_neighbours, add_scene


def scene(path: Path) -> str:
    digest = hashlib.sha256()
    add_scene(digest, path)
    return digest.hexdigest()


def neighbours(path: Path) -> str:
    digest = hashlib.sha256()
    add_neighbours(digest, path)
    return digest.hexdigest()


def test_the_checkpoint_behind_a_config_counts(tmp_path: Path) -> None:
    config = write_run(tmp_path, splat_state())
    before = scene(config)
    assert before == scene(config.parent)
    write_checkpoint(config.parent / "nerfstudio_models" / "step-000000029.ckpt", splat_state(count=7))
    assert scene(config) != before


def test_bytes_count_and_names_do_not(tmp_path: Path) -> None:
    for name, content in (("a.glb", b"1"), ("b.glb", b"1"), ("c.glb", b"2")):
        (tmp_path / name).write_bytes(content)
    assert scene(tmp_path / "a.glb") == scene(tmp_path / "b.glb") != scene(tmp_path / "c.glb")


def test_textures_beside_a_scene_count_where_it_names_them(tmp_path: Path) -> None:
    for name in ("a.obj", "a.glb"):
        (tmp_path / name).write_bytes(b"1")
    before = neighbours(tmp_path / "a.obj"), neighbours(tmp_path / "a.glb")
    (tmp_path / "a.png").write_bytes(b"12")
    assert neighbours(tmp_path / "a.obj") != before[0]
    assert neighbours(tmp_path / "a.glb") == before[1]
