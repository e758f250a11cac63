"""Paint jobs with a direction: regions in styles of their own, on meshes, splats and pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_splats import ball
from tiny_jobs import TINY, Listener, Losses, job

from nst3d import Direction, Gradient, Guide, PaintEntry, StyleEntry, prepare, read_direction, run_job, save
from nst3d.cli.main import main
from nst3d.errors import ConfigError
from nst3d.formats.splats.registry import load_splats
from nst3d.images.io import read_image, write_image
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import TeachOptions

RED, BLUE = (0.9, 0.1, 0.1), (0.1, 0.2, 0.9)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two styles, splats, a grey photograph, and a mask of its left half."""
    path = tmp_path_factory.mktemp("directed")
    noise = np.random.default_rng(0).random((40, 40, 3))
    for name, colour in (("red", RED), ("blue", BLUE)):
        write_image(path / f"{name}.png", np.clip(np.array(colour) + 0.1 * (noise - 0.5), 0, 1))
    write_image(path / "photo.png", 0.3 + 0.4 * np.random.default_rng(1).random((36, 48, 1)).repeat(3, 2))
    mask = np.zeros((36, 48, 3))
    mask[:, :24] = 1
    write_image(path / "left.png", mask)
    save(path / "ball.ply", ball(60))
    return path


def direction(folder: Path, *entries: PaintEntry) -> Direction:
    styles = {name: StyleEntry((folder / f"{name}.png",)) for name in ("red", "blue")}
    return Direction(styles, {"left": f"mask:{folder / 'left.png'}", "half": "box:-9,-9,-9,2,9,9"}, entries)


def painted(folder: Path, out: Path, *entries: PaintEntry, config=TINY, scene: str = "photo.png"):
    asked = Job(folder / scene, (), out, config, direction=direction(folder, *entries))
    return run_job(asked, Listener())


def left_and_right(out: Path) -> tuple[np.ndarray, np.ndarray]:
    """The mean colours of both halves of a painted picture."""
    pixels = read_image(out / "painted.png").pixels
    middle = pixels.shape[1] // 2
    return pixels[:, : middle - 4].mean((0, 1)), pixels[:, middle + 4 :].mean((0, 1))


@pytest.mark.parametrize("teacher", [None, "posterise"])
def test_each_region_has_its_own_style(folder, tmp_path, teacher) -> None:
    config = TINY if teacher is None else replace(TINY, teach=TeachOptions(teacher)).with_iterations(0)
    painted(
        folder, tmp_path / "out", PaintEntry("left", {"red": 1}), PaintEntry(style={"blue": 1}), config=config
    )
    left, right = left_and_right(tmp_path / "out")
    assert left[0] > left[2] + 0.3
    assert right[2] > right[0] + 0.3


def test_splats_too_and_what_is_kept_stays_to_the_bit(folder, tmp_path) -> None:
    painted(folder, tmp_path / "out", PaintEntry("half", {"red": 1}), scene="ball.ply")
    before, after = load_splats(folder / "ball.ply"), load_splats(tmp_path / "out" / "painted.ply")
    inside = before.positions[:, 0] <= 2
    assert np.array_equal(after.harmonics[~inside], before.harmonics[~inside])
    assert not np.array_equal(after.harmonics[inside], before.harmonics[inside])


def test_a_kept_region_within_what_is_painted(folder, tmp_path) -> None:
    painted(
        folder,
        tmp_path / "out",
        PaintEntry("half", keep=True),
        PaintEntry(style={"blue": 1}),
        scene="ball.ply",
    )
    before, after = load_splats(folder / "ball.ply"), load_splats(tmp_path / "out" / "painted.ply")
    inside = before.positions[:, 0] <= 2
    assert np.array_equal(after.harmonics[inside], before.harmonics[inside])
    assert not np.array_equal(after.harmonics[~inside], before.harmonics[~inside])


def test_no_strength_is_no_paint(folder, tmp_path) -> None:
    full = PaintEntry("half", {"red": 1})
    painted(folder, tmp_path / "none", replace(full, strength=0.0), scene="ball.ply")
    before, after = load_splats(folder / "ball.ply"), load_splats(tmp_path / "none" / "painted.ply")
    np.testing.assert_allclose(after.harmonics[:, 0], before.harmonics[:, 0], atol=1e-6)


