"""LoRA files: their changes are those of the formula, in all names, and nothing else gets in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch

from nst3d.errors import ConfigError, InputError, TooLargeError
from nst3d.limits import Limits, limited
from nst3d.stylize.diffusion.lora import Lora, lora_file, merge
from nst3d.stylize.diffusion.networks import Networks, load_networks
from nst3d.weights.saved import write_tensors

QUERY = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_q"
OUT = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0"
CONV = "mid_block.resnets.0.conv1"
TEXT = "encoder.layers.1.self_attn.q_proj"
WIDE, RANK = 8, 3


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


DOWN, UP = random(RANK, WIDE), random(WIDE, RANK, seed=1)


@pytest.fixture(scope="module")
def plain(models: Path) -> Networks:
    return load_networks(str(models / "plain"), "option model")


def save(path: Path, tensors: Mapping[str, torch.Tensor], told: Mapping[str, str] | None = None) -> Path:
    write_tensors(path, tensors, told or {})
    return path


def change(
    models: Path, plain: Networks, path: Path, layer: str = QUERY, weight: float = 1.0
) -> torch.Tensor:
    """What a file adds to the weight of a layer; nothing else may change."""
    changed = load_networks(str(models / "plain"), "option model", lora=Lora(str(path), weight))
    found = torch.empty(0)
    for before, after in ((plain.unet, changed.unet), (plain.text, changed.text)):
        own = dict(before.named_parameters())
        for name, value in after.named_parameters():
            if name == f"{layer}.weight":
                found = value - own[name]
            else:
                assert torch.equal(value, own[name])
    return found


NAMES = {
    "kohya": (f"lora_unet_{QUERY.replace('.', '_')}", ".lora_down.weight", ".lora_up.weight"),
    "diffusers": (f"unet.{QUERY}", ".lora_A.weight", ".lora_B.weight"),
    "older": (f"unet.{QUERY}", ".lora.down.weight", ".lora.up.weight"),
    "oldest": (
        f"unet.{QUERY.removesuffix('.to_q')}.processor",
        ".to_q_lora.down.weight",
        ".to_q_lora.up.weight",
    ),
}


@pytest.mark.parametrize("names", NAMES)
def test_weights_change_by_the_formula_in_all_names(
    models: Path, plain: Networks, tmp_path: Path, names: str
) -> None:
    layer, down, up = NAMES[names]
    path = save(tmp_path / "a.safetensors", {layer + down: DOWN, layer + up: UP})
    found = change(models, plain, path, weight=0.7)
    torch.testing.assert_close(found, 0.7 * UP @ DOWN, atol=1e-6, rtol=1e-5)


def test_alpha_counts_in_the_file_and_in_its_header(models: Path, plain: Networks, tmp_path: Path) -> None:
    layer, down, up = NAMES["kohya"]
    own = {layer + down: DOWN, layer + up: UP, f"{layer}.alpha": torch.tensor(1.5)}
    found = change(models, plain, save(tmp_path / "a.safetensors", own))
    torch.testing.assert_close(found, 1.5 / RANK * UP @ DOWN, atol=1e-6, rtol=1e-5)
    layer, down, up = NAMES["diffusers"]
    told = {"lora_adapter_metadata": json.dumps({"unet.r": RANK, "unet.lora_alpha": 6})}
    path = save(tmp_path / "b.safetensors", {layer + down: DOWN, layer + up: UP}, told)
    torch.testing.assert_close(change(models, plain, path), 2 * UP @ DOWN, atol=1e-6, rtol=1e-5)


def test_convolutions_and_the_reader_of_texts_change_too(
    models: Path, plain: Networks, tmp_path: Path
) -> None:
    kernel, mix = random(RANK, 16, 3, 3), random(16, RANK, 1, 1, seed=2)
    layer = f"lora_unet_{CONV.replace('.', '_')}"
    path = save(
        tmp_path / "a.safetensors", {f"{layer}.lora_down.weight": kernel, f"{layer}.lora_up.weight": mix}
    )
    found = change(models, plain, path, CONV)
    picture = random(1, 16, 6, 6, seed=3)
    step = torch.nn.functional.conv2d(torch.nn.functional.conv2d(picture, kernel), mix)
    torch.testing.assert_close(torch.nn.functional.conv2d(picture, found), step, atol=1e-3, rtol=1e-4)

    down, up = random(RANK, 16), random(16, RANK, seed=1)
    for layer, names in (
        (f"lora_te_text_model_{TEXT.replace('.', '_')}", (".lora_down.weight", ".lora_up.weight")),
        (f"text_encoder.text_model.{TEXT}", (".lora_A.weight", ".lora_B.weight")),
        (f"text_encoder.{TEXT}", (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight")),
    ):
        path = save(tmp_path / "b.safetensors", {layer + names[0]: down, layer + names[1]: up})
        own = next(name for name, _ in plain.text.named_modules() if name.removeprefix("text_model.") == TEXT)
        torch.testing.assert_close(change(models, plain, path, own), up @ down, atol=1e-6, rtol=1e-5)


def test_the_ends_of_attention_have_their_old_name(models: Path, plain: Networks, tmp_path: Path) -> None:
    layer = f"unet.{OUT.removesuffix('.to_out.0')}.processor.to_out_lora"
    path = save(tmp_path / "a.safetensors", {f"{layer}.down.weight": DOWN, f"{layer}.up.weight": UP})
    torch.testing.assert_close(change(models, plain, path, OUT), UP @ DOWN, atol=1e-6, rtol=1e-5)


K = NAMES["kohya"][0]
GOOD = {f"{K}.lora_down.weight": DOWN, f"{K}.lora_up.weight": UP}


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({**GOOD, "lora_unet_input_blocks_1.lora_down.weight": DOWN}, "of no layer of this model"),
        ({**GOOD, f"{K}.dora_scale": DOWN}, "no plain LoRA"),
        ({f"{K}.lora_down.weight": DOWN}, "without the rest"),
        ({**GOOD, f"{K}.lora_up.weight": random(9, RANK)}, r"lora_up.weight has the shape \(9, 3\)"),
        ({**GOOD, f"{K}.lora_down.weight": random(RANK, 9)}, r"lora_down.weight has the shape \(3, 9\)"),
        ({**GOOD, f"{K}.lora_down.weight": torch.empty(0, WIDE)}, "has no rows"),
        ({**GOOD, f"{K}.lora_down.weight": DOWN * torch.nan}, "non-finite"),
        ({**GOOD, f"{K}.alpha": DOWN}, "alpha is no number"),
        ({**GOOD, f"unet.{QUERY}.lora_A.weight": DOWN}, "of the same layer"),
        ({}, "is empty"),
    ],
)
def test_what_does_not_fit_is_named_and_changes_nothing(
    plain: Networks, tmp_path: Path, tensors: dict[str, torch.Tensor], words: str
) -> None:
    path = save(tmp_path / "a.safetensors", tensors)
    before = plain.unet.get_submodule(QUERY).weight.clone()
    with pytest.raises(InputError, match=f"^{path}: .*{words}"):
        merge(path, 1.0, {"unet": plain.unet, "text": plain.text})
    assert torch.equal(plain.unet.get_submodule(QUERY).weight, before)


def test_other_trainings_are_refused_by_their_header(plain: Networks, tmp_path: Path) -> None:
    for told, words in (({"unet.use_dora": True}, "unet.use_dora"), ([1], "damaged")):
        path = save(tmp_path / "a.safetensors", GOOD, {"lora_adapter_metadata": json.dumps(told)})
        with pytest.raises(InputError, match=words):
            merge(path, 1.0, {"unet": plain.unet})


def test_which_file_is_meant(tmp_path: Path) -> None:
    first = save(tmp_path / "a.safetensors", GOOD)
    assert lora_file(str(first), "option lora") == lora_file(str(tmp_path), "option lora") == first
    save(tmp_path / "b.safetensors", GOOD)
    with pytest.raises(InputError, match=r"has 2 \.safetensors files"):
        lora_file(str(tmp_path), "option lora")
    usual = save(tmp_path / "pytorch_lora_weights.safetensors", GOOD)
    assert lora_file(str(tmp_path), "option lora") == usual
    (tmp_path / "pickled").mkdir()
    (tmp_path / "pickled" / "pytorch_lora_weights.bin").write_bytes(b"")
    with pytest.raises(InputError, match="a pickle"):
        lora_file(str(tmp_path / "pickled"), "option lora")
    for name in ("none.safetensors", "pickled/pytorch_lora_weights.bin"):
        with pytest.raises(ConfigError, match=r"option lora is .*expected a \.safetensors file"):
            lora_file(str(tmp_path / name), "option lora")


def test_large_files_are_not_read(plain: Networks, tmp_path: Path) -> None:
    path = save(tmp_path / "a.safetensors", GOOD)
    with limited(Limits(memory=1e-9)), pytest.raises(TooLargeError, match=r"a\.safetensors: needs"):
        merge(path, 1.0, {"unet": plain.unet})


def test_teacher_and_guide_take_it(models: Path, tmp_path: Path) -> None:
    from nst3d.stylize.guides import GUIDES
    from nst3d.stylize.style import Style
    from nst3d.stylize.teachers.registry import make_teacher

    path = save(tmp_path / "a.safetensors", GOOD)
    own = {"model": str(models / "plain"), "lora": str(path)}
    make_teacher("diffusion", own | {"lora_weight": 0.5})
    with pytest.raises(ConfigError, match="option lora is"):
        make_teacher("diffusion", own | {"lora": "nowhere"})
    kind = GUIDES.get("score")
    assert not kind.ready({**kind.options, **own}, [Style(text="jade")])
    with pytest.raises(ConfigError, match="term score: option lora is"):
        kind.ready({**kind.options, **own, "lora": "nowhere"}, [Style(text="jade")])
