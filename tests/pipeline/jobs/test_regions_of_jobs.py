"""Regions that cannot be painted are refused in one line; terms count in regions of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from npz_samples import field_of
from small_splats import ball
from tiny_jobs import TINY, Listener, Losses, job

from nst3d import Recipe, Regions, Schedule, Stage, Term, run_job, save
from nst3d.cli.main import main
from nst3d.errors import ConfigError, InputError
from nst3d.formats.splats.registry import load_splats
from nst3d.images.io import read_image, write_image
from nst3d.operators import IdentityView
from nst3d.stylize.canvas import TableOptions
from nst3d.stylize.layout import Layout
from nst3d.stylize.linear_canvas import LinearCanvas
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import ImageSize


@pytest.fixture(scope="session")
def scenes(inputs):
    """The inputs, a field, splats and masks of the photo's left half, of nothing, and one that is no picture."""
    save(inputs / "field.npz", field_of())
    save(inputs / "splats.ply", ball(60))
    mask = np.zeros((36, 48, 3), np.float32)
    write_image(inputs / "nothing.png", mask)
    mask[:, :24] = 1
    write_image(inputs / "left.png", mask)
    (inputs / "broken.png").write_bytes(b"no picture")
    return inputs


@pytest.mark.parametrize(
    ("scene", "region", "says"),
    [
        (
            "cube.obj",
            "material:skim",
            r"the mesh has no material 'skim'; did you mean 'skin'\? Its materials are skin",
        ),
        (
            "cube.obj",
            "roof",
            "region 'roof': expected a selector such as material:roof, not 'roof'",
        ),
        (
            "cube.obj",
            "mask:a.png",
            "'mask:a.png': mask: is not known for this kind .*: material:…, node:…, uv:…",
        ),
        (
            "photo.png",
            "material:skin",
            "'material:skin': material: is not known .*: mask:…, colour:…, axis:…, ramp:…, cluster:…",
        ),
        ("splats.ply", "mask:left.png", "'mask:left.png': mask: is not known .*: box:…, sphere:…"),
        ("splats.ply", "box:1,2,3", r"region box:1,2,3: expected two corners, box:x,y,z,x,y,z"),
        ("splats.ply", "box:a,b,c,d,e,f", r"expected two corners"),
        (
            "splats.ply",
            "box:90,90,90,91,91,91",
            r"contains nothing of the scene, which spans box:",
        ),
        ("field.npz", "box:90,90,90,91,91,91", r"contains nothing of the scene, which spans box:"),
    ],
)
def test_a_region_that_the_scene_does_not_have(scene, region, says, scenes, tmp_path) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        run_job(job(scenes, tmp_path / "out", replace(TINY, region=region), scene))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_mask_that_cannot_be_read_or_is_black(scenes, tmp_path) -> None:
    def run(name: str) -> None:
        region = f"mask:{scenes / name}"
        run_job(job(scenes, tmp_path / "out", replace(TINY, region=region), "photo.png"))

    with pytest.raises(InputError, match=r"none\.png: no such file"):
        run("none.png")
    with pytest.raises(InputError, match=r"broken\.png: "):
        run("broken.png")
    with pytest.raises(ConfigError, match=r"region mask:.*nothing\.png: covers nothing of the scene"):
        run("nothing.png")


def test_view_dependent_colour_fades_in_the_region_alone(scenes, tmp_path) -> None:
    save(tmp_path / "some.ply", ball(60, 1))
    before = load_splats(tmp_path / "some.ply")
    config = replace(TINY, region="box:0,-9,-9,2,9,9")
    run_job(replace(job(scenes, tmp_path / "out", config), scene=tmp_path / "some.ply"), Listener())
    after = load_splats(tmp_path / "out/painted.ply")
    inside = before.positions[:, 0] <= 2
    assert 0 < inside.sum() < 60
    np.testing.assert_array_equal(after.harmonics[~inside], before.harmonics[~inside])
    assert not after.harmonics[inside, 1:].any()


def test_the_command_line_says_it_in_one_line(scenes, tmp_path, capsys) -> None:
    command = [
        "paint",
        str(scenes / "cube.obj"),
        "--style",
        str(scenes / "style.png"),
        "--size",
        "48",
        "--quiet",
    ]
    assert main([*command, "--out", str(tmp_path / "out"), "--region", "material:skim"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "the mesh has no material 'skim'" in line


def test_a_region_that_no_view_sees() -> None:
    layout = Layout.of_images([ImageSize(4, 6), ImageSize(4, 6)])
    first = Layout.of_images([ImageSize(4, 6)])

    class Half(IdentityView):
        """Sees the first picture alone."""

        def adjoint(self, image):
            seen = super().adjoint(image)
            return torch.cat([seen, torch.zeros_like(seen)])

        def apply(self, colours):
            return super().apply(colours[: first.num_colours])

    unseen = torch.zeros(layout.num_colours, 1)
    unseen[first.num_colours :] = 1
    stage = TableStage(views=[Half(ImageSize(4, 6))], layout=layout)
    regions = Regions({"material:inside": unseen}, "material:inside")
    canvas = LinearCanvas(
        torch.zeros(layout.num_colours, 3), layout, lambda scale: stage, TableOptions(1, 0), regions
    )
    with pytest.raises(ConfigError, match="region material:inside: no view sees any of it"):
        canvas.enter(1.0)


def test_a_term_counts_in_its_own_region(scenes, tmp_path) -> None:
    """Smoothness is asked for in the left half of a picture alone; everywhere is painted, and only it changes."""
    left = f"mask:{scenes / 'left.png'}"
    recipe = replace(Recipe(terms=(Term("variation", 50.0, region=left),)), palette_before=0.0)
    plain = TableOptions(pyramid_levels=1)  # coarse levels of a picture would reach over the border
    config = replace(TINY, recipe=recipe, schedule=Schedule((Stage(48, 8, 0.03),)), table=plain)
    heard = Losses()
    run_job(job(scenes, tmp_path / "out", config, "photo.png"), heard)
    change = np.abs(
        read_image(tmp_path / "out" / "painted.png").pixels - read_image(scenes / "photo.png").pixels
    )
    assert change[:, :24].mean() > 0.03
    assert change[:, 25:].max() < 0.01
    assert heard.parts[-1]["variation"] < heard.parts[0]["variation"]


def test_a_term_in_a_region_that_a_view_does_not_see_counts_nothing_there(scenes, tmp_path) -> None:
    """A box at one end of the splats: cameras behind it see none of it, or little."""
    recipe = TINY.recipe.with_terms(
        {"moments": {"weight": 1.0, "region": "box:2.5,-9,-9,9,9,9", "layers": ["relu2_1"]}}
    )
    heard = Losses()
    run_job(job(scenes, tmp_path / "out", replace(TINY, recipe=recipe), "splats.ply"), heard)
    assert all(np.isfinite(parts["moments"]) for parts in heard.parts)


def test_a_term_in_a_region_that_the_scene_does_not_have(scenes, tmp_path) -> None:
    recipe = TINY.recipe.with_terms({"gram": {"region": "material:skim"}})
    with pytest.raises(ConfigError, match="the mesh has no material 'skim'"):
        run_job(job(scenes, tmp_path / "out", replace(TINY, recipe=recipe)))
