"""The command line of nst3d sweep: its grid, what it refuses, and a whole sweep as a process."""

from __future__ import annotations

import shlex

import pytest
from PIL import Image

from nst3d.cli import sweep as command
from nst3d.cli.main import main
from nst3d.cli.sweep import parted
from nst3d.cli.sweep_grid import combinations, read_grid, words_for
from nst3d.errors import ConfigError
from nst3d.pipeline.jobs.sweep import SweepJob


class ReachedError(BaseException):
    """Raised with the job where painting would begin."""


@pytest.fixture
def job_of(monkeypatch, inputs, tmp_path):
    """The job that arguments after scene and --out ask for."""

    def reached(job: SweepJob, *more: object) -> None:
        raise ReachedError(job)

    monkeypatch.setattr(command, "run_sweep", reached)

    def run(*arguments: object, style: bool = True) -> SweepJob:
        given = ["sweep", inputs / "cube.glb", *arguments, "--out", tmp_path / "out", "--quiet"]
        given += ["--style", inputs / "style.png"] if style else []
        with pytest.raises(ReachedError) as found:
            main([str(word) for word in given])
        return found.value.args[0]

    return run


def test_names_become_options_terms_and_settings() -> None:
    grid = "stroke=0.7 content=0.1 nnfm.agree=0.2 recipe.style_scale=1.5 keep-specular=0.5 recipe.guard=false,true"
    axes = read_grid(grid.split())
    first, second = combinations(axes, 2)
    assert shlex.join(words_for(axes, first)) == (
        "--stroke 0.7 --term content=0.1 --term nnfm.agree=0.2 --settings.recipe.style-scale 1.5"
        " --keep-specular 0.5 --settings.recipe.no-guard"
    )
    assert words_for(axes, second)[-1] == "--settings.recipe.guard"


def test_values_with_commas_are_separated_by_bars() -> None:
    (axis,) = read_grid(["preset=impasto|quick,mosaic"])
    assert axis.values == ("impasto", "quick,mosaic")


def test_all_combinations_in_order() -> None:
    axes = read_grid(["stroke=1,2", "content=0.1,0.3"])
    found = [tuple(values.values()) for values in combinations(axes, 4)]
    assert found == [("1", "0.1"), ("1", "0.3"), ("2", "0.1"), ("2", "0.3")]
    with pytest.raises(ConfigError, match=r"2 × 2 = 4 combinations, more than --most 3: .* give --most 4"):
        combinations(axes, 3)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "no grid: give --grid NAME=VALUE"),
        (["stroke"], "--grid stroke: expected NAME=VALUE,VALUE"),
        (["stroke="], "expected NAME=VALUE"),
        (["stroke=1,,2"], "expected NAME=VALUE"),
        (["=1"], "expected NAME=VALUE"),
        (["stroke=1,2,1"], "1 is given twice"),
        (["stroke=1", "stroke=2"], "stroke twice: give all its values at once"),
        (["keep-specular=1", "keep_specular=0"], "keep_specular twice"),
        (["strok=1"], r"strok is not known \(did you mean stroke\?\)"),
        (["contant=1"], r"contant is not known \(did you mean content\?\)"),
        (["recipe.style_scal=1"], r"did you mean recipe\.style_scale\?"),
        (["style_scale=1"], r"did you mean recipe\.style_scale\?"),
        (
            ["zzzzzz=1"],
            r"zzzzzz is not known: give an option of nst3d paint \(style, .*stroke.*a term \(.*gram",
        ),
        (["out=a,b"], "out is not known"),
        (["recipe.guard=yes"], "expected true or false"),
    ],
)
def test_grids_that_are_refused(texts, message) -> None:
    def words() -> list[str]:
        axes = read_grid(texts)
        return words_for(axes, combinations(axes, 9)[0])

    with pytest.raises(ConfigError, match=message):
        words()


def test_own_options_are_told_from_those_of_paint() -> None:
    line = "a.glb --grid stroke=1,2 gram=1 b.glb --style s.jpg --grid=nnfm=1 --out=o --size 64 --stroke 2 --resume"
    own, grid, rest = parted(line.split())
    assert own == ["--out=o", "--size", "64", "--resume"]
    assert grid == ["stroke=1,2", "gram=1", "nnfm=1"]
    assert rest == ["a.glb", "b.glb", "--style", "s.jpg", "--stroke", "2"]


