"""What the short options of nst3d paint make of the settings."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from nst3d.cli import paint
from nst3d.cli.main import main
from nst3d.errors import ConfigError
from nst3d.pipeline.kinds.paint_job import Job, Result
from nst3d.pipeline.settings.config import PaintConfig, load_preset


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that would be run."""
    jobs: list[Job] = []
    monkeypatch.setattr(
        paint, "run_job", lambda job, *rest, **more: jobs.append(job) or Result((), {"notes": []})
    )
    return jobs


def job(asked: list[Job], *options: str) -> Job:
    assert main(["paint", "a.glb", "--style", "b.png", "--out", "c", "--quiet", *options]) == 0
    return asked.pop()


def test_displacement_follows_size_and_iterations(asked) -> None:
    usual = job(asked, "--displace", "0.03").config
    small = job(
        asked, "--displace", "0.03", "--size", "256", "--iterations", str(usual.schedule.total // 2)
    ).config
    assert [s.size for s in usual.displace.stages] == [128, 224]
    assert [s.size for s in small.displace.stages] == [64, 112]
    steps = [sum(s.iterations for s in c.displace.stages) for c in (usual, small)]
    assert steps == [110, 55]
    assert small.schedule.finest == 256
    few = job(asked, "--displace", "0.03", "--iterations", "1").config
    assert sum(s.iterations for s in few.displace.stages) == 1


@pytest.mark.parametrize(
    ("options", "change"),
    [
        ((), lambda c: c),
        (("--size", "200"), lambda c: c.with_size(200)),
        (("--iterations", "77"), lambda c: c.with_iterations(77)),
        (("--seed", "5"), lambda c: c.with_seed(5)),
        (("--displace", "0.04"), lambda c: c.with_displacement(0.04)),
        (
            ("--seed", "9", "--iterations", "50", "--size", "96", "--displace", "0.1"),
            lambda c: c.with_size(96).with_iterations(50).with_seed(9).with_displacement(0.1),
        ),
        (
            ("--up", "-z", "--renderer", "embree", "--nerf", "head", "--keep-specular", "0.25"),
            lambda c: dataclasses.replace(c, up="-z", nerf="head", keep_specular=0.25),
        ),
        (("--stroke", "2"), lambda c: dataclasses.replace(c, stroke=2.0)),
        (("--up=-y",), lambda c: dataclasses.replace(c, up="-y")),
    ],
)
@pytest.mark.parametrize("preset", ["default", "quick"])
def test_the_command_line_is_what_python_says(asked, preset: str, options, change) -> None:
    assert job(asked, "--preset", preset, *options).config == change(load_preset(preset))


def test_sizes_and_steps_keep_their_proportions() -> None:
    config = PaintConfig().with_size(256).with_iterations(100)
    assert [s.size for s in config.schedule.stages] == [80, 160, 256]
    assert [s.iterations for s in config.schedule.stages] == [56, 33, 11]
    assert [s.size for s in config.displace.stages] == [64, 112]
    assert [s.iterations for s in config.displace.stages] == [19, 22]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c: c.with_size(8), "`size` is 8: expected a number from 16 to 8192"),
        (lambda c: c.with_size(9000), "`size` is 9000: expected a number from 16 to 8192"),
        (lambda c: c.with_iterations(0), "`iterations` is 0, which changes nothing: give 1 or more, or a"),
        (
            lambda c: c.with_seed(-1),
            "setting schedule.seed is -1: expected a number from 0 to 9223372036854775807",
        ),
        (lambda c: c.with_displacement(0), "`displace` is 0, which moves nothing"),
        (
            lambda c: c.with_displacement(0.3),
            "setting displace.fraction is 0.3: expected a number from 0 to 0.2",
        ),
    ],
)
def test_changes_that_make_no_sense(change, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        change(PaintConfig())


def test_displacing_by_nothing_is_a_mistake(capsys) -> None:
    assert main(["paint", "a.glb", "--style", "b.png", "--out", "c", "--displace", "0"]) == 1
    assert "--displace is 0, which moves nothing; give a fraction such as 0.03" in capsys.readouterr().err


def test_the_size_of_strokes(asked, tmp_path, capsys) -> None:
    assert job(asked, "--stroke", "0.5").directed.entries[0].stroke == 0.5
    for wrong in ("0.1", "5"):
        assert main(["paint", "a.glb", "--style", "b.png", "--out", "c", "--stroke", wrong]) == 1
        assert f"--stroke is {wrong}: expected a number from 0.25 to 4" in capsys.readouterr().err
    look = tmp_path / "look.yaml"
    look.write_text("styles: {a: a.png}")
    assert main(["paint", "a.glb", "--direction", str(look), "--out", "c", "--stroke", "2"]) == 1
    says = "--direction says how large strokes are where: leave out --stroke, or give it in the file"
    assert says in capsys.readouterr().err


def test_plain_strings_are_paths() -> None:
    given = Job("a", "b", "c", data="d", cameras="e")  # type: ignore[arg-type]
    assert (given.data, given.cameras) == (Path("d"), Path("e"))


def test_instant_painting_takes_no_steps(asked) -> None:
    config = job(asked, "--method", "instant").config
    assert config.teach.teacher == "instant"
    assert config.schedule.total == 0
    assert config.schedule.finest == 256
    assert job(asked, "--method", "instant", "--size", "128").config.schedule.finest == 128


def test_an_instant_start_leaves_fewer_steps(asked) -> None:
    usual, warm = job(asked).config, job(asked, "--start", "instant").config
    assert warm.teach.teacher == "instant"
    assert 0 < warm.schedule.total < usual.schedule.total / 2
    assert job(asked, "--start", "noise").config.start == "noise"
    quilt = job(asked, "--start", "quilt", "--teacher-option", "patch=0.2").config
    assert (quilt.teach.teacher, quilt.teach.options) == ("quilt", {"patch": 0.2})
    assert 0 < quilt.schedule.total < usual.schedule.total / 2


def test_steps_after_a_teacher_of_words_are_few_and_fine(asked) -> None:
    usual = job(asked).config.schedule
    schedule = job(asked, "--teacher", "diffusion").config.schedule
    assert 0 < schedule.total < usual.total / 2
    assert [stage.size for stage in schedule.stages] == [usual.finest]
    assert not job(asked, "--teacher", "diffusion", "--iterations", "0").config.schedule.total
    assert job(asked, "--teacher", "monge").config.schedule == usual
    started = job(asked, "--start", "instant").config.schedule
    assert job(asked, "--start", "instant", "--teacher", "diffusion").config.schedule == started


@pytest.mark.parametrize(
    "options", [("--iterations", "5"), ("--term", "gram=1"), ("--start", "instant"), ("--start", "quilt")]
)
def test_instant_painting_refuses_steps(options, capsys) -> None:
    assert main(["paint", "a.glb", "--style", "b.png", "--out", "c", "--method", "instant", *options]) == 1
    assert "--method instant takes no steps" in capsys.readouterr().err


def test_one_region_is_painted_at_a_time(asked, capsys) -> None:
    assert job(asked, "--region", "material:roof").config.region == "material:roof"
    assert job(asked).config.region is None
    twice = ["--region=material:roof", "--region", "material:door"]
    assert main(["paint", "a.glb", "--style", "b.png", "--out", "c", *twice]) == 1
    assert (
        "--region is given more than once: several regions are painted by a file" in capsys.readouterr().err
    )
    assert not asked
