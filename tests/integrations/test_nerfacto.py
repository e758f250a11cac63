"""A nerfacto that nerfstudio trained: opened, shown as ns-render shows it, baked, painted and written back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from trained_nerf import SIZE, drive, frames, painted

from nst3d.cli.main import main
from nst3d.errors import InputError
from nst3d.formats.nerfstudio.run import load_run
from nst3d.images.io import read_image

reason = "nerfstudio is not installed: pip install 'nst3d[nerfstudio]'"
pytest.importorskip("nerfstudio", reason=reason)
pytestmark = pytest.mark.filterwarnings("ignore")  # nerfstudio's own and those of what it imports


HEAD, TABLE = "field.mlp_head.layers.0.weight", "field.mlp_base.model.0.hash_table"


def opened(made, **changes):
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto

    run = load_run(made.run)
    return Nerfacto(replace(run, **changes))


def test_frames_are_those_of_ns_render(made) -> None:
    drive("render", made.run, made.path, made.folder / "theirs", old=True)
    arguments = [
        "render",
        str(made.run),
        "--path",
        str(made.path),
        "--out",
        str(made.folder / "ours"),
        "--quiet",
    ]
    assert main([*arguments, "--size", f"{SIZE.width}x{SIZE.height}", "--frames", "2"]) == 0
    ours = [read_image(p).pixels for p in sorted((made.folder / "ours").glob("*.png"))]
    for number, picture in enumerate(ours):
        theirs = read_image(made.folder / "theirs" / f"{number:05d}.png").pixels[:, : SIZE.width]
        assert np.abs(picture - theirs).max() <= 1.5 / 255
    assert len(ours) == 2


def test_small_samples_are_left_out_and_the_opacity_stays(made) -> None:
    nerf = opened(made)
    whole, cut = nerf.samples(made.views[0], cutoff=0.0), nerf.samples(made.views[0], cutoff=0.02)
    assert len(cut.weights) < len(whole.weights)
    for seen in (whole, cut):
        opacity = torch.zeros(len(seen.starts) - 1).index_add(0, seen.pixels, seen.weights)
        torch.testing.assert_close(opacity, torch.ones_like(opacity))
        assert seen.starts[-1] == len(seen.weights) == len(seen.places)
    assert bool(((whole.places >= 0) & (whole.places <= 1)).all())


def test_places_and_the_world_are_inverse(made) -> None:
    nerf = opened(made)
    points = torch.tensor([[0.2, -0.9, 0.4], [3.0, -1.0, 2.0], [-7.0, 20.0, 5.0]])
    torch.testing.assert_close(nerf.world(nerf.places(points)), points, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: {k: v for k, v in s.items() if "mlp_head.layers.1" not in k}, "lacks field.mlp_head"),
        (lambda s: s | {"field.mlp_other.weight": torch.zeros(1)}, "has field.mlp_other.weight, which"),
        (lambda s: s | {"field.mlp_head.layers.0.bias": torch.zeros(3)}, r"has the shape \(3,\)"),
        (lambda s: s | {"field.mlp_base.model.params": torch.zeros(9)}, "implementation torch"),
        (lambda s: {k: v for k, v in s.items() if k != "field.aabb"}, "lacks field.aabb"),
        (lambda s: s | {"field.aabb": torch.zeros(3)}, r"field.aabb has the shape \(3,\)"),
        (lambda s: s | {HEAD: s[HEAD] * np.nan}, f"{HEAD}: not all values are finite"),
        (lambda s: s | {TABLE: s[TABLE] / 0}, f"{TABLE}: not all values are finite"),
        (lambda s: s | {HEAD: s[HEAD].int()}, f"{HEAD} in its checkpoint is int32, expected float32"),
        (lambda s: s | {HEAD: s[HEAD].to(torch.complex64)}, "is complex64, expected float32"),
    ],
    ids=["missing", "surplus", "shape", "tcnn", "box", "flat box", "nan", "inf", "int", "complex"],
)
def test_a_checkpoint_that_does_not_fit_is_refused(made, change, message) -> None:
    with pytest.raises(InputError, match=message):
        opened(made, state=change(dict(load_run(made.run).state)))


def test_coarser_views_average_the_samples_of_finer_ones(made) -> None:
    from nst3d.integrations.nerfstudio.model.frozen import freeze, seen_at

    view = made.views[0]
    fine = freeze(opened(made), view)
    half = seen_at(fine, view.scaled(0.5))
    assert half is not None
    mean = fine.colour.reshape(SIZE.height // 2, 2, SIZE.width // 2, 2, 3).mean((1, 3))
    np.testing.assert_allclose(half.colour, mean, atol=1e-5)
    assert half.weights.sum() == pytest.approx(fine.weights.sum() / 4, rel=1e-4)
    assert seen_at(fine, view) is fine
    assert seen_at(fine, made.views[1]) is None
    assert seen_at(fine, view.scaled(2)) is None


def test_what_there_is_to_frame_is_found_by_few_rays_and_without_colours(made, monkeypatch) -> None:
    from nst3d.cameras.rigs import standing
    from nst3d.integrations.nerfstudio.model.nerfacto import Nerfacto
    from nst3d.integrations.nerfstudio.shown_nerf import seen_hull

    nerf, rays = opened(made), []
    upright = standing(np.array([0.0, 0.0, 1.0]))
    fine = [nerf.draw(v).depth for v in made.views]
    sampled = nerf.samples
    monkeypatch.setattr(Nerfacto, "colours", None)
    monkeypatch.setattr(nerf, "samples", lambda c, cutoff: rays.append(c.size) or sampled(c, cutoff))
    hull = seen_hull(nerf, made.views, upright)
    assert [max(size) for size in rays] == [12, 12]
    away = [np.linalg.norm(hull - v.position, axis=1).max() for v in made.views]
    assert 0.3 * max(d.max() for d in fine) < max(away) < 3 * max(d.max() for d in fine)
    assert np.array_equal(seen_hull(nerf, [], upright), list(np.ndindex(2, 2, 2)) * np.array(2) - 1)


def test_a_nerf_that_is_white_all_over_is_remarked_on(made) -> None:
    from nst3d.integrations.nerfstudio.shown_nerf import saturation_notes

    name = "field.mlp_head.layers.2.bias"
    state = dict(load_run(made.run).state)
    assert saturation_notes(opened(made), made.views) == ()
    white = opened(made, state=state | {name: state[name] + 30})
    (note,) = saturation_notes(white, made.views)
    assert note.startswith("100% of what the cameras see is pure white or black")
    red = opened(made, state=state | {name: state[name] + torch.tensor([30.0, 0.0, 0.0])})
    assert saturation_notes(red, made.views) == ()


def test_samples_beyond_the_budget_lie_on_the_disk(made) -> None:
    from nst3d.integrations.nerfstudio.baked.bake import BakeOptions, bake_nerf

    def baked(size: float):
        return bake_nerf(opened(made), made.views, BakeOptions(nodes=3000, cache_bytes=size), lambda *c: None)

    held, aside = baked(1e9), baked(1e4)
    for one, other in zip(held.renderer.views, aside.renderer.views):
        assert not isinstance(one.weights.base, np.memmap)
        assert isinstance(other.weights.base, np.memmap)
        assert np.array_equal(one.weights, other.weights)
        assert np.array_equal(one.places, other.places)
    assert aside.psnr == pytest.approx(held.psnr, abs=0.5)


def test_the_grid_shows_the_nerf(made) -> None:
    from nst3d.integrations.nerfstudio.baked.bake import BakeOptions, bake_nerf

    nerf, told = opened(made), []
    baked = bake_nerf(nerf, made.views, BakeOptions(), lambda *count: told.append(count))
    assert baked.psnr > 30
    assert {what for what, _, _ in told} == {"sampling the NeRF", "fitting the grid"}
    for view in made.views:
        frame = baked.renderer.draw(view, baked.colours)
        np.testing.assert_allclose(frame.opacity, 1, atol=1e-4)
        exact = baked.renderer.draw(view, baked.colours, specular=1.0)
        np.testing.assert_allclose(exact.colour, nerf.draw(view).colour, atol=0.02)
    small = bake_nerf(nerf, made.views, BakeOptions(nodes=3000), lambda *count: None)
    assert len(small.colours) <= 3000
    assert small.renderer.grid.resolution < baked.renderer.grid.resolution


def test_a_baked_paint_is_written_back(made) -> None:
    config = painted(made, "baked")
    metrics = json.loads((made.folder / "baked" / "metrics.json").read_text())
    assert metrics["baked_psnr"] > 25
    assert metrics["written_psnr"] > 20
    before, after = frames(made, made.run, "plain", old=True), frames(made, config, "painted")
    for was, now in zip(before, after):
        assert np.abs(now[:, : SIZE.width] - was[:, : SIZE.width]).mean() > 0.02
        assert np.array_equal(now[:, SIZE.width :], was[:, SIZE.width :])


def test_a_baked_paint_says_where_data_that_moved_is(made, tmp_path) -> None:
    from nst3d.integrations.nerfstudio.baked.bake import BakeOptions, bake_nerf
    from nst3d.integrations.nerfstudio.baked.distil import DistilOptions, PaintedRun

    baked = bake_nerf(opened(made), made.views, BakeOptions(nodes=3000), lambda *count: None)
    for data in (None, tmp_path / "moved"):
        out = tmp_path / str(data is None)
        PaintedRun(baked, lambda *count: None, DistilOptions(steps=1), data)(out, baked.colours, 0.0)
        found = load_run(out / "tiny/nerfacto/made").config["pipeline"]["datamanager"]["data"]
        assert Path(found) == (made.folder / "capture" if data is None else data)


def test_data_that_moved_is_asked_for(made, capsys) -> None:
    hidden = (made.folder / "capture").rename(made.folder / "elsewhere")
    try:
        arguments = ["paint", str(made.run), "--style", str(made.style), "--quiet", "--nerf", "baked"]
        assert main([*arguments, "--out", str(made.folder / "moved")]) != 0
        assert "give --data, its folder" in capsys.readouterr().err
    finally:
        hidden.rename(made.folder / "capture")
