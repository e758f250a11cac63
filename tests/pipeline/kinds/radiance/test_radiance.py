"""Painting splats and voxel fields: palette, views, correspondences, whole jobs, and what they leave alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from ball_field import UP, ball_field
from small_meshes import noise
from small_recipe import shallow
from small_splats import ball

from nst3d.cameras.pinhole import look_at, perspective
from nst3d.errors import ConfigError, InputError
from nst3d.formats.captures.registry import save_transforms
from nst3d.formats.fields.registry import load_field, save_field
from nst3d.formats.splats.registry import load_splats, save_splats
from nst3d.images.io import write_image
from nst3d.pipeline.jobs.paint import CHECKPOINT, run_job
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.kinds.radiance.scene import open_field, open_splats, scaled_cameras, suited
from nst3d.pipeline.kinds.radiance.subject import RadianceSubject
from nst3d.pipeline.runtime.events import Handler
from nst3d.pipeline.settings.config import OutputOptions, PaintConfig, preset
from nst3d.pipeline.settings.overrides import override
from nst3d.pipeline.settings.surface import RigOptions
from nst3d.stylize.coat import Coat
from nst3d.stylize.recolour import to_palette
from nst3d.stylize.schedule import Schedule, Stage
from nst3d.stylize.style import Style
from nst3d.tensors import ImageSize

STYLE = torch.from_numpy(np.kron(noise(8, 8, 3, seed=1), np.ones((6, 6, 1), np.float32))) * 0.4 + 0.3
TINY = PaintConfig(
    recipe=shallow(),
    schedule=Schedule((Stage(32, 3, 0.03), Stage(64, 3, 0.02))),
    rig=RigOptions(views=5, max_views=5),
    output=OutputOptions(frames=2, size=32),
    precision="float32",
)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """The ball as splats and as a field, the splats' capture, and a style."""
    folder = tmp_path_factory.mktemp("radiance")
    write_image(folder / "style.png", STYLE.numpy())
    splats = ball()
    save_splats(folder / "ball.ply", splats, splats.colours, 1.0)
    save_field(folder / "ball.npz", ball_field(nodes=24, views=8, pixels=48))
    cameras = [
        perspective(
            look_at(np.array([2 + 3 * x, 0.3, 1 + 3 * z]), np.array([2, 0, 1]), -np.eye(3)[1]),
            ImageSize(40, 56),
            0.9,
        )
        for x, z in ((0, -1), (0.5, -0.8), (1, 0), (-0.7, -0.7))
    ]
    images = [noise(40, 56, 3, seed=10 + i) for i in range(4)]
    save_transforms(folder / "capture", cameras, images, splits=["train"] * 4)
    return folder


def splat_subject(inputs: Path, config: PaintConfig = TINY, cameras: Path | None = None) -> RadianceSubject:
    return splat_subject_at(inputs / "ball.ply", config, cameras)


def splat_subject_at(path: Path, config: PaintConfig, cameras: Path | None = None) -> RadianceSubject:
    scene = open_splats(path, cameras, config)
    return RadianceSubject(scene, [Coat([Style((STYLE,))])], suited(config, scene))


def field_subject(inputs: Path, config: PaintConfig = TINY) -> RadianceSubject:
    scene = open_field(inputs / "ball.npz", None, config)
    return RadianceSubject(scene, [Coat([Style((STYLE,))])], suited(config, scene))


SUBJECTS = {"splats": splat_subject, "field": field_subject}


@pytest.fixture(params=SUBJECTS.values(), ids=SUBJECTS.keys())
def subject(request, inputs) -> RadianceSubject:
    return request.param(inputs)


