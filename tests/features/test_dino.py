"""DINOv2: both publishers' names give the same network, and its keys."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_clips import dino_hugging_face, dino_official

from nst3d.errors import InputError, MissingDependencyError
from nst3d.features.attention.dino import Dino, load_dino
from nst3d.weights.saved import write_tensors


def load(path: Path, tensors: dict[str, torch.Tensor]) -> Dino:
    if path.suffix == ".pth":
        torch.save(tensors, path)
    else:
        write_tensors(path, tensors, {})
    return load_dino(path=path, dtype=torch.float32)


def pictures(height: int, width: int) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(3))


def test_both_publishers_names(tmp_path: Path) -> None:
    tensors = dino_official(registers=3)
    one = load(tmp_path / "a.pth", tensors)
    other = load(
        tmp_path / "a.safetensors",
        dino_hugging_face(tensors) | {"embeddings.register_tokens": tensors["register_tokens"]},
    )
    for size in ((56, 56), (70, 42)):
        torch.testing.assert_close(one.features(pictures(*size)), other.features(pictures(*size)))
        torch.testing.assert_close(one.keys(pictures(*size)), other.keys(pictures(*size)))
    assert one.features(pictures(56, 56)).shape == (2, 128)


def test_a_key_for_each_patch(tmp_path: Path) -> None:
    """Registers have none, and a change of one patch changes its own key most."""
    for registers in (0, 4):
        dino = load(tmp_path / "a.pth", dino_official(registers=registers))
        assert dino.patch == 14
        before = pictures(56, 70)[:1]
        after = before.clone()
        after[:, :, 14:28, 28:42] = 0  # the second row, the third column of five
        moved = (dino.keys(after) - dino.keys(before)).norm(dim=2)[0]
        assert moved.shape == (1 + 4 * 5,)
        assert int(moved[1:].argmax()) == 1 * 5 + 2


def test_the_first_dino_has_no_scales(tmp_path: Path) -> None:
    tensors = {
        name: t
        for name, t in dino_official(patch=8, grid=7).items()
        if ".ls" not in name and name != "mask_token"
    }
    dino = load(tmp_path / "a.pth", tensors)
    assert dino.patch == 8
    assert dino.keys(pictures(56, 56)).shape == (2, 50, 128)


def test_gradients_reach_pictures(tmp_path: Path) -> None:
    dino = load(tmp_path / "a.pth", dino_official())
    own = pictures(28, 28).requires_grad_()
    (gradient,) = torch.autograd.grad(dino.keys(own).square().sum(), own)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0


def test_bad_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = dino_official()
    with pytest.raises(InputError, match="is no DINO: expected one of the tensors pos_embed"):
        load(tmp_path / "a.pth", {"layer": torch.zeros(3)})
    with pytest.raises(InputError, match=r"has blocks\.0\.mlp\.w12\.weight, too"):
        load(tmp_path / "a.pth", tensors | {"blocks.0.mlp.w12.weight": torch.zeros(3)})
    with pytest.raises(InputError, match=r"has no patch_embed\.proj\.weight"):
        load(tmp_path / "a.pth", {k: v for k, v in tensors.items() if "patch_embed" not in k})
    with pytest.raises(ValueError, match="multiples of 14 pixels"):
        load(tmp_path / "a.pth", tensors).keys(pictures(56, 57))
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingDependencyError, match=r"nst3d weights fetch dinov2-small.*88 MB, Apache-2\.0"):
        load_dino()
