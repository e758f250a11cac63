"""What a model of diffusers is made of, checked before anything is loaded."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nst3d.errors import ConfigError, InputError
from nst3d.limits import check_room
from nst3d.weights.saved import count_numbers

PARTS = {
    "tokenizer": ("CLIPTokenizer", "CLIPTokenizerFast"),
    "text_encoder": ("CLIPTextModel",),
    "vae": ("AutoencoderKL",),
    "unet": ("UNet2DConditionModel",),
    "scheduler": (),
}
"""The folders of a model, and the classes that they may be of; any scheduler, as only its noise levels are read."""
WEIGHTS = ("text_encoder", "vae", "unet")
"""Those with weights."""
ADAPTER, ENCODER = "ip-adapter_sd15.safetensors", "image_encoder"
"""The file and the folder that an IP-Adapter is made of."""
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_JSON_BYTES = 1 << 20


@dataclass(frozen=True)
class Place:
    """Where a model is."""

    name: str
    """A folder, or the name of a repository on Hugging Face."""
    local: bool
    """Whether it is a folder, so that nothing is downloaded."""


def place_of(model: str, wanted: str, what: str = "a diffusers model") -> Place:
    """The place that a user means by an option's value.

    In messages `wanted` is what the option is called, and `what` says what should be there.
    ConfigError for nothing, or for what is neither a folder nor such a name.
    """
    if not model:
        raise ConfigError(f"{wanted} is missing: give the folder of {what}, or its Hugging Face name")
    if Path(model).is_dir():
        return Place(model, True)
    if Path(model).exists():
        raise ConfigError(f"{wanted} is {model}, a file: expected the folder of {what}")
    if not _HUB.fullmatch(model):
        raise ConfigError(
            f"{wanted} is {model!r}: there is no such folder, and it is no Hugging Face name such as owner/model"
        )
    return Place(model, False)


def check_model(place: Place) -> None:
    """InputError for a folder that lacks a part, has one of another class, or has weights that are pickles."""
    if not place.local:
        return  # parts of a repository are checked one by one, as they are loaded
    folder = Path(place.name)
    index = read_json(folder / "model_index.json", "the list of a diffusers model's parts")
    for part, classes in PARTS.items():
        found = index.get(part)
        name = found[1] if isinstance(found, list) and len(found) == 2 else None
        if not isinstance(name, str) or not (folder / part).is_dir():
            raise InputError(
                f"{folder}: lacks the part {part}, without which it edits no pictures: give a Stable Diffusion 1 or 2"
                " model, or one that was made from it"
            )
        if classes and name not in classes:
            raise InputError(f"{folder}: its {part} is a {name}: expected {' or '.join(classes)}")
    for part in WEIGHTS:
        check_weights(folder / part)


def check_weights(folder: Path) -> None:
    """InputError unless the weights in a folder are safetensors."""
    if list(folder.glob("*.safetensors")):
        return
    pickles = sorted(p.name for p in folder.iterdir() if p.suffix in (".bin", ".pt", ".pth", ".ckpt"))
    if pickles:
        raise InputError(
            f"{folder}: has its weights only as {pickles[0]}, a pickle, which can run code: get the model's"
            " .safetensors files"
        )
    raise InputError(f"{folder}: has no weights: expected a .safetensors file")


def check_adapter(place: Place) -> str:
    """The folder in a place that has an IP-Adapter and the encoder of its pictures: "" or "models", as published.

    InputError for a folder that lacks either, or has them as pickles.
    """
    if not place.local:
        return "models"
    folder = Path(place.name)
    inside = "models" if list(folder.glob(f"models/{Path(ADAPTER).stem}.*")) else ""
    file, encoder = folder / inside / ADAPTER, folder / inside / ENCODER
    if file.with_suffix(".bin").exists() and not file.is_file():
        raise InputError(
            f"{file.with_suffix('.bin')}: is a pickle, which can run code: get the adapter's {ADAPTER}"
        )
    if not file.is_file():
        raise InputError(f"{folder}: has no {ADAPTER}: expected an IP-Adapter for Stable Diffusion 1")
    if not encoder.is_dir():
        raise InputError(f"{encoder}: is missing: expected the encoder of pictures that belongs to {ADAPTER}")
    check_weights(encoder)
    return inside


def variant_of(place: Place, part: str) -> str | None:
    """The variant of a folder's weights, such as fp16 in diffusion_pytorch_model.fp16.safetensors; None: the usual."""
    folder = Path(place.name) / part
    if not place.local:
        return None
    names = sorted(p.name for p in folder.glob("*.safetensors"))
    plain = [name for name in names if name.count(".") == 1]
    return None if plain or not names else names[0].split(".")[1].split("-")[0]


def read_json(path: Path, what: str) -> Mapping[str, Any]:
    """The mapping in a small JSON file; `what` says what it is. InputError for a missing, large or damaged one."""
    try:
        if path.stat().st_size > _JSON_BYTES:
            raise InputError(f"{path}: is too large to be {what}")
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{path}: is missing or damaged: expected {what}") from None
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected {what}, a JSON mapping")
    return values


def check_fits(places: Sequence[tuple[Place, Sequence[str]]]) -> None:
    """TooLargeError if the weights in the parts of folders need more memory than is free, as float32."""
    folders = [Path(place.name) / part for place, parts in places if place.local for part in parts]
    numbers = sum(count_numbers(file) for folder in folders for file in _loaded_files(folder))
    if folders:
        check_room(
            4 * numbers,
            str(places[0][0].name),
            "close other programs, give a smaller model, or use a machine with more memory",
        )


def _loaded_files(folder: Path) -> list[Path]:
    """The files of weights that are loaded of a folder, which may have them in several variants."""
    files = sorted(folder.glob("*.safetensors"))
    plain = [file for file in files if file.name.count(".") == 1]
    variant = files[0].name.split(".")[1].split("-")[0] if files else ""
    return plain or [file for file in files if file.name.split(".")[1].split("-")[0] == variant]
