"""Models of timm and torchvision, here played by small packages with the functions that are called."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from torch import nn

from nst3d.errors import ConfigError, InputError, MissingDependencyError
from nst3d.features import load_encoder
from nst3d.features.foreign import ForeignKind, blocks_of, is_foreign
from nst3d.features.kinds import encoder_kind
from nst3d.features.survey import Place
from nst3d.weights.find import fetch_weights, find_weights, need_weights

DEFAULT = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


class Stages(nn.Module):
    """A network like ConvNeXt: a stem of stride 4, and stages that begin with a smaller map."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 4, 4), nn.ReLU(inplace=True))
        self.stages = nn.Sequential(
            nn.Sequential(nn.Conv2d(8, 8, 1), nn.GELU()),
            nn.Sequential(nn.ReLU(), nn.Conv2d(8, 16, 2, 2)),
            nn.Sequential(nn.ReLU(), nn.Conv2d(16, 16, 2, 2)),
        )
        self.head = nn.Linear(16, 4)
        self.pretrained_cfg = {"mean": (0.5, 0.4, 0.3), "std": (0.5, 0.25, 0.2)}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.stages(self.stem(x)).mean((2, 3)))


class Tokens(nn.Module):
    """A network like a vision transformer, which takes one size only."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, 4, 16, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] == 224, f"Input height ({x.shape[2]}) doesn't match model (224)."
        return self.embed(x)


@pytest.fixture
def packages(monkeypatch) -> None:
    models = {"convnext_atto": Stages, "vit_atto": Tokens, "vgg_atto": Stages}
    timm = ModuleType("timm")
    timm.is_model = models.__contains__
    timm.list_models = lambda: list(models)
    timm.create_model = lambda name, pretrained, num_classes: models[name.partition(".")[0]]()
    vision = ModuleType("torchvision")
    vision.models = SimpleNamespace(
        list_models=lambda module: list(models), get_model=lambda name, weights: models[name]()
    )
    monkeypatch.setitem(sys.modules, "timm", timm)
    monkeypatch.setitem(sys.modules, "torchvision", vision)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


def test_a_model_paints_by_its_packages_names(packages, folder) -> None:
    torch.manual_seed(0)
    body = Stages()
    torch.save(body.state_dict(), folder / "convnext_atto.in1k.pth")
    encoder = load_encoder("timm:convnext_atto.in1k", dtype=torch.float32)
    assert encoder.own(DEFAULT) == ("stages.0", "stages.1", "stages")
    assert [encoder.stride(layer) for layer in ("stem", "stages.1.1")] == [4, 8]
    image = torch.rand(3, 40, 57, generator=torch.Generator().manual_seed(0)).requires_grad_()
    features = encoder(image, ("stem.0", "stem", "stages.1"))
    column = (3, 1, 1)
    given = (image - torch.tensor([0.5, 0.4, 0.3]).view(column)) / torch.tensor([0.5, 0.25, 0.2]).view(column)
    wanted = body.stem[0](given[None])[0]
    torch.testing.assert_close(features["stem.0"], wanted)  # not what the relu after it makes of it in place
    torch.testing.assert_close(features["stem"], wanted.relu())
    assert features["stages.1"].shape == (16, 5, 7)
    features["stages.1"].sum().backward()
    assert image.grad.abs().sum() > 0
    assert encoder_kind("timm:convnext_atto").residual
    assert not encoder_kind("torchvision:vgg_atto").residual
    assert encoder_kind("timm:convnext_atto").flops_per_pixel(("stem",)) == 4 * 3 * 8


def test_files_are_found_by_the_names_that_torchvision_gives_them(packages, folder) -> None:
    downloads = folder / "torch" / "hub" / "checkpoints"
    downloads.mkdir(parents=True)
    torch.save(Stages().state_dict(), downloads / "convnext_atto-0123abcd.pth")
    assert find_weights("torchvision:convnext_atto") == (downloads / "convnext_atto-0123abcd.pth",)
    assert load_encoder("torchvision:convnext_atto", dtype=torch.float32).normalisation.mean[0] == 0.485
    with pytest.raises(
        MissingDependencyError, match=r"huggingface\.co/timm/convnext_atto and put it as convnext_atto\.safet"
    ):
        need_weights("timm:convnext_atto")
    with pytest.raises(MissingDependencyError, match="weights timm:convnext_atto not found: download"):
        fetch_weights("timm:convnext_atto")
    with pytest.raises(ConfigError, match=r"unknown weights 'timm:\.\./secret'"):
        find_weights("timm:../secret")


def test_other_files_models_and_networks_are_refused(packages, folder) -> None:
    torch.save({"stem.0.weight": torch.ones(2, 2)}, folder / "convnext_atto.pth")
    with pytest.raises(InputError, match=r"convnext_atto\.pth: stem\.0\.weight has the shape"):
        load_encoder("timm:convnext_atto")
    with pytest.raises(ConfigError, match="timm has no model 'convnet_atto'; did you mean convnext_atto"):
        encoder_kind("timm:convnet_atto").own(DEFAULT)
    with pytest.raises(ConfigError, match=r"torchvision has no model 'xyz'$"):
        _ = encoder_kind("torchvision:xyz").layers
    with pytest.raises(ConfigError, match=r"timm:vit_atto cannot be an encoder.*Input height"):
        _ = ForeignKind("timm", "vit_atto").layers


def test_a_package_that_is_missing_or_broken_is_said(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(
        MissingDependencyError, match=r"timm:convnext_tiny needs the package timm.*pip install timm"
    ) as caught:
        encoder_kind("timm:convnext_tiny").own(DEFAULT)
    assert "\n" not in str(caught.value)


def test_blocks_are_the_stages_of_the_nearest_stride() -> None:
    places = {
        "conv": Place(2, 1),
        "low": Place(4, 2),
        "high.0": Place(8, 3),
        "high.0.norm": Place(8, 4),
        "high": Place(16, 5),
    }
    assert blocks_of(places) == {1: "conv", 2: "conv", 3: "low", 4: "high.0", 5: "high"}
    assert is_foreign("timm:resnet18")
    assert not is_foreign("resnet18")
