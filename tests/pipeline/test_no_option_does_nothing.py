"""Every setting of a painting changes what is painted, is refused, or is said to do nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import pytest
from small_splats import ball
from tiny_jobs import TINY, Listener, job

from nst3d import Recipe, Schedule, Stage, run_job, save
from nst3d.errors import Nst3dError
from nst3d.images.grade import Grade
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.canvas import TableOptions

STAGE = Stage(48, 4, 0.02)
BASE = replace(TINY, schedule=Schedule((STAGE,)))

OF_RECIPE: dict[str, Any] = {
    "smooth": "softmax",
    "pooling": "avg",
    "normalise": "gatys",
    "style_scale": 0.6,
    "octaves": 2,
    "reduce": 2,
    "colour": "content",
    "palette": "#102030,#f0e0d0",
    "guard": False,
    "grade": Grade(saturation=0.2),
    "strength": 0.4,
    "palette_before": 0.3,
    "palette_after": 1.0,
}
OF_SCHEDULE: dict[str, Any] = {"optimiser": "rmsprop", "views_per_step": 2, "seed": 1, "patience": 1}
OF_STAGE: dict[str, Any] = {
    "size": 40,
    "iterations": 6,
    "learning_rate": 0.05,
    "final_rate": 0.002,
    "epochs": 2.0,
    "fit": True,
}
OF_TABLE: dict[str, Any] = {
    "pyramid_levels": 1,
    "coverage_power": 0.0,
    "texture_variation": 50.0,
    "clamp": False,
    "field": 6.0,
}
OF_JOB: dict[str, Any] = {
    "lighting": "studio",
    "content_lighting": "none",
    "region": "box:-1,-1,-1,0.5,1,1",
    "stroke": 0.5,
    "start": "noise",
    "keep_specular": 1.0,
    "nerf": "head",
    "up": "z",
    "precision": "float64",
}

ELSEWHERE = {
    "encoder": "tests of other encoders: their weights may be missing",
    "fallback_encoder": "counts where the weights of the encoder are missing",
    "terms": "each term has tests of its own",
    "strokes": "counts where cameras are near and far: test_stroke_size",
    "stages": "see the fields of a stage",
    "min_gain": "counts with patience: test_schedule",
    "recipe": "see its fields", "teach": "names a teacher, all of which have tests", "schedule": "see its fields",
    "table": "see its fields", "surface": "test_mesh_scene", "rig": "test_rig",
    "displace": "test_displace_job", "output": "what is written beside the asset",
    "photos": "captures alone have any: test_radiance", "capture_views": "captures: test_radiance",
    "cache_gb": "memory alone", "renderer": "needs PyTorch3D", "device": "hardware", "threads": "hardware",
}  # fmt: skip
"""Settings that cannot show here, and why."""


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        (Recipe, OF_RECIPE),
        (Schedule, OF_SCHEDULE),
        (Stage, OF_STAGE),
        (TableOptions, OF_TABLE),
        (PaintConfig, OF_JOB),
    ],
)
def test_no_setting_is_left_out(kind, changed) -> None:
    names = {f.name for f in fields(kind)}
    assert names <= {*changed, *ELSEWHERE}
    assert set(changed) <= names
    for each in fields(kind):
        if each.name in changed and each.default is not MISSING:
            assert changed[each.name] != each.default


@pytest.fixture(scope="module")
def scenes(inputs: Path) -> Path:
    save(inputs / "ball.ply", ball(120))
    return inputs


@pytest.fixture(scope="module")
def outcome(scenes, tmp_path_factory) -> Callable[[str, PaintConfig], Any]:
    """What a job writes, and its notes; or that it is refused."""
    known: dict[tuple[str, str], Any] = {}

    def found(scene: str, config: PaintConfig) -> Any:
        key = scene, repr(config)
        if key not in known:
            out = tmp_path_factory.mktemp("out") / "out"
            listener = Listener()
            try:
                run_job(job(scenes, out, config, scene), listener)
                asset = next(p for p in out.iterdir() if p.stem == "painted")
                known[key] = asset.read_bytes(), tuple(sorted(listener.notes))
            except Nst3dError as error:
                known[key] = str(error)
        return known[key]

    return found


def changed_by(name: str, value: Any, owner: str) -> PaintConfig:
    """The settings with one changed."""
    if owner == "recipe":
        more = {"colour": "palette"} if name == "palette" else {}
        return replace(BASE, recipe=replace(BASE.recipe, **{name: value}, **more))
    if owner == "schedule":
        longer = (replace(STAGE, iterations=9),) if name == "patience" else BASE.schedule.stages
        return replace(BASE, schedule=replace(BASE.schedule, stages=longer, **{name: value}))
    if owner == "stage":
        return replace(BASE, schedule=Schedule((replace(STAGE, **{name: value}),)))
    if owner == "table":
        return replace(BASE, table=replace(BASE.table, **{name: value}))
    return replace(BASE, **{name: value})


def basis_of(name: str) -> PaintConfig:
    """The settings that a changed one is compared with."""
    if name == "patience":
        return replace(BASE, schedule=Schedule((replace(STAGE, iterations=9),)))
    return BASE


OWNERS = {"recipe": OF_RECIPE, "schedule": OF_SCHEDULE, "stage": OF_STAGE, "table": OF_TABLE, "job": OF_JOB}


@pytest.mark.parametrize(
    ("owner", "name"), [(owner, name) for owner, changed in OWNERS.items() for name in changed]
)
def test_a_changed_setting_shows_or_is_refused(outcome, owner, name) -> None:
    """In a picture, splats or a mesh."""
    config = changed_by(name, OWNERS[owner][name], owner)
    shows = (outcome(s, config) != outcome(s, basis_of(name)) for s in ("photo.png", "ball.ply", "cube.obj"))
    assert any(shows), f"{name}: changes nothing, and nobody says so"
