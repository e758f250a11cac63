"""nst3d regions: names, sheets, and masks that make the region again, on every kind of scene."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from npz_samples import field_of
from small_splats import ball
from tiny_jobs import TINY

from nst3d import save
from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.jobs.regions import SHEET, VIEWS, RegionsJob, RegionsReport, run_regions
from nst3d.pipeline.settings.surface import RigOptions

SMALL = replace(TINY, output=replace(TINY.output, size=32))


@pytest.fixture(scope="module")
def scenes(inputs):
    """The inputs, a field and splats."""
    save(inputs / "some field.npz", field_of(cameras=field_of().cameras[2:]))
    save(inputs / "some splats.ply", ball(200))
    return inputs


def regions(scene, *texts, notes=None, config=SMALL, **fields) -> RegionsReport:
    heard = [] if notes is None else notes
    return run_regions(RegionsJob(scene, texts, config=config, **fields), heard.append)


def masks(folder) -> np.ndarray:
    return np.stack([read_image(path).pixels[..., 0] for path in sorted(folder.iterdir())])


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float(((one > 0.5) & (other > 0.5)).sum() / ((one > 0.5) | (other > 0.5)).sum())


def test_names_are_listed_and_nothing_is_written(scenes) -> None:
    before = sorted(scenes.iterdir())
    report = regions(scenes / "cube.obj")
    assert report.names["material"] == {"skin": pytest.approx(1)}
    assert set(report.names["node"]) == {"skin"}
    assert {"material", "node", "uv", "box", "views", "depth", "cluster", "colour"} <= set(report.selectors)
    assert (report.regions, report.paths) == ({}, ())
    assert sorted(scenes.iterdir()) == before


def test_a_sheet_shows_regions_in_flat_colours_under_a_legend(scenes, tmp_path) -> None:
    out = tmp_path / "new" / "sheet.png"
    notes: list[str] = []
    report = regions(scenes / "cube.obj", "box:-9,-9,-9,9,0,9", "material:skin", notes=notes, out=out)
    assert report.paths == (out,)
    half, whole = report.regions.values()
    assert 0.45 < half < 0.55
    assert whole == 1
    pixels = read_image(out).pixels
    assert pixels.shape[1] == 4 * 32
    assert pixels.shape[0] > 2 * 32
    warmth = pixels[:64, :, 0] - pixels[:64, :, 2]
    orange, blue = (warmth > 0.2).sum(), (warmth < -0.2).sum()
    assert min(orange, blue) > 200
    (overlapping,) = notes
    assert re.fullmatch(r"region material:skin: (4|5).% of it is in earlier regions, too, .*", overlapping)


def test_an_existing_sheet_stays(scenes, tmp_path) -> None:
    (tmp_path / "sheet.png").write_text("mine")
    with pytest.raises(OutputError, match="exists; give `overwrite` or another `out`"):
        regions(scenes / "cube.obj", "material:skin", out=tmp_path / "sheet.png")
    with pytest.raises(ConfigError, match="has no names to draw; give a region"):
        regions(scenes / "photo.png", out=tmp_path / "other.png")
    with pytest.raises(ConfigError, match="a sheet is written as"):
        regions(scenes / "cube.obj", "material:skin", out=tmp_path / "sheet.jpg")
    assert (tmp_path / "sheet.png").read_text() == "mine"


def test_a_region_that_is_not_there_leaves_no_folder(scenes, tmp_path) -> None:
    with pytest.raises(ConfigError, match="the mesh has no material 'skim'"):
        regions(scenes / "cube.obj", "material:skim", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("scene", "region"),
    [
        ("cube.obj", "box:-9,-9,-9,9,0,9"),
        ("some splats.ply", "plane:1,0,0,2"),
        ("some field.npz", "axis:x:0.5..1"),
    ],
)
def test_lifted_masks_give_the_masks_they_came_from(scene, region, scenes, tmp_path) -> None:
    first = regions(scenes / scene, region, out=tmp_path / "a")
    assert [p.name for p in first.paths] == [SHEET, VIEWS, "mask_1"]
    notes: list[str] = []
    regions(scenes / scene, f"views:{tmp_path / 'a' / 'mask_1'}", notes=notes, out=tmp_path / "b")
    assert not notes
    assert overlap(masks(tmp_path / "a" / "mask_1"), masks(tmp_path / "b" / "mask_1")) > 0.95


def test_a_mask_of_a_picture_gives_the_mask_it_came_from(scenes, tmp_path) -> None:
    regions(scenes / "photo.png", "colour:grey±0.25", out=tmp_path / "a")
    regions(scenes / "photo.png", f"mask:{tmp_path / 'a' / 'mask_1' / '000.png'}", out=tmp_path / "b")
    np.testing.assert_array_equal(masks(tmp_path / "a" / "mask_1"), masks(tmp_path / "b" / "mask_1"))


def test_a_lifted_mask_of_the_lighthouse(scenes_dir, tmp_path) -> None:
    config = replace(SMALL.with_size(96), rig=RigOptions(views=6, max_views=6, inside="never"))
    path = scenes_dir / "lighthouse" / "lighthouse.glb"
    regions(path, "node:tower or node:cottage", config=config, out=tmp_path / "a")
    regions(path, f"views:{tmp_path / 'a' / 'mask_1'}", config=config, out=tmp_path / "b")
    assert overlap(masks(tmp_path / "a" / "mask_1"), masks(tmp_path / "b" / "mask_1")) > 0.95


def test_masks_of_other_sizes_and_of_some_views_are_used_with_a_note(scenes, tmp_path) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    write_image(folder / "001.png", np.ones((10, 10, 3), np.float32))
    np.save(folder / "002.npy", np.ones((7, 9), bool))
    notes: list[str] = []
    report = regions(scenes / "cube.obj", f"views:{folder}", notes=notes)
    assert 0.3 < report.regions[f"views:{folder}"] < 1
    assert notes[0].endswith("masks for 2 of 4 views; the others do not count")
    assert notes[1].endswith("masks of another size than their views, resized: 2")


def test_a_folder_without_masks(scenes, tmp_path) -> None:
    with pytest.raises(InputError, match="no such folder, expected masks of views"):
        regions(scenes / "cube.obj", f"views:{tmp_path / 'none'}")
    (tmp_path / "view 1.png").touch()
    with pytest.raises(InputError, match=r"no mask of any view; expected .* files named 000, 001"):
        regions(scenes / "cube.obj", f"views:{tmp_path}")


def test_all_clusters_together_are_the_scene(scenes) -> None:
    report = regions(scenes / "some splats.ply", "cluster:3", "cluster:2/3")
    assert list(report.regions) == ["cluster:1/3", "cluster:2/3", "cluster:3/3"]
    assert sum(report.regions.values()) == pytest.approx(1)
    assert regions(scenes / "some splats.ply", "cluster:3").regions == report.regions


def test_depth_is_in_units_of_the_scene(scenes) -> None:
    """Cameras see a cube, whose corners are 1.7 from its middle, from about 5 off."""
    shares = regions(scenes / "cube.obj", "depth:..5", "depth:5..", "depth:3..8").regions
    near, far, whole = shares.values()
    assert whole > 0.8
    assert min(near, far) > 0.1
    for text in ("depth:..3", "depth:8.."):
        with pytest.raises(ConfigError, match="covers nothing of the scene"):
            regions(scenes / "cube.obj", text)


def test_a_region_that_no_picture_shows_is_said(scenes, tmp_path) -> None:
    notes: list[str] = []
    splats = ball(200)
    opacities = np.where(splats.positions[:, 0] > 2.9, 0, splats.opacities).astype(np.float32)
    save(tmp_path / "some.ply", replace(splats, opacities=opacities))
    regions(tmp_path / "some.ply", "plane:1,0,0,2.95", notes=notes, out=tmp_path / "sheet.png")
    assert notes == ["region plane:1,0,0,2.95: is seen in none of the sheet's pictures"]
