"""CycleGAN generators: files of the public layout, what they compute, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from cycle_samples import state_dict

from nst3d.errors import InputError
from nst3d.networks.translator import (
    Translator,
    TranslatorShape,
    load_translator,
    random_translator,
    save_translator,
    trained_size,
)

PICTURE = torch.rand(1, 3, 32, 40, generator=torch.Generator().manual_seed(1))


def written(folder: Path, state: dict[str, torch.Tensor], **options: bool) -> Path:
    torch.save(state, folder / "latest_net_G.pth", **options)
    return folder / "latest_net_G.pth"


def by_hand(state: dict[str, torch.Tensor], blocks: int, pictures: torch.Tensor) -> torch.Tensor:
    """The generator as the paper's appendix lists its layers: c7s1, d, d, R..., u, u, c7s1."""

    def conv(x: torch.Tensor, name: str, pad: int, stride: int = 1) -> torch.Tensor:
        padded = F.pad(x, (pad,) * 4, mode="reflect") if stride == 1 else F.pad(x, (pad,) * 4)
        return F.conv2d(padded, state[f"{name}.weight"], state[f"{name}.bias"], stride)

    def norm(x: torch.Tensor) -> torch.Tensor:
        deviation = (x.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        return (x - x.mean((2, 3), keepdim=True)) / deviation

    x = F.relu(norm(conv(2 * pictures - 1, "model.1", 3)))
    for name in ("model.4", "model.7"):
        x = F.relu(norm(conv(x, name, 1, 2)))
    for k in range(10, 10 + blocks):
        inner = F.relu(norm(conv(x, f"model.{k}.conv_block.1", 1)))
        x = x + norm(conv(inner, f"model.{k}.conv_block.5", 1))
    for name in (f"model.{10 + blocks}", f"model.{13 + blocks}"):
        up = F.conv_transpose2d(x, state[f"{name}.weight"], state[f"{name}.bias"], 2, 1, 1)
        x = F.relu(norm(up))
    return (torch.tanh(conv(x, f"model.{17 + blocks}", 3)) + 1) / 2


@pytest.mark.parametrize("blocks", [6, 9])
def test_a_file_computes_what_the_paper_lists(tmp_path, blocks) -> None:
    state = state_dict(blocks=blocks)
    network = load_translator(written(tmp_path, state))
    assert network.shape == TranslatorShape(4, blocks)
    torch.testing.assert_close(network(PICTURE), by_hand(state, blocks, PICTURE), atol=1e-5, rtol=1e-4)


def test_files_of_2017_are_read(tmp_path) -> None:
    """They have statistics of instance normalisation, and are no archives."""
    state = state_dict(statistics=True)
    old = load_translator(written(tmp_path, state, _use_new_zipfile_serialization=False))
    new = load_translator(written(tmp_path, state_dict()))
    assert torch.equal(old(PICTURE), new(PICTURE))


def test_dropout_in_training_changes_names_alone(tmp_path) -> None:
    plain = load_translator(written(tmp_path, state_dict()))
    dropped = load_translator(written(tmp_path, state_dict(dropout=True)))
    assert torch.equal(plain(PICTURE), dropped(PICTURE))


@pytest.mark.parametrize("size", [(32, 40), (33, 41), (30, 47), (16, 18)])
def test_pictures_of_any_size_keep_it(size) -> None:
    network = random_translator(TranslatorShape(2, 1), torch.Generator().manual_seed(0))
    painted = network(torch.rand(2, 3, *size)).detach()
    assert painted.shape == (2, 3, *size)
    assert 0 <= float(painted.min()) <= float(painted.max()) <= 1


def test_what_is_saved_is_loaded(tmp_path) -> None:
    network = random_translator(TranslatorShape(4, 3), torch.Generator().manual_seed(0))
    save_translator(tmp_path / "t.safetensors", network, 96)
    loaded = load_translator(tmp_path / "t.safetensors")
    assert loaded.shape == TranslatorShape(4, 3)
    assert trained_size(tmp_path / "t.safetensors") == 96
    torch.testing.assert_close(loaded(PICTURE), network.half().float()(PICTURE))
    assert trained_size(written(tmp_path, state_dict())) is None


def without(name: str) -> dict[str, torch.Tensor]:
    return {k: v for k, v in state_dict().items() if k != name}


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"model.model.0.weight": torch.zeros(4, 3, 4, 4)}, r"no convolution model\.1\.weight: expected a Cycle"),
        (without("model.12.weight"), r"has no model\.12\.weight"),
        ({k: v for k, v in state_dict().items() if "model.10." not in k}, r"has no residual block model\.10:"),
        (state_dict() | {"model.7.weight": torch.zeros(16, 8, 5, 5)}, r"model\.7\.weight has the shape \(16, 8, 5"),
        (state_dict() | {"model.2.weight": torch.ones(4)}, r"has model\.2\.weight, which .* normalisation lacks"),
        (state_dict() | {"model.1.bias": torch.full((4,), torch.nan)}, r"model\.1\.bias contains non-finite"),
        ({"model.1.weight": torch.zeros(600, 3, 7, 7), "model.10.conv_block.1.weight": torch.zeros(1)}, "width"),
    ],
)  # fmt: skip
def test_other_networks_are_refused_by_the_tensor(tmp_path, state, told) -> None:
    with pytest.raises(InputError, match=told):
        load_translator(written(tmp_path, state))


def test_nothing_in_a_file_is_executed(tmp_path) -> None:
    torch.save(Translator(TranslatorShape(2, 1)), tmp_path / "whole.pth")
    with pytest.raises(InputError, match="cannot be read as a torch weight file"):
        load_translator(tmp_path / "whole.pth")
    with pytest.raises(InputError, match="no such file"):
        load_translator(tmp_path / "none.pth")
