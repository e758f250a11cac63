"""The network that comes with nst3d: its file, what it loses, and that it stands in for better ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from pair_samples import random_weights

from nst3d.errors import ConfigError, InputError
from nst3d.images.io import read_image
from nst3d.networks.any_pair import LEVELS, repainted
from nst3d.networks.best_pairs import best_pairs
from nst3d.networks.pairs import Pair
from nst3d.networks.universal import WIDTHS, UniversalDecoder, UniversalEncoder, UniversalPair, load_universal
from nst3d.weights.find import need_weights
from nst3d.weights.saved import write_tensors
from nst3d.weights.tensors import read_tensors

ROOT = Path(__file__).parents[2]
DECIBELS = {1: 31, 2: 29, 3: 25, 4: 21}
"""What decoding loses at least. Measured: 34, 31, 28 and 23 on five photographs that training did not see."""


def without_others(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(folder))
    monkeypatch.setenv("TORCH_HOME", str(folder))


def picture(side: int) -> torch.Tensor:
    """Smooth hills in three colours with hard-edged discs on them."""
    y, x = torch.meshgrid(*[torch.linspace(0, 1, side)] * 2, indexing="ij")
    hills = (
        torch.stack([torch.sin(5 * x + 3 * y), torch.cos(7 * y - 2 * x), torch.sin(9 * x * y)]) * 0.4 + 0.5
    )
    for number in range(6):
        inside = (x - 0.15 * number) ** 2 + (y - 0.9 + 0.17 * number) ** 2 < 0.01
        hills[:, inside] = torch.tensor([0.9, 0.2, 0.1]).roll(number)[:, None]
    return hills


def decibels(pair: UniversalPair, image: torch.Tensor) -> float:
    height, width = (n // 8 * 8 for n in image.shape[1:])
    image = image[:, :height, :width]
    decoded = pair.decode(pair.encode(image), (height, width)).clamp(0, 1)
    return float(-10 * torch.log10((decoded - image).square().mean()))


def test_the_file_is_the_published_one_small_and_in_half_precision() -> None:
    (file,) = need_weights("universal")  # checks its SHA-256
    tensors = read_tensors(file)
    assert file.stat().st_size < 2**22
    assert {t.dtype for t in tensors.values()} == {torch.float16}
    assert sum(name.startswith("encoder.") for name in tensors) == len(UniversalEncoder().state_dict())


def test_it_decodes_what_it_encodes() -> None:
    for level, pair in load_universal().items():
        assert decibels(pair, picture(128)) > DECIBELS[level] - 5  # few photographs have edges as hard


def test_it_decodes_photographs_that_it_never_saw(data_dir) -> None:
    pixels = read_image(data_dir / "content" / "chelsea.png", max_pixels=60_000).pixels
    for level, pair in load_universal().items():
        assert decibels(pair, torch.from_numpy(pixels).permute(2, 0, 1)) > DECIBELS[level]


def test_features_have_the_levels_widths_and_pictures_their_size() -> None:
    for level, pair in load_universal(dtype=torch.bfloat16).items():
        features = pair.encode(torch.rand(3, 37, 51))
        assert features.dtype == pair.dtype == torch.bfloat16
        assert features.shape == (WIDTHS[level], 37 // pair.stride, 51 // pair.stride)
        assert pair.decode(features, (37, 51)).shape == (3, 37, 51)


def test_a_share_of_what_coding_loses_is_added_again() -> None:
    pair, image = load_universal((3,))[3], picture(64)
    own = pair.encode(image)
    coded = pair.decode(own, (64, 64))
    assert 0 < pair.kept < 1
    expected = torch.lerp(coded, image, pair.kept).clamp(0, 1)
    torch.testing.assert_close(repainted(pair, own, own, image), expected, rtol=0, atol=1e-5)


def test_pictures_are_told_from_noise_by_any_level() -> None:
    """Means and covariances differ between pictures as they do in VGG-19: flat, smooth and rough are far apart."""
    for pair in load_universal().values():
        flat, smooth, rough = (
            pair.encode(image).flatten(1).std(1).norm()
            for image in (torch.full((3, 64, 64), 0.5), picture(64), torch.rand(3, 64, 64))
        )
        assert flat < 0.1 * smooth
        assert flat < 0.1 * rough


def test_it_stands_in_where_nothing_better_was_fetched(tmp_path, monkeypatch) -> None:
    without_others(monkeypatch, tmp_path)
    assert all(isinstance(pair, UniversalPair) for pair in best_pairs().values())
    for level in LEVELS:
        random_weights(tmp_path, level)
    assert all(isinstance(pair, Pair) for pair in best_pairs().values())


def test_other_files_are_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match="unknown level 7"):
        load_universal((7,))
    other = tmp_path / "other.safetensors"
    write_tensors(other, {"layer": torch.zeros(3)}, {})
    with pytest.raises(InputError, match=r"other\.safetensors: has no encoder\.entries\.0\.conv\.weight"):
        load_universal(path=other)


def test_the_training_scripts_make_such_a_file(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "training"), *sys.path])
    from train import Data, Trainer, save  # beside the package: not installed

    generator = torch.Generator().manual_seed(0)
    patches = torch.randint(256, (4, 3, 64, 64), generator=generator, dtype=torch.uint8)
    chunk = {n: torch.randn(4, WIDTHS[n], *[64 >> (n - 1)] * 2, generator=generator) for n in LEVELS}
    trainer = Trainer(Data(patches, [chunk]))
    for steps, with_moved in ((1, False), (3, True)):
        trainer.run(steps, 2, with_moved=with_moved, seed=0)
    save(trainer, tmp_path / "made.safetensors")
    assert all(bool(v.isfinite().all()) for v in trainer.networks.state_dict().values())
    assert set(load_universal(path=tmp_path / "made.safetensors")) == set(LEVELS)
    assert UniversalDecoder(3).state_dict().keys() == trainer.decoders["3"].state_dict().keys()