def test_views_of_the_start_have_the_palette_of_the_style(subject) -> None:
    """The map is taken from pixels, and is exact in every view because all of them read one table."""
    moved = subject._moved(subject.initial, subject._coats[0])  # before it is clamped
    pixels, weights = [], []
    for camera in scaled_cameras(subject.scene, 64, crop=True):
        frame = subject.scene.renderer.draw(camera, moved.numpy())
        pixels.append(frame.colour.reshape(-1, 3))
        weights.append(frame.opacity.ravel())
    colour, weight = np.concatenate(pixels).astype(float), np.concatenate(weights).astype(float)
    colour /= np.maximum(weight, 1e-6)[:, None]
    style = STYLE.reshape(-1, 3).double().numpy()
    np.testing.assert_allclose(np.average(colour, axis=0, weights=weight), style.mean(0), atol=2e-4)
    covariance = np.cov(colour.T, aweights=weight, ddof=0)
    np.testing.assert_allclose(covariance, np.cov(style.T, ddof=0), atol=3e-4)


def test_strength_nought_leaves_the_scene_as_it_was(inputs) -> None:
    plain = replace(TINY, recipe=replace(TINY.recipe, palette_before=0.0))
    subject = splat_subject(inputs, plain)
    torch.testing.assert_close(subject.start, subject.initial.clamp(0, 1))


def test_palette_from_pixels_is_the_style_s_palette_of_those_pixels() -> None:
    table, seen = torch.rand(20, 3).double() * 0.3 + 0.3, torch.rand(500, 3).double() * 0.2 + 0.4
    weights = torch.rand(500).double()
    mapped = to_palette(
        torch.cat([table, seen]), (STYLE.double() * 0.5 + 0.25).reshape(-1, 3), weights, 1.0, seen
    )[20:]
    mean = (weights[:, None] * mapped).sum(0) / weights.sum()
    torch.testing.assert_close(mean, (STYLE.double() * 0.5 + 0.25).mean((0, 1)))


def test_stages_scale_the_cameras_and_never_pass_their_own_size(inputs) -> None:
    subject = splat_subject(inputs, TINY, inputs / "capture")
    assert subject._config.schedule.finest == 56  # not 64
    assert [tuple(v.size) for v in subject.stage(1.0).views] == [(40, 56)] * 4
    assert {tuple(v.size) for v in subject.stage(0.5).views} == {(20, 28)}
    assert not subject.scene.forward_facing
    rig = splat_subject(inputs)
    assert rig.num_views == len(rig.stage(1.0).views) == 5


def test_a_flat_scene_is_painted_in_stages_that_narrow_its_views(tmp_path) -> None:
    splats = ball()
    flat = replace(splats, positions=splats.positions * np.float32([1, 0.01, 1]), scales=splats.scales * 0.02)
    save_splats(tmp_path / "flat.ply", flat, flat.colours, 1.0)
    config = replace(TINY, schedule=Schedule((Stage(32, 1, 0.03), Stage(128, 1, 0.02))))
    subject = splat_subject_at(tmp_path / "flat.ply", config)
    sides = [min(camera.size) for camera in scaled_cameras(subject.scene, 32, crop=True)]
    assert min(sides) >= 32


def test_the_rig_frames_all_of_the_ball(inputs) -> None:
    scene = splat_subject(inputs).scene
    for camera in scaled_cameras(scene, 64, crop=True):
        pixels, depth = camera.project(scene.renderer.positions)
        assert (depth > 0).all()
        assert ((pixels >= 0) & (pixels <= camera.size[::-1])).all()


@pytest.mark.parametrize("text", ["1 2 3\n", "1 2 3\n1 2 3\n"])
def test_one_point_is_nothing_to_stand_around(tmp_path, text) -> None:
    (tmp_path / "a.xyz").write_text(text)
    with pytest.raises(InputError, match=r"a\.xyz: all splats are at one point"):
        open_splats(tmp_path / "a.xyz", None, TINY)


def test_content_is_the_render_of_the_start(subject) -> None:
    view = subject.stage(1.0).views[1]
    wanted = view.render(subject.start, STYLE.mean((0, 1))).clamp(0, 1).permute(2, 0, 1)
    assert torch.equal(subject.stage(1.0).content(1), wanted)


