"""Inception v3: the layers' shapes, and how the published ones differ."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nst3d.errors import InputError, MissingDependencyError
from nst3d.features.inception import INCEPTIONS, Inception, load_inception


@pytest.fixture(scope="module")
def tensors() -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        wanted = Inception(INCEPTIONS["inception-fid"]).state_dict()
    found = {}
    for name, tensor in wanted.items():
        noise = torch.randn(tensor.shape, generator=draw)
        if name.endswith("conv.weight"):
            found[name] = noise * (1.6 / tensor[0].numel()) ** 0.5
        elif name.endswith(("bn.weight", "running_var")):
            found[name] = 1 + 0.1 * noise.abs()
        elif not name.endswith("num_batches_tracked"):
            found[name] = 0.1 * noise
    return found


@pytest.fixture(scope="module")
def file(tensors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "any.pth"
    torch.save(tensors | {"fc.weight": torch.zeros(1008, 2048)}, path)
    return path


def picture(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(1))


def test_it_has_the_tensors_of_the_published_network(tensors) -> None:
    """94 convolutions, and 21.8 million weights without those of the classifier (torchvision counts 21,785,568)."""
    assert sum(name.endswith("conv.weight") for name in tensors) == 94
    assert sum(t.numel() for name, t in tensors.items() if "running" not in name) == 21_785_568
    assert tensors["Mixed_6b.branch7x7dbl_3.conv.weight"].shape == (128, 128, 1, 7)
    assert tensors["Mixed_7c.branch3x3dbl_3b.conv.weight"].shape == (384, 384, 3, 1)
    assert tensors["Mixed_7a.branch7x7x3_4.conv.weight"].shape == (192, 192, 3, 3)


def test_features_have_the_published_sizes(file: Path) -> None:
    network = load_inception("inception-fid", file)
    assert network.early(picture(299, 299)).shape == (1, 192, 71, 71)
    assert network.pooled(picture(40, 60)).shape == (1, 2048)
    assert load_inception("inception-art", file).pooled(picture(75, 80)).shape == (1, 2048)


def test_the_published_ones_differ_in_pooling_and_range(file: Path) -> None:
    found = [load_inception(name, file).pooled(picture(299, 299)) for name in INCEPTIONS]
    fid, torchvision, art = found
    assert (fid - torchvision).abs().max() > 1e-3
    assert (art - torchvision).abs().max() > 1e-3
    # The range is all that parts these two at the size that none has to resize.
    scaled = load_inception("inception-art", file).pooled(2 * picture(299, 299) - 1)
    torch.testing.assert_close(scaled, torchvision)


def test_bad_files(file: Path, tensors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingDependencyError, match="pt_inception-2015-12-05-6726825d"):
        load_inception("inception-fid")
    with pytest.raises(MissingDependencyError, match="matthias-wright/art_inception"):
        load_inception("inception-art")
    torch.save({k: v for k, v in tensors.items() if not k.startswith("Mixed_7b")}, tmp_path / "cut.pth")
    with pytest.raises(InputError, match="has no Mixed_7b"):
        load_inception("inception-fid", tmp_path / "cut.pth")
    with pytest.raises(ValueError, match="75 pixels"):
        load_inception("inception-art", file).pooled(picture(74, 200))
    with pytest.raises(ValueError, match="15 pixels"):
        load_inception("inception-fid", file).early(picture(14, 200))