def test_a_style_without_weight_is_as_if_it_were_not_given(folder, tmp_path) -> None:
    for name, mix in (("both", {"red": 1.0, "blue": 0.0}), ("one", {"red": 1.0})):
        painted(folder, tmp_path / name, PaintEntry(style=mix))
    first, second = ((tmp_path / name / "painted.png").read_bytes() for name in ("both", "one"))
    assert first == second


def test_the_short_form_is_a_direction(inputs, tmp_path) -> None:
    run_job(job(inputs, tmp_path / "short"), Listener())
    kept = yaml.safe_load((tmp_path / "short" / "config.yaml").read_text())["direction"]
    assert kept == {
        "styles": {"style": {"images": [str(inputs / "style.png")], "weight": 1.0, "scale": 1.0}},
        "paint": [{"style": {"style": 1.0}}],
    }
    assert read_direction(tmp_path / "short" / "config.yaml").plain() == kept
    arguments = ["paint", str(inputs / "cube.obj"), "--direction", str(tmp_path / "short" / "config.yaml")]
    arguments += [
        "--preset",
        str(tmp_path / "short" / "config.yaml"),
        "--out",
        str(tmp_path / "again"),
        "--quiet",
    ]
    assert main(arguments) == 0
    painted = [(tmp_path / name / "painted.glb").read_bytes() for name in ("short", "again")]
    assert painted[0] == painted[1]


def test_a_guide_of_the_caller_gets_the_styles_of_all_regions(folder, tmp_path) -> None:
    class Counts(Guide):
        def __init__(self, made):
            self.background = made.background
            seen.append([style.name for style in made.styles])

        def judge(self, look):
            return look.image.sum() * 0, {}

    seen: list[list[str]] = []
    entries = (PaintEntry("left", {"red": 1}), PaintEntry(style={"red": 1, "blue": 0.5}))
    asked = Job(folder / "photo.png", (), tmp_path, TINY, direction=direction(folder, *entries))
    run_job(asked, Listener(), guides={"counts": Counts})
    assert seen == [["red", "blue"]] * len(TINY.schedule.stages)  # each once


def test_a_stopped_job_is_continued_with_its_direction_alone(folder, tmp_path) -> None:
    entries = (PaintEntry("left", {"red": 1}), PaintEntry(style={"blue": 1}))
    whole = Job(folder / "photo.png", (), tmp_path / "whole", TINY, direction=direction(folder, *entries))
    run_job(whole, Listener())
    stopped = replace(whole, out=tmp_path / "stopped")
    assert run_job(stopped, Losses(stop_after=2)).interrupted
    run_job(replace(stopped, resume=True), Listener())
    pictures = [(tmp_path / name / "painted.png").read_bytes() for name in ("whole", "stopped")]
    assert pictures[0] == pictures[1]


def test_what_does_not_fit(folder, tmp_path) -> None:
    entry = PaintEntry(style={"red": 1})
    with pytest.raises(ConfigError, match="leave out `style`, `text`, `avoid`, `sound` and `region`"):
        Job(folder / "photo.png", folder / "red.png", tmp_path, direction=direction(folder, entry))
    with pytest.raises(ConfigError, match=r"paint\[0\]\.terms.*not known"):
        painted(folder, tmp_path / "a", replace(entry, terms={"gramm": 1}))
    with pytest.raises(ConfigError, match="region 'nowhere': expected a selector such as"):
        painted(folder, tmp_path / "b", replace(entry, region="nowhere"))
    with pytest.raises(ConfigError, match="region left: the regions before it cover all of it"):
        painted(
            folder,
            tmp_path / "c",
            replace(entry, region="mask:" + str(folder / "left.png")),
            PaintEntry("left", {"blue": 1}),
        )
    with pytest.raises(ConfigError, match=r"paint\[1\]: nothing is left for it, as paint\[0\] has no region"):
        painted(folder, tmp_path / "c", entry, PaintEntry(style={"blue": 1}))
    everything, rest = PaintEntry("axis:x:0..1", {"red": 1}), PaintEntry(style={"blue": 1})
    with pytest.raises(
        ConfigError, match="the entry without a region: the regions before it cover all of it"
    ):
        painted(folder, tmp_path / "c", everything, rest)
    styles = {
        d: StyleEntry((folder / f"{n}.png",), detail=d) for d, n in (("coarse", "red"), ("fine", "blue"))
    }
    taught = replace(TINY, teach=TeachOptions("posterise")).with_iterations(0)
    job = Job(folder / "photo.png", (), tmp_path / "a", taught, direction=Direction(styles))
    with pytest.raises(ConfigError, match="detail of a style is for steps"):
        run_job(job)
    assert not any((tmp_path / name).exists() for name in "abc")