def test_content_may_be_the_photographs_in_the_palette(inputs) -> None:
    subject = splat_subject(inputs, replace(TINY, photos=True), inputs / "capture")
    stage = subject.stage(1.0)
    seen = torch.stack([stage.content(i) for i in range(4)]).permute(0, 2, 3, 1).reshape(-1, 3)
    assert stage.content(0).shape == (3, 40, 56)
    assert abs(seen.mean(0) - STYLE.mean((0, 1))).max() < 0.06  # noise is clamped to [0, 1]
    canvas = subject.canvas()
    canvas.enter(1.0)
    assert subject.facts(canvas)["content"] == "photos"


def test_correspondences_are_those_of_the_ball(subject) -> None:
    """A valid cell and where it lies in the partner are rays through one point of the surface."""
    stage = subject.stage(1.0)
    neighbours = stage.neighbours()
    checked = 0
    for view, partners in enumerate(neighbours):
        for partner in partners:
            found = stage.correspond(view, partner, 4)
            back = stage.correspond(partner, view, 4)
            rows, columns = np.nonzero(found.valid.numpy())
            height, width = back.valid.shape
            x = ((found.grid[rows, columns, 0] + 1) / 2 * width).floor().long()
            y = ((found.grid[rows, columns, 1] + 1) / 2 * height).floor().long()
            there = back.valid[y, x].numpy()
            returned = (back.grid[y, x].numpy() + 1) / 2 * found.valid.shape[::-1] - 0.5
            gap = np.abs(returned - np.stack([columns, rows], 1))[there]
            assert gap.size == 0 or np.quantile(gap, 0.8) < 1.6  # cells
            checked += len(gap)
    assert checked > 50
    assert all(view not in partners for view, partners in enumerate(neighbours))


def test_pixels_are_as_large_on_the_ball_as_it_is_far_away(inputs) -> None:
    """The nearest one as at its front, and none larger than on its far side, where slants count up to twice."""
    subject = splat_subject(inputs)
    stage = subject.stage(1.0)
    for view, camera in enumerate(stage.cameras):
        distance = np.linalg.norm(camera.position - np.array([2, 0, 1]))
        depths = stage.footprint(view) * camera.focal
        depths = depths[depths.isfinite()]
        assert len(depths) > 20
        assert float(depths.min()) == pytest.approx(distance - 1, rel=0.15)
        assert float(depths.max()) < 2 * (distance + 1)


def test_opposite_sides_do_not_correspond(inputs) -> None:
    subject = splat_subject(inputs)
    stage = subject.stage(1.0)
    cameras = scaled_cameras(subject.scene, 64, crop=True)
    cosine = np.array([[a.forward @ b.forward for b in cameras] for a in cameras])
    a, b = np.unravel_index(cosine.argmin(), cosine.shape)
    assert stage.correspond(int(a), int(b), 4).valid.float().mean() < 0.02


def job(inputs: Path, out: Path, config: PaintConfig = TINY, scene: str = "ball.ply", **fields) -> Job:
    return Job(inputs / scene, (inputs / "style.png",), out, config, **fields)


def test_a_splat_job_paints_the_file_and_leaves_the_rest(inputs, tmp_path) -> None:
    result = run_job(job(inputs, tmp_path))
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in result.paths}
    assert {"painted.ply", "sheet.png", "flight.mp4", "losses.csv", "metrics.json", "config.yaml"} == {
        p.name for p in result.paths
    }
    before, after = load_splats(inputs / "ball.ply"), load_splats(tmp_path / "painted.ply")
    for name in ("positions", "scales", "rotations", "opacities"):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    assert not np.allclose(before.colours, after.colours, atol=0.02)
    assert after.colours.min() > -1e-5
    assert after.colours.max() < 1 + 1e-5
    assert not after.harmonics[:, 1:].any()
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["iterations"] == 6
    assert metrics["colours"] == 300
    assert metrics["views"] == 5
    assert set(metrics["losses"]) >= {"content", "gram", "nnfm", "variation", "consistency"}
    assert metrics["view_spills"] == 0


