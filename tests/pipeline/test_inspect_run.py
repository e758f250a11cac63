"""What nst3d inspect says of nerfstudio runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from nerfstudio_samples import splat_state, write_run

from nst3d.pipeline.inspect_job import inspect_file

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
