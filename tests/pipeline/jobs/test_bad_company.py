"""Listeners that fail, teachers that paint nonsense, configurations and checkpoints of older versions."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml
from tiny_jobs import TINY, Listener, job

from nst3d import Guide, Handler, Job, Recipe, run_job
from nst3d.cli.main import main
from nst3d.errors import ConfigError, InputError, MissingDependencyError, Nst3dError
from nst3d.images.io import write_image
from nst3d.pipeline.settings.config import PaintConfig, TeachOptions, load_preset, override


class Fails(Handler):
    """Raises an error at its third step, and counts what it hears after that."""

    def __init__(self) -> None:
        self.steps = 0

    def step(self, event) -> None:
        self.steps += 1
        if self.steps == 3:
            raise ValueError("two\nlines")


def test_a_listener_that_fails_is_dropped_and_the_job_continues(inputs, tmp_path) -> None:
    before, fails, after = Listener(), Fails(), Listener()
    result = run_job(job(inputs, tmp_path / "out", TINY, "photo.png"), [before, fails, after])
    assert not result.interrupted
    assert (tmp_path / "out" / "painted.png").is_file()
    assert fails.steps == 3
    line = "listener Fails failed and receives no more events of this job: ValueError: two lines"
    for other in (before, after):
        assert other.steps == 6
        assert other.notes.count(line) == 1


def test_a_listener_that_fails_at_a_note_does_not_fail_twice(inputs, tmp_path) -> None:
    class Mute(Handler):
        def note(self, text: str) -> None:
            raise RuntimeError("mute")

        def step(self, event) -> None:
            raise RuntimeError("still")

    other = Listener()
    run_job(job(inputs, tmp_path / "out", TINY, "photo.png"), [Mute(), Fails(), other])
    assert [
        n.split(":")[0].split()[1].rpartition(".")[2] for n in other.notes if "receives no more" in n
    ] == [
        "Mute",
        "Fails",
    ]


def test_two_listeners_that_fail_at_everything_do_not_stop_the_job(inputs, tmp_path) -> None:
    class Broken(Handler):
        def note(self, text: str) -> None:
            raise OSError("note")

        def step(self, event) -> None:
            raise OSError("step")

    other, same = Listener(), Broken()
    run_job(job(inputs, tmp_path / "out", TINY, "photo.png"), [Broken(), same, same, other])
    assert other.steps == 6


class Still(Guide):
    """A guide without a wish, which keeps the mean coverage that it saw."""

    coverage = 0.0

    def __init__(self, made) -> None:
        self.background = made.background

    def judge(self, look):
        Still.coverage = float(look.coverage.mean())
        return look.image.sum() * 0, {}


@pytest.mark.parametrize("name", ["features", "gram"])
def test_a_guide_cannot_take_the_name_of_another_part(inputs, tmp_path, name) -> None:
    """It replaced the part: the painting pleased nobody else."""
    with pytest.raises(ConfigError, match=f"guide '{name}': the recipe has a part of that name"):
        run_job(job(inputs, tmp_path / "out", TINY, "photo.png"), guides={name: Still})


def test_a_guide_of_the_caller_sees_the_region_of_the_job(inputs, tmp_path) -> None:
    mask = np.zeros((36, 48, 3), np.float32)
    mask[:, :24] = 1
    write_image(tmp_path / "left.png", mask)
    config = replace(TINY, region=f"mask:{tmp_path / 'left.png'}")
    run_job(job(inputs, tmp_path / "out", config, "photo.png"), guides={"still": Still})
    assert Still.coverage == pytest.approx(0.5, abs=0.1)


def test_a_run_is_not_continued_with_another_mask_or_other_guides(inputs, tmp_path) -> None:
    mask = np.zeros((36, 48, 3), np.float32)
    mask[:, :24] = 1
    write_image(tmp_path / "mask.png", mask)
    config = replace(TINY, region=f"mask:{tmp_path / 'mask.png'}")
    painting = job(inputs, tmp_path / "out", config, "photo.png")
    assert run_job(painting, Listener(stop_after=2), guides={"still": Still}).interrupted
    with pytest.raises(InputError, match="another"):
        run_job(replace(painting, resume=True))
    write_image(tmp_path / "mask.png", 1 - mask)
    with pytest.raises(InputError, match="another"):
        run_job(replace(painting, resume=True), guides={"still": Still})
    write_image(tmp_path / "mask.png", mask)
    assert not run_job(replace(painting, resume=True), guides={"still": Still}).interrupted


def test_the_shape_outside_a_region_is_not_moved_silently(inputs, tmp_path) -> None:
    config = replace(TINY, region="material:a").with_displacement(0.03)
    with pytest.raises(ConfigError, match="`displace` moves the whole surface: leave out regions"):
        run_job(job(inputs, tmp_path / "out", config))


@pytest.mark.parametrize(("value", "wanted"), [("abc", "a whole number"), (2.5, "a whole number")])
def test_a_teacher_s_options_have_the_type_of_their_defaults(value, wanted) -> None:
    with pytest.raises(
        ConfigError, match=f"teacher posterise: option levels is {value!r}: expected {wanted}"
    ):
        TeachOptions("posterise", options={"levels": value})


def test_another_teacher_does_not_get_the_preset_s_options(inputs, tmp_path) -> None:
    preset = tmp_path / "post.yaml"
    preset.write_text("teach: {teacher: posterise, options: {levels: 4}}")
    command = ["paint", str(inputs / "photo.png"), "--style", str(inputs / "style.png"), "--size", "48"]
    command += ["--iterations", "0", "--quiet", "--preset", str(preset), "--out", str(tmp_path / "out")]
    assert main([*command, "--teacher", "identity"]) == 0


def test_a_teacher_that_paints_other_sizes(inputs, tmp_path) -> None:
    class Small:
        def teach(self, pictures, looks, styles):
            return [picture[::2, ::2] for picture in pictures]

    with pytest.raises(
        ConfigError, match="teacher Small returned 24 x 24 x 3 values for view 0: expected 48 x 48 x 3"
    ):
        run_job(
            job(inputs, tmp_path / "out", replace(TINY, rig=replace(TINY.rig, crop=False))),
            teachers=[Small()],
        )


def test_a_teacher_that_is_not_known_is_refused_before_anything_is_read(tmp_path, capsys) -> None:
    with pytest.raises(ConfigError, match="teacher 'posterize' is not known; did you mean 'posterise'"):
        TeachOptions("posterize")
    with pytest.raises(ConfigError, match=r"here: teacher 'posterize' is not known"):
        override(PaintConfig(), {"teach": {"teacher": "posterize"}}, "here")
    with pytest.raises(
        ConfigError, match="teacher posterise has no option 'level'; its options are: levels, lines"
    ):
        TeachOptions("posterise", options={"level": 4})
    command = ["paint", "none.obj", "--style", "none.png", "--out", str(tmp_path / "out")]
    assert main([*command, "--teacher", "posterize"]) == 1
    assert "did you mean 'posterise'" in capsys.readouterr().err


def test_a_configuration_of_an_older_version_is_painted_with_a_note(inputs, tmp_path, capsys) -> None:
    old = tmp_path / "old.yaml"
    old.write_text(yaml.safe_dump({"recipe": {"content": 0.3, "gram_layers": ["relu1_1"], "agree": 0.0}}))
    notes: list[str] = []
    recipe = load_preset(str(old), notes.append).recipe
    assert recipe == PaintConfig().recipe.with_terms(
        {"content": 0.3, "gram": {"layers": ["relu1_1"]}, "nnfm": {"agree": 0.0}, "grain": 0, "excess": 0}
    )
    (note,) = notes
    assert note.endswith(
        "agree, content, gram_layers are settings of an older version; reading them as terms"
    )
    command = [
        "paint",
        str(inputs / "photo.png"),
        "--style",
        str(inputs / "style.png"),
        "--size",
        "48",
        "--quiet",
    ]
    assert main([*command, "--iterations", "1", "--preset", str(old), "--out", str(tmp_path / "out")]) == 0
    assert "settings of an older version" in capsys.readouterr().err
    assert notes[0] in json.loads((tmp_path / "out/metrics.json").read_text())["notes"]


def test_presets_are_up_to_date() -> None:
    for name in ("arf", "capture", "fine", "gatys", "gatys-paper", "picture", "quick"):
        notes: list[str] = []
        load_preset(name, notes.append)
        assert not notes, name


def test_a_checkpoint_of_an_older_version_says_why_it_cannot_be_continued(inputs, tmp_path) -> None:
    painting = job(inputs, tmp_path / "out", TINY, "photo.png")
    assert run_job(painting, Listener(stop_after=2)).interrupted
    checkpoint = tmp_path / "out" / "checkpoint.pt"
    torch.save(torch.load(checkpoint, weights_only=True) | {"version": 1}, checkpoint)
    with pytest.raises(InputError, match=r"checkpoint\.pt: was written by another version of nst3d") as error:
        run_job(replace(painting, resume=True))
    assert "start over with `overwrite`" in str(error.value)
    assert checkpoint.is_file()


@pytest.mark.parametrize(
    ("teach", "says"),
    [
        (TeachOptions("microast"), "weights microast not found"),
        (TeachOptions("network"), "needs its option file"),
        (TeachOptions("posterise", options={"levels": 99}), "expected 2 to 32 levels"),
    ],
)
def test_a_teacher_that_cannot_paint_is_known_before_the_scene_is_read(
    teach, says, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    task = Job(
        tmp_path / "no_such.glb", tmp_path / "no_style.png", tmp_path / "out", PaintConfig(teach=teach)
    )
    with pytest.raises(Nst3dError, match=says):
        run_job(task)


def test_an_encoder_that_is_missing_is_known_before_the_scene_is_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    config = PaintConfig(Recipe(encoder="vgg16-torchvision", fallback_encoder=None))
    with pytest.raises(MissingDependencyError, match="weights vgg16-torchvision not found"):
        run_job(Job(tmp_path / "no_such.glb", tmp_path / "no_style.png", tmp_path / "out", config))