def test_a_field_job_keeps_the_geometry(inputs, tmp_path) -> None:
    run_job(job(inputs, tmp_path, scene="ball.npz"))
    before, after = load_field(inputs / "ball.npz"), load_field(tmp_path / "painted.npz")
    assert np.array_equal(before.links, after.links)
    assert np.array_equal(before.density, after.density)
    assert len(after.cameras) == 8
    assert np.allclose(after.up, UP)
    seen = np.abs(before.colours - after.colours).max(1) > 0.01
    assert seen.mean() > 0.3


@pytest.mark.parametrize("scene", ["ball.ply", "ball.npz"])
def test_a_small_cache_changes_nothing_but_the_memory(inputs, tmp_path, scene) -> None:
    # Beyond its budget the memory of views forgets some, and then they agree with others.
    alone = TINY.recipe.with_terms({"consistency": 0, "nnfm": {"agree": 0}})
    for name, budget in (("large", 1.0), ("small", 2e-5)):
        run_job(job(inputs, tmp_path / name, replace(TINY, recipe=alone, cache_gb=budget), scene))
    painted = [tmp_path / name / scene.replace("ball", "painted") for name in ("large", "small")]
    if scene.endswith(
        ".npz"
    ):  # beyond the budget samples stand in for matrices, which leave small entries out
        large, small = (load_field(path).colours for path in painted)
        assert np.abs(large - small).mean() < 0.01
    else:
        assert painted[0].read_bytes() == painted[1].read_bytes()
    metrics = json.loads((tmp_path / "small/metrics.json").read_text())
    assert metrics["view_spills"] > 0


class Stop(Handler):
    def __init__(self, after: int) -> None:
        self.after = after

    def step(self, event) -> None:
        progress = event.progress
        if progress.iteration == self.after:
            raise KeyboardInterrupt


@pytest.mark.parametrize("after", [2, 5])
def test_a_job_resumes(inputs, tmp_path, after) -> None:
    run_job(job(inputs, tmp_path / "whole", TINY))
    assert run_job(job(inputs, tmp_path / "broken", TINY), Stop(after)).interrupted
    assert (tmp_path / "broken" / CHECKPOINT).is_file()
    run_job(job(inputs, tmp_path / "broken", TINY, resume=True))
    assert (tmp_path / "broken/painted.ply").read_bytes() == (tmp_path / "whole/painted.ply").read_bytes()


def test_highlights_stay_in_renders_and_in_the_file(inputs, tmp_path) -> None:
    half = replace(TINY, keep_specular=0.5)
    subject = splat_subject(inputs, half)
    view = subject.stage(1.0).views[0]
    camera = scaled_cameras(subject.scene, 64, crop=True)[0]
    shown = subject.scene.renderer.draw(camera, subject.start.numpy(), 0.5)
    painted = view.render(subject.start, 0.0).numpy()
    assert np.abs(shown.colour - painted).mean() < 0.01  # but for weights cut off, and draw's clamp at 0
    assert np.abs(view.apply(subject.start).numpy() - painted).max() > 0.02
    run_job(job(inputs, tmp_path, half))
    before, after = load_splats(inputs / "ball.ply"), load_splats(tmp_path / "painted.ply")
    np.testing.assert_allclose(after.harmonics[:, 1:], before.harmonics[:, 1:] * 0.5, atol=1e-6)