def test_a_gradient_has_its_styles_at_its_ends(folder, tmp_path) -> None:
    painted(folder, tmp_path / "out", PaintEntry(gradient=Gradient({"red": 1.0}, {"blue": 1.0}, "x", 3)))
    left, right = left_and_right(tmp_path / "out")
    assert left[0] > left[2] + 0.2
    assert right[2] > right[0] + 0.2
    kept = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())["direction"]["paint"]
    assert kept == [{"gradient": {"from": {"red": 1.0}, "to": {"blue": 1.0}, "along": "x", "steps": 3}}]


def test_an_axis_along_which_a_picture_has_no_extent(folder, tmp_path) -> None:
    entry = PaintEntry(gradient=Gradient({"red": 1.0}, {"blue": 1.0}, "z"))
    with pytest.raises(ConfigError, match=r"^paint\[0\]\.gradient: the scene has no extent along z$"):
        painted(folder, tmp_path / "out", entry)
    with pytest.raises(ConfigError, match=r"^region ramp:z:0\.\.1: the scene has no extent along z$"):
        painted(folder, tmp_path / "out", PaintEntry("ramp:z:0..1", {"red": 1}))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("paint", "says"),
    [
        (
            "[{region: 'materal:roof', style: red}]",
            ":2: region 'materal:roof': materal: is not known for this kind",
        ),
        ("[{region: 'colour:#00ff00', style: red}]", ":2: region colour:#00ff00"),
        ("\n- gradient:\n    from: red\n    to: red\n    along: z", ":6: the scene has no extent along z"),
    ],
)
def test_what_a_scene_lacks_is_named_with_the_line_that_asks_for_it(folder, tmp_path, paint, says) -> None:
    path = tmp_path / "look.yaml"
    path.write_text(f"styles: {{red: '{folder / 'red.png'}'}}\npaint: {paint}\n")
    asked = Job(folder / "photo.png", (), tmp_path / "out", TINY, direction=read_direction(path))
    with pytest.raises(ConfigError) as error:
        run_job(asked)
    assert str(error.value).startswith(f"{path}{says}")


def test_matched_parts_are_painted_and_drawn(folder, tmp_path) -> None:
    """And it is the same when it is painted again."""
    entry, pictures = PaintEntry(style={"red": 1.0, "blue": 1.0}, match=2), []
    for name in ("one", "two"):
        assert tmp_path / name / "match.png" in painted(folder, tmp_path / name, entry).paths
        pictures.append([(tmp_path / name / f).read_bytes() for f in ("painted.png", "match.png")])
    assert pictures[0] == pictures[1]
    drawn = read_image(tmp_path / "one" / "match.png").pixels
    assert drawn.shape == (2 * 256 + 8, 2 * 256 + 8, 3)  # the photograph above the two styles
    orange, blue = (drawn[..., k] > drawn[..., 2 - k] + 0.2 for k in (0, 2))
    for part in (orange, blue):
        assert part[:256].mean() > 0.02
        assert part[264:].mean() > 0.02


def test_a_scene_prepared_for_a_loop_has_its_matched_parts(folder) -> None:
    found = Direction({"red": StyleEntry((folder / "red.png",))}, {}, (PaintEntry(match=2),))
    coats = prepare(folder / "photo.png", config=TINY, direction=found).coats
    assert [coat.name for coat in coats] == ["rest part 2", "rest"]
