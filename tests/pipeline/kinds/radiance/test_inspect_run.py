"""What nst3d inspect says of nerfstudio runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from nerfstudio_samples import splat_state, write_run

from nst3d.pipeline.jobs.inspect import inspect_file
from nst3d.pipeline.kinds.radiance import inspect_run

NERF = {
    "field.aabb": torch.tensor([[-1.0, -1, -1], [1, 1, 1]]),
    "field.num_levels": torch.tensor(4),
    "field.log2_hashmap_size": torch.tensor(6),
    "field.embedding_appearance.embedding.weight": torch.zeros(12, 32),
    "lpips.net": torch.zeros(1000),
}


def test_a_splatfacto_run(tmp_path: Path) -> None:
    report = inspect_file(write_run(tmp_path, splat_state()))
    assert "nerfstudio run: splatfacto, rock, step 29" in report.contents
    assert "trained on: /data/rock" in report.contents
    assert "splats: 40" in report.contents
    assert (report.facts["kind"], report.facts["method"], report.facts["degree"]) == (
        "splats",
        "splatfacto",
        2,
    )


@pytest.mark.parametrize(
    ("name", "shape", "modules", "features"),
    [
        ("field.mlp_base.model.0.hash_table", (256, 4), "torch", 4),
        ("field.mlp_base.model.params", (900,), "tiny-cuda-nn", 2),
    ],
)
def test_a_nerfacto_run(tmp_path, name, shape, modules, features) -> None:
    report = inspect_file(write_run(tmp_path, NERF | {name: torch.zeros(shape)}, method="nerfacto"))
    facts = report.facts
    assert (facts["kind"], facts["step"], facts["modules"], facts["images"]) == ("nerf", 29, modules, 12)
    assert facts["grid"] == {"levels": 4, "log2_size": 6, "features": features}
    assert facts["box"] == [[-1, -1, -1], [1, 1, 1]]
    assert any("CUDA" in line for line in report.problems) is (modules != "torch")


def nerf_state() -> dict[str, torch.Tensor]:
    """With all that a nerfacto of nerfstudio's own modules has at least."""
    layers = [("field.mlp_base.model.1.layers", 2), ("field.mlp_head.layers", 3)]
    names = [f"{n}.{k}.{part}" for n, count in layers for k in range(count) for part in ("weight", "bias")]
    return NERF | {n: torch.zeros(4) for n in ("field.mlp_base.model.0.hash_table", *names)}


def problems(config: Path) -> tuple[str, ...]:
    return inspect_file(config).problems


def test_a_sound_nerfacto_has_no_problems(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(inspect_run, "version_notes", lambda: ())
    config = write_run(tmp_path, nerf_state(), method="nerfacto")
    assert problems(config) == ("its data is no longer in /data/rock: painting needs `data`, its new folder",)
    parts = "\n    - ".join(["", "/", *tmp_path.parts[1:]])
    text = config.read_text()
    config.write_text(text.replace("\n    - /\n    - data\n    - rock", parts))
    assert problems(config) == ()
    for was, now, name in (
        ("  model: ", "  model: null\n  other: ", "pipeline.model"),
        ("  datamanager: ", "  datamanager: [1]\n  other: ", "pipeline.datamanager.dataparser"),
    ):
        config.write_text(text.replace(was, now))
        assert any(f"no settings under {name};" in line for line in problems(config))


def test_tensors_that_are_missing_or_broken_are_problems(tmp_path) -> None:
    last = "field.mlp_head.layers.2.bias"
    state = {k: v for k, v in nerf_state().items() if k != last}
    config = write_run(tmp_path / "a", state, method="nerfacto")
    assert f"the checkpoint lacks {last}, which nerfacto requires" in problems(config)
    state = nerf_state() | {last: torch.full((3,), torch.nan), "lpips.net": torch.full((3,), torch.inf)}
    config = write_run(tmp_path / "b", state, method="nerfacto")
    assert any(line.startswith(f"{last}: not all values are finite") for line in problems(config))
    config = write_run(tmp_path / "c", {**nerf_state(), last: torch.ones(3).int()}, method="nerfacto")
    assert any(line.startswith(f"{last} in its checkpoint is int32") for line in problems(config))


def test_a_name_that_is_no_text_is_left_out(tmp_path) -> None:
    levels = "".join(f"b{k}: &b{k} [{', '.join([f'*b{k - 1}'] * 9)}]\n" for k in range(1, 30))
    config = write_run(tmp_path, nerf_state(), method="nerfacto")
    text = f"{levels}experiment_name: *b29".join(config.read_text().split("experiment_name: rock"))
    config.write_text(text.replace("data: null", "data: null\nb0: &b0 [x]", 1))
    assert inspect_file(config).facts["experiment"] is None
