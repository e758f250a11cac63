"""Low-rank changes of a model's weights, as LoRA files have them, added to the weights as data.

Hu et al. 2022, "LoRA: low-rank adaptation of large language models", equation 3: W + (α / r) B A.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from nst3d.errors import ConfigError, InputError
from nst3d.limits import claim, one_asset, regular
from nst3d.stylize.diffusion.files import check_weights
from nst3d.weights.saved import read_told
from nst3d.weights.tensors import checked, read_tensors

_ENDINGS = {
    ".lora_down.weight": "down",  # kohya
    ".lora_up.weight": "up",
    ".alpha": "alpha",
    ".lora_A.weight": "down",  # diffusers, as PEFT has them
    ".lora_B.weight": "up",
    ".lora.down.weight": "down",  # diffusers before PEFT
    ".lora.up.weight": "up",
    ".lora_linear_layer.down.weight": "down",
    ".lora_linear_layer.up.weight": "up",
}
_PROCESSOR = re.compile(r"\.processor\.(to_q|to_k|to_v|to_out)_lora\.(down|up)\.weight$")
"""The oldest names of diffusers, in which the attention's processor has them."""
_TOLD = "lora_adapter_metadata"
_USUAL = "pytorch_lora_weights.safetensors"
_OTHER = ("use_rslora", "use_dora", "alpha_pattern", "rank_pattern")


@dataclass(frozen=True)
class Lora:
    """Where changes of a model's weights are, and how much they count."""

    place: str = ""
    """A .safetensors file, or a folder with one; empty: none."""
    weight: float = 1.0


def lora_file(place: str, wanted: str) -> Path:
    """The file that a user means by an option's value; `wanted` is what the option is called in messages.

    ConfigError for what does not exist or is no safetensors file, InputError for a folder with only a pickle, or with
    several files.
    """
    path = Path(place)
    if path.is_dir():
        check_weights(path)
        files = sorted(path.glob("*.safetensors"))
        usual = [file for file in files if file.name == _USUAL]
        if len(files) > 1 and not usual:
            raise InputError(f"{path}: has {len(files)} .safetensors files: name the one of the LoRA")
        return (usual or files)[0]
    if not path.is_file() or path.suffix != ".safetensors":
        raise ConfigError(f"{wanted} is {place!r}: expected a .safetensors file of a LoRA, or its folder")
    return regular(path)


@one_asset()
def merge(path: Path, weight: float, parts: Mapping[str, nn.Module]) -> int:
    """Add a file's changes to the weights of `parts` ("unet", "text"), `weight` times; returns how many layers change.

    Names are kohya's or diffusers'. A layer's weight W becomes W + weight · (α / r) B A for `down` A (r, n), `up` B
    (m, r) and its α, or that of the whole file, r by default. Of convolutions, A has the kernel and B is 1 × 1.
    InputError for a name that is no layer of the model, for other shapes, and for what is no plain LoRA: nothing is
    changed then.
    """
    claim(path.stat().st_size, str(path))
    tensors = read_tensors(path)
    alphas = _told_alphas(path)
    layers = {_key(part, name): layer for part, whole in parts.items() for name, layer in _layers(whole)}
    found: dict[str, dict[str, str]] = {}
    for name in tensors:
        key, role = _read(path, name, layers)
        change = found.setdefault(key, {})
        if role in change:
            raise InputError(f"{path}: {name} and {change[role]} are of the same layer")
        change[role] = name
    if not found:
        raise InputError(f"{path}: is empty: expected the tensors of a LoRA")
    deltas = [
        (layers[key], _delta(path, tensors, change, layers[key], alphas.get(key.partition(" ")[0])))
        for key, change in found.items()
    ]
    with torch.no_grad():
        for layer, delta in deltas:
            layer.weight.copy_(layer.weight.float() + weight * delta)
    return len(deltas)


def _layers(whole: nn.Module) -> Iterator[tuple[str, nn.Linear | nn.Conv2d]]:
    for name, module in whole.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            yield name, module


def _key(part: str, name: str) -> str:
    """What a layer is called here: kohya puts _ for . in names, and versions of transformers begin differently."""
    return f"{part} {name.removeprefix('text_model.').replace('.', '_')}"


def _read(path: Path, name: str, layers: Mapping[str, nn.Module]) -> tuple[str, str]:
    """The layer and the part, "down", "up" or "alpha", that a name in the file means."""
    ending = next((e for e in _ENDINGS if name.endswith(e)), None)
    old = _PROCESSOR.search(name)
    if old is not None:
        own = "to_out.0" if old[1] == "to_out" else old[1]
        layer, role = f"{name[: old.start()]}.{own}", old[2]
    elif ending is not None:
        layer, role = name.removesuffix(ending), _ENDINGS[ending]
    else:
        raise InputError(
            f"{path}: has {name}, which no plain LoRA has: expected lora_down and lora_up, or lora_A and lora_B"
        )
    for start, part in (
        ("lora_unet_", "unet"),
        ("lora_te_text_model_", "text"),
        ("unet.", "unet"),
        ("text_encoder.", "text"),
    ):
        key = _key(part, layer.removeprefix(start))
        if layer.startswith(start) and key in layers:
            return key, role
    raise InputError(
        f"{path}: {name} is of no layer of this model: expected a LoRA for the same kind of Stable Diffusion"
    )


def _delta(
    path: Path,
    tensors: Mapping[str, torch.Tensor],
    names: Mapping[str, str],
    layer: nn.Linear | nn.Conv2d,
    told: float | None,
) -> torch.Tensor:
    """(α / r) B A in the shape of the layer's weight; `names` are those of A, B and α in the file."""
    if not {"down", "up"} <= names.keys():
        raise InputError(f"{path}: has {next(iter(names.values()))} without the rest of its layer's change")
    shape = tuple(layer.weight.shape)
    rank = tensors[names["down"]].shape[:1].numel()
    if not rank or not tensors[names["down"]].ndim:
        raise InputError(f"{path}: {names['down']} has no rows")
    a = checked(path, tensors, names["down"], (rank, *shape[1:])).flatten(1)
    b = checked(path, tensors, names["up"], (shape[0], rank, *(1,) * (len(shape) - 2))).flatten(1)
    alpha = float(rank) if told is None else told
    if "alpha" in names:
        stored = tensors[names["alpha"]]
        if stored.numel() != 1 or not bool(stored.isfinite().all()):
            raise InputError(f"{path}: {names['alpha']} is no number")
        alpha = float(stored)
    return (alpha / rank * (b @ a)).reshape(shape)


def _told_alphas(path: Path) -> dict[str, float]:
    """α by part ("unet", "text") as diffusers writes it into a file's header; empty if it says nothing."""
    text = read_told(path).get(_TOLD)
    if text is None:
        return {}
    try:
        told = json.loads(text)
        owners = {"unet": "unet", "text_encoder": "text"}
        given = {part: told.get(f"{name}.lora_alpha") for name, part in owners.items()}
        other = [f"{name}.{option}" for name in owners for option in _OTHER if told.get(f"{name}.{option}")]
        alphas = {part: float(alpha) for part, alpha in given.items() if alpha is not None}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path}: its header's {_TOLD} is damaged: expected a JSON mapping") from None
    if other:
        raise InputError(
            f"{path}: was trained with {other[0]}, which is not read here: expected a plain LoRA"
        )
    if not all(math.isfinite(alpha) for alpha in alphas.values()):
        raise InputError(f"{path}: its header has an alpha that is no number")
    return alphas
