"""The command line and Python paint the same, given the same settings."""

from __future__ import annotations

from dataclasses import replace

from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import OutputOptions, PaintConfig
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.schedule import Schedule, Stage

STAGES = "schedule: {stages: [{size: 32, iterations: 2, learning_rate: 0.03}], seed: 4}\n"


def test_the_same_settings_give_the_same_bytes(nst3d, inputs, tmp_path) -> None:
    (tmp_path / "tiny.yaml").write_text(STAGES)
    given = ["paint", inputs / "cube.glb", "--style", inputs / "style.png", "--out", tmp_path / "a"]
    given += ["--preset", tmp_path / "tiny.yaml", "--settings.threads", 1, "--settings.precision", "float32"]
    given += ["--settings.rig.views", 4, "--settings.rig.max-views", 4, "--term", "content=0.5"]
    given += ["--settings.output.no-turntable", "--settings.output.size", 32, "--quiet"]
    done = nst3d(*given)
    assert (done.returncode, done.stderr) == (0, "")
    config = PaintConfig(
        recipe=Recipe().with_terms({"content": 0.5}),
        schedule=Schedule((Stage(32, 2, 0.03),), seed=4),
        rig=RigOptions(views=4, max_views=4),
        output=OutputOptions(turntable=False, size=32),
        threads=1,
        precision="float32",
    )
    run_job(Job(inputs / "cube.glb", (inputs / "style.png",), tmp_path / "b", config))
    for name in ("painted.glb", "sheet.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    another = replace(config, schedule=replace(config.schedule, seed=5))
    run_job(Job(inputs / "cube.glb", (inputs / "style.png",), tmp_path / "c", another))
    assert (tmp_path / "c" / "painted.glb").read_bytes() != (tmp_path / "b" / "painted.glb").read_bytes()