def test_paintings_are_small_and_the_commands_are_not(job_of, inputs, tmp_path) -> None:
    job = job_of("--grid", "stroke=0.7,2", "content=0.1", "--seed", 3)
    assert [trial.label for trial in job.trials] == ["stroke=0.7, content=0.1", "stroke=2, content=0.1"]
    first = job.trials[0]
    config = first.job.config
    assert (config.stroke, config.recipe.weight("content"), config.schedule.seed) == (0.7, 0.1, 3)
    assert (config.schedule.finest, config.schedule.total, config.output.turntable) == (192, 60, False)
    assert first.job.out == tmp_path / "out" / "runs" / "stroke=0.7,content=0.1"
    words = shlex.split(first.command)
    assert words[:3] == ["nst3d", "paint", str(inputs / "cube.glb")]
    assert not {"--size", "--iterations"} & set(words)
    assert {"--stroke", "--seed", "content=0.1"} <= set(words)
    job = job_of("--grid", "stroke=1", "--size", 64, "--iterations", 5)
    assert job.trials[0].job.config.schedule.finest == 64
    assert job.trials[0].job.config.schedule.total == 5
    assert job.flight.size == 64


def test_sizes_steps_presets_styles_and_methods_can_be_swept(job_of, inputs) -> None:
    job = job_of("--grid", "size=64,80", "iterations=4,5")
    schedules = [trial.job.config.schedule for trial in job.trials]
    assert [(s.finest, s.total) for s in schedules] == [(64, 4), (64, 5), (80, 4), (80, 5)]
    assert "--size 64 --iterations 4" in job.trials[0].command
    job = job_of("--grid", "preset=default|quick,mosaic", f"style={inputs / 'style.png'}", style=False)
    assert job.trials[1].job.config.recipe != job.trials[0].job.config.recipe
    assert job.trials[0].job.styles == (inputs / "style.png",)
    assert len({trial.job.out.name for trial in job.trials}) == 2
    assert all("/" not in trial.job.out.name and "|" not in trial.job.out.name for trial in job.trials)
    job = job_of("--grid", "method=instant,optimise")
    assert job.trials[0].job.config.schedule.total == 0
    assert job.trials[1].job.config.schedule.total == 60


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--grid", "stroke=1,abc"], "--grid stroke=abc: expected a number from 0.25 to 4"),
        (
            ["--grid", "stroke=1", "--most", "99999999"],
            "--most is 99999999: expected a number from 1 to 1000",
        ),
        (["--grid", "stroke=1,9"], "--grid stroke=9: setting stroke is 9"),
        (["--grid", "content=0.1", "colour=blue,style"], "--grid colour=blue: invalid choice 'blue'"),
        (["--grid", "recipe.style_scale=1,100"], "--grid recipe.style_scale=100: recipe.style_scale is 100"),
        (["--grid", "content=0.1,much"], "--grid content=much: "),
        (["--grid", "preset=quick,quack"], "--grid preset=quack: preset 'quack' is not known"),
        (
            ["--grid", "method=instant", "content=1"],
            "--grid method=instant content=1: --method instant takes no",
        ),
        (["--grid", "stroke=1,2", "--stroke", "1"], "stroke is in the grid and given for all"),
        (["--grid", "content=1,2", "--term", "content=1"], "content is in the grid and given for all"),
        (
            ["--grid", "recipe.guard=true", "--settings.recipe.no-guard"],
            "recipe.guard is in the grid and given",
        ),
        (["--grid", "stroke=1,2", "--most", "1"], "more than --most 1"),
        (["--grid", "stroke=1", "--term", "content=much"], "terms: content"),
        (["--grid", "stroke=1", "--size", "1"], "--size is 1"),
        ([], "no grid"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line_before_painting(
    nst3d, inputs, tmp_path, given, message
) -> None:
    style = ["--style", inputs / "style.png", "--out", tmp_path / "out"]
    done = nst3d("sweep", inputs / "cube.glb", *style, *given)
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_sweep_as_a_process(process, inputs, tmp_path) -> None:
    out = tmp_path / "out"
    given = ["sweep", inputs / "cube.glb", "--style", inputs / "style.png", "--out", out, "--size", 48]
    given += ["--iterations", 2, "--settings.rig.views", 4, "--grid", "stroke=0.7,2"]
    done = process(*given)
    assert done.returncode == 0, done.stderr
    assert {p.name for p in out.iterdir()} == {"runs", "report", "sweep.md", "sweep.png"}
    assert {p.name for p in (out / "runs").iterdir()} == {"stroke=0.7", "stroke=2"}
    with Image.open(out / "sweep.png") as sheet:
        assert sheet.width > 2 * 180
    page = (out / "sweep.md").read_text(encoding="utf-8")
    command = next(line for line in page.splitlines() if line.startswith("    nst3d paint") and "0.7" in line)
    assert "--size" not in command
    assert "| stroke | score |" in done.stdout
    assert str(out / "sweep.png") in done.stdout
    assert "2 combinations of stroke" in done.stderr
    again = process(*given)
    assert again.returncode == 1
    assert "not empty" in again.stderr
