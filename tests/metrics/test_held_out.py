"""The encoder that judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from nst3d.errors import ConfigError
from nst3d.metrics.held_out import JUDGES, judge_for, why_no_judge


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where weights are found, none of them installed with a package."""
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    return tmp_path


def test_the_best_that_painting_did_not_use(folder: Path) -> None:
    for file in ("alexnet_features.safetensors", "vgg16_features.safetensors", "vgg19-dcbb9e9d.pth"):
        (folder / file).touch()
    assert judge_for([]) == "vgg16-torchvision"
    assert judge_for(["vgg19"]) == "vgg16-torchvision"
    assert judge_for(["vgg16"]) == "vgg19-torchvision"
    assert judge_for(["vgg16_bn-torchvision", "vgg19"]) == "alexnet-torchvision"


def test_other_weights_of_the_same_network_are_no_other_encoder(folder: Path) -> None:
    (folder / "vgg19-dcbb9e9d.pth").touch()
    assert judge_for(["vgg19"]) is None
    assert judge_for(["timm:convnext_tiny"]) == "vgg19-torchvision"


def test_none_says_why(folder: Path) -> None:
    assert judge_for(["vgg19"]) is None
    reason = why_no_judge(["vgg19"])
    assert "vgg19" in reason
    assert "nst3d weights fetch vgg16-torchvision" in reason
    assert "alexnet-torchvision" in reason
    with pytest.raises(ConfigError, match="unknown encoder"):
        judge_for(["vgg20"])


def test_all_judges_are_encoders() -> None:
    from nst3d.features.kinds import ENCODERS

    assert set(JUDGES) <= set(ENCODERS)