def test_arf_counts_rounds_and_fits_first(inputs, tmp_path) -> None:
    class Parts(Handler):
        def __init__(self) -> None:
            self.names: list[set[str]] = []

        def step(self, event) -> None:
            progress = event.progress
            self.names.append(set(progress.losses))

    config = override(TINY, preset("arf"), "arf")
    stages = tuple(replace(s, size=64, epochs=s.epochs / 2) for s in config.schedule.stages)
    config = replace(config, schedule=replace(config.schedule, stages=stages), photos=False)
    heard = Parts()
    run_job(job(inputs, tmp_path, config, cameras=inputs / "capture"), heard)
    views = 4
    assert [n == {"fit"} for n in heard.names] == [True] * views + [False] * (5 * views)
    assert heard.names[-1] == {"variation", "content", "nnfm"}


def test_cameras_that_look_one_way_take_their_own_content_weight(inputs) -> None:
    scene = open_splats(inputs / "ball.ply", inputs / "capture", TINY)
    recipe = TINY.recipe.with_terms({"content": {"weight": 0.5, "forward_facing": 0.1}})
    config = replace(TINY, recipe=recipe)
    assert suited(config, scene).recipe.weight("content") == 0.5
    ahead = replace(scene, cameras=scene.cameras[:1] * 2)
    assert ahead.forward_facing
    assert suited(config, ahead).recipe.weight("content") == 0.1
    assert suited(TINY, ahead).recipe.weight("content") == TINY.recipe.weight("content")


def test_many_cameras_are_thinned_out(inputs) -> None:
    scene = open_splats(inputs / "ball.ply", inputs / "capture", replace(TINY, capture_views=2))
    assert len(scene.cameras) == 2
    assert scene.cameras[0].forward @ scene.cameras[1].forward < 0.5


@pytest.mark.parametrize(
    ("scene", "fields", "error", "words"),
    [
        ("capture", {}, InputError, "nst3d reconstruct"),
        ("style.png", {"cameras": "capture"}, ConfigError, "`cameras` is for"),
        ("none.ply", {}, InputError, "no such file"),
    ],
)
def test_what_cannot_be_painted_is_said(inputs, tmp_path, scene, fields, error, words) -> None:
    with pytest.raises(error, match=words):
        run_job(job(inputs, tmp_path / "out", TINY, scene, **fields))


def test_a_field_without_cameras_asks_for_some(inputs, tmp_path) -> None:
    save_field(tmp_path / "blind.npz", replace(ball_field(nodes=12), cameras=()))
    with pytest.raises(ConfigError, match="give `cameras`, a capture"):
        open_field(tmp_path / "blind.npz", None, TINY)


def test_missing_photographs_are_noted(inputs) -> None:
    scene = open_field(inputs / "ball.npz", None, replace(TINY, photos=True))
    assert scene.photos == ()
    assert any("photographs are not available" in note for note in scene.notes)


def test_rows_closer_than_pixels_are_painted_through_a_grid(tmp_path) -> None:
    save_field(tmp_path / "fine.npz", ball_field(nodes=40, views=3))  # nodes are 0.075 apart
    for size, own in ((48, True), (16, False)):  # pixels about 0.045 and 0.13
        config = replace(TINY, schedule=Schedule((Stage(size, 1, 0.1),)))
        subject = RadianceSubject(
            open_field(tmp_path / "fine.npz", None, config), [Coat([Style((STYLE,))])], config
        )
        stage = subject.stage(1.0)
        assert stage.own_rows is own
        assert len(stage.bases) == (not own)
    assert stage.bases[0].num_colours < subject.layout.num_colours / 2
    ones = stage.bases[0].apply(torch.ones(stage.bases[0].num_colours, 1))
    torch.testing.assert_close(ones, torch.ones_like(ones))


def test_highlights_cannot_be_kept_where_there_are_none(inputs, tmp_path) -> None:
    shiny = replace(TINY, keep_specular=0.5)
    with pytest.raises(ConfigError, match="`keep_specular` is for voxel fields, splats"):
        run_job(job(inputs, tmp_path / "out", shiny, "style.png"))
