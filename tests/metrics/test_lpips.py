"""LPIPS: the official values, and what must hold for any weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from nst3d.errors import InputError, MissingDependencyError
from nst3d.images.io import read_image
from nst3d.metrics.lpips import Lpips
from nst3d.weights.find import find_weights

CHANNELS = {"alex": (64, 192, 384, 256, 256), "vgg": (64, 128, 256, 512, 512)}


def random_heads(path: Path, net: str = "alex") -> Path:
    draw = torch.Generator().manual_seed(3)
    torch.save(
        {
            f"lin{k}.model.1.weight": torch.rand(1, c, 1, 1, generator=draw)
            for k, c in enumerate(CHANNELS[net])
        },
        path,
    )
    return path


@pytest.fixture(scope="module")
def lpips(tmp_path_factory: pytest.TempPathFactory) -> Lpips:
    """AlexNet with random weights."""
    folder, draw = tmp_path_factory.mktemp("weights"), torch.Generator().manual_seed(4)
    shapes = {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)}
    tensors = {}
    for index, (out, inside, side) in shapes.items():
        scale = (2 / (inside * side**2)) ** 0.5
        tensors[f"features.{index}.weight"] = scale * torch.randn(out, inside, side, side, generator=draw)
        tensors[f"features.{index}.bias"] = torch.zeros(out)
    torch.save(tensors, folder / "alexnet.pth")
    return Lpips("alex", folder / "alexnet.pth", random_heads(folder / "heads.pth"))


def picture(seed: int, size: int = 64) -> np.ndarray:
    small = np.random.default_rng(seed).random((size // 4, size // 4, 3), np.float32)
    return np.kron(small, np.ones((4, 4, 1), np.float32))


def crops(data: Path, item: dict) -> tuple[np.ndarray, np.ndarray]:
    def crop(name: str) -> np.ndarray:
        return read_image(data / "content" / name).pixels[:256, :256, :3]

    one = crop(item["a"])
    if "rolled" in item["b"]:
        return one, np.roll(one, 2, axis=1)
    return one, crop(item["b"])


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_the_official_values(data_dir: Path, net) -> None:
    weights = data_dir / "weights"
    measure = Lpips(net, weights / "torchvision", weights / "lpips")
    converted = Lpips(net, weights / "torchvision", weights / "torchvision")
    items = [
        v for v in json.loads((weights / "lpips_reference.json").read_text())["values"] if v["net"] == net
    ]
    assert len(items) == 5
    for item in items:
        one, other = crops(data_dir, item)
        assert measure.distance(one, other) == pytest.approx(item["lpips"], abs=1e-4), item
    small = one[:64, :64], other[:64, :64]
    assert converted.distance(*small) == measure.distance(*small)


def test_equal_pictures_are_0_apart_and_both_ways_are_the_same(lpips: Lpips) -> None:
    one, other = picture(0), picture(1)
    assert lpips.distance(one, one) == 0
    assert not lpips.map(one, one).any()
    assert lpips.distance(one, other) == pytest.approx(lpips.distance(other, one), rel=1e-5)
    assert lpips.distance(one, other) > 0.01


def test_more_noise_is_farther(lpips: Lpips) -> None:
    one = picture(0)
    noise = np.random.default_rng(5).standard_normal(one.shape).astype(np.float32)
    found = [lpips.distance(one, one + level * noise) for level in (0, 0.02, 0.05, 0.1, 0.2)]
    assert found == sorted(found)
    assert found[1] > 0


def test_colours_do_not_count_in_grey(lpips: Lpips) -> None:
    one = picture(0)
    luma = one @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    turned = one + 0.1 * np.array([1, 0, -0.2126 / 0.0722], np.float32)  # of the same luma
    assert np.allclose(turned @ np.array([0.2126, 0.7152, 0.0722], np.float32), luma, atol=1e-5)
    assert lpips.grey_distance(one, turned) < 1e-4 < 1e-2 < lpips.distance(one, turned)


def test_a_mask_shuts_out_the_rest(lpips: Lpips) -> None:
    one, other, mask = picture(0), picture(0), np.zeros((64, 64), np.float32)
    mask[:, :32] = 1
    other[:, 32:] = picture(1)[:, 32:]
    assert lpips.masked_distance(one, other, mask) == 0
    assert lpips.masked_distance(one, other, 1 - mask) > 0.01
    assert lpips.masked_distance(one, other, 0 * mask) is None
    whole = lpips.masked_distance(one, other, np.ones_like(mask))
    assert whole == pytest.approx(float(lpips.map(one, other).mean()), rel=1e-5)


def test_where_the_pictures_differ(lpips: Lpips) -> None:
    one, other = picture(0), picture(0)
    other[:16, :16] = picture(1)[:16, :16]
    where = lpips.map(one, other)
    assert where.shape == (64, 64)
    assert where[:16, :16].mean() > 5 * where[48:, 48:].mean()


@pytest.mark.parametrize(
    ("one", "other"), [((64, 64, 3), (64, 32, 3)), ((31, 64, 3),) * 2, ((64, 64, 4),) * 2]
)
def test_pictures_that_cannot_be_compared(lpips: Lpips, one, other) -> None:
    with pytest.raises(ValueError, match="32 x 32"):
        lpips.distance(np.zeros(one, np.float32), np.zeros(other, np.float32))


def test_missing_and_wrong_heads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install --no-deps lpips==0\.1\.4"):
        Lpips("vgg")
    with pytest.raises(InputError, match=r"lin0.* has the shape|lin1.* has the shape"):
        Lpips("vgg", heads=random_heads(tmp_path / "mine.pth", "alex"))


def test_heads_are_found_in_a_folder_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    (tmp_path / "v0.1").mkdir()
    random_heads(tmp_path / "v0.1" / "alex.pth")
    assert find_weights("lpips-alex") == (tmp_path / "v0.1" / "alex.pth",)
    with pytest.raises(InputError, match="damaged or another file"):
        Lpips("alex")
