"""The default preset fits the machine; whatever is given stays as given."""

from __future__ import annotations

import json

import pytest
import yaml

from nst3d.cli import pace, paint
from nst3d.cli.main import main
from nst3d.pipeline.kinds.paint_job import Job, Result
from nst3d.pipeline.runtime.early_look import EarlyLook
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.settings.config import PaintConfig, load_preset
from nst3d.pipeline.settings.overrides import as_plain

FAST, SLOW = 1e15, 1e11


@pytest.fixture
def machine(monkeypatch):
    """Sets the machine's speed; what was measured comes back as precisions."""
    measured: list[object] = []

    def set_rate(rate: float) -> list[object]:
        monkeypatch.setattr(pace, "convolution_rate", lambda dtype, device: measured.append(dtype) or rate)
        return measured

    return set_rate


@pytest.fixture
def asked(monkeypatch) -> list[Job]:
    """The jobs that would be run."""
    jobs: list[Job] = []

    def run(job: Job, listeners, *rest, **more) -> Result:
        jobs.append(job)
        bar = Events(listeners[:1])
        bar.phase("painting")
        for text in more["notes"]:
            bar.note(text)
        return Result((), {"notes": []})

    monkeypatch.setattr(paint, "run_job", run)
    return jobs


@pytest.fixture
def ask(inputs, asked, tmp_path):
    """The settings of the job for a scene and options."""

    def settings(*options: object, scene: str = "cube.glb") -> PaintConfig:
        given = ["--style", inputs / "style.png", "--out", tmp_path / "out", *options]
        assert main(["paint", str(inputs / scene), *map(str, given)]) == 0
        return asked.pop().config

    return settings


@pytest.mark.parametrize(("scene", "preset"), [("cube.glb", "default"), ("style.png", "picture")])
def test_a_slow_machine_paints_less_and_says_so(machine, ask, capsys, scene: str, preset: str) -> None:
    machine(SLOW)
    config = ask("--seed", 5, scene=scene)
    usual = load_preset(preset).with_seed(5)
    assert config == usual.within(pace.PAINTING_SECONDS, SLOW) != usual
    said = capsys.readouterr().err
    size, steps = config.schedule.finest, config.schedule.total
    assert f"this CPU does 0.1 TFLOP/s: painting at {size} pixels with {steps} steps; give --size or" in said
    assert ask("--seed", 5, "--size", usual.schedule.finest, scene=scene) == usual


def test_a_fast_machine_paints_all_of_it_without_a_word(machine, ask, capsys) -> None:
    assert machine(FAST) == []
    assert ask() == PaintConfig()
    assert "TFLOP" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ("--size", 512),
        ("--iterations", 270),
        ("--preset", "quick"),
        ("--settings.schedule.patience", 7),
    ],
)
def test_what_is_given_stays(machine, ask, options) -> None:
    measured = machine(SLOW)
    ask(*options)
    assert not measured


def test_the_precision_is_that_of_the_encoder(machine, ask) -> None:
    measured = machine(SLOW)
    ask("--settings.precision", "float32")
    assert [str(dtype) for dtype in measured] == ["torch.float32"]


def test_resuming_keeps_what_was_chosen(machine, ask, tmp_path) -> None:
    """Even if the machine has become faster meanwhile; a run that was asked for other sizes is not touched."""
    measured = machine(SLOW)
    first = ask()
    (tmp_path / "out").mkdir()
    record = tmp_path / "out" / "config.yaml"
    record.write_text(yaml.safe_dump({"scene": "a", "settings": as_plain(first)}))
    machine(FAST)
    count = len(measured)
    assert ask("--resume") == first != PaintConfig()
    assert len(measured) == count
    record.write_text(yaml.safe_dump({"settings": as_plain(PaintConfig().with_size(96))}))
    assert ask("--resume") == PaintConfig()
    record.write_text("settings: [")
    assert ask("--resume") == PaintConfig()


def test_the_choice_is_recorded_and_reproduced(machine, inputs, tmp_path, monkeypatch, nst3d) -> None:
    machine(1.0)
    monkeypatch.setattr(
        PaintConfig, "rungs", lambda self: iter([self, self.with_size(32).with_iterations(2)])
    )
    common = ["--style", inputs / "style.png", "--settings.rig.views", 3, "--settings.rig.max-views", 3]
    common += [
        "--settings.output.no-turntable",
        "--settings.output.size",
        32,
        "--settings.threads",
        1,
        "--quiet",
    ]
    done = nst3d("paint", inputs / "cube.glb", "--out", tmp_path / "a", *common)
    assert done.returncode == 0, done.stderr
    machine(FAST)
    record = tmp_path / "a" / "config.yaml"
    done = nst3d("paint", inputs / "cube.glb", "--out", tmp_path / "b", *common, "--preset", record)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a/painted.glb").read_bytes() == (tmp_path / "b/painted.glb").read_bytes()
    assert json.loads((tmp_path / "b/metrics.json").read_text())["iterations"] == 2
    assert any("TFLOP" in note for note in json.loads((tmp_path / "a/metrics.json").read_text())["notes"])


def test_nothing_is_said_about_a_job_that_cannot_begin(machine, inputs, tmp_path, capsys) -> None:
    machine(SLOW)
    given = [
        "paint",
        inputs / "cube.glb",
        "--style",
        tmp_path / "none.png",
        "--out",
        tmp_path / "out",
        "--quiet",
    ]
    assert main([str(part) for part in given]) == 1
    assert "TFLOP" not in capsys.readouterr().err


@pytest.mark.parametrize("interrupted", [False, True])
def test_the_preview_gives_way_to_the_sheet(inputs, tmp_path, monkeypatch, interrupted: bool) -> None:
    """After Ctrl-C there is no sheet, so it stays."""
    out = tmp_path / "out"

    def run(job: Job, listeners, *rest, **more) -> Result:
        assert any(isinstance(listener, EarlyLook) for listener in listeners)
        out.mkdir()
        (out / "preview.png").write_bytes(b"a picture")
        return Result((), {"notes": []}, interrupted)

    monkeypatch.setattr(paint, "run_job", run)
    given = [
        "paint",
        str(inputs / "cube.glb"),
        "--style",
        str(inputs / "style.png"),
        "--out",
        str(out),
        "--size",
        "64",
    ]
    assert main(given) == (130 if interrupted else 0)
    assert (out / "preview.png").exists() == interrupted
