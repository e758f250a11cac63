"""The networks of a latent diffusion model, loaded part by part as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError, InputError, MissingDependencyError, cut
from nst3d.features.attention.tokens import told_cut_off
from nst3d.stylize.diffusion.files import (
    WEIGHTS,
    Place,
    check_fits,
    check_model,
    check_weights,
    place_of,
    variant_of,
)
from nst3d.stylize.diffusion.lora import Lora, lora_file, merge
from nst3d.stylize.style import Style
from nst3d.tensors import Planes

Latents = torch.Tensor  # (c, h', w'), each position for stride × stride pixels
_INSTALL = "diffusion needs diffusers and transformers: pip install 'nst3d[diffusion]'"


@dataclass(frozen=True)
class Networks:
    """A model: what it reads texts with, turns pictures into latents and back with, and denoises these with."""

    tokenizer: Any
    text: Any
    vae: Any
    unet: Any
    levels: torch.Tensor
    """ᾱ (t,) float64: the share of the power that is not noise, at each of the steps that the network learnt."""
    scheduler: Any
    """diffusers' DDIM scheduler with these levels, which says at which of them few steps are taken."""
    control: Any = None
    """A ControlNet, or None."""

    @property
    def stride(self) -> int:
        """Side of the square of pixels that a latent stands for."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    @property
    def multiple(self) -> int:
        """What the sides of a picture must be a multiple of."""
        return self.stride * int(2 ** (len(self.unet.config.block_out_channels) - 1))

    @property
    def instructed(self) -> bool:
        """Whether the network sees a picture beside the latents, as InstructPix2Pix does."""
        return bool(self.unet.config.in_channels == 2 * self.vae.config.latent_channels)

    @property
    def dtype(self) -> torch.dtype:
        """The number format that it runs in."""
        dtype: torch.dtype = self.unet.dtype
        return dtype

    def to(self, device: torch.device) -> Networks:
        """The same, on a device: in bfloat16 on a GPU, in float32 elsewhere."""
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        for part in (self.text, self.vae, self.unet, self.control):
            if part is not None:
                torch.nn.Module.to(part, device=device, dtype=dtype)  # its own method warns of any dtype
        return self

    def encode(self, picture: Planes, least: tuple[int, int] = (0, 0)) -> Latents:
        """The latents (c, h', w') of a picture (3, h, w) in [0, 1], continued at its right and lower border.

        It gets sides that fit, and at least as long as `least`.

        The mean of the encoder's distribution, so that equal pictures have equal latents; differentiable.
        """
        height, width = picture.shape[1:]
        rows, columns = (
            -(-max(own, other) // self.multiple) * self.multiple for own, other in zip((height, width), least)
        )
        margins = (0, columns - width, 0, rows - height)
        fitted = F.pad(picture[None].to(self.dtype), margins, mode="replicate") * 2 - 1
        latents: Latents = self.vae.encode(fitted).latent_dist.mode()[0].float()
        return latents * self.vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, latents: Latents, height: int, width: int) -> Planes:
        """The picture (3, h, w) in [0, 1] of latents, without what was added to fit."""
        scaled = latents[None].to(self.dtype) / self.vae.config.scaling_factor
        picture = self.vae.decode(scaled).sample[0].float() / 2 + 0.5
        return Planes(picture[:, :height, :width].clamp(0, 1))

    @torch.no_grad()
    def read(self, text: str) -> torch.Tensor:
        """The features (1, tokens, c) of a text; what does not fit is left out."""
        ids = self.tokenizer(
            text,
            padding="max_length",
            max_length=context_of(self.tokenizer),
            truncation=True,
            return_tensors="pt",
        ).input_ids
        rows: torch.Tensor = self.text(ids.to(self.text.device))[0]
        return rows


@dataclass(frozen=True)
class Prompts:
    """The words of styles, as the text encoder reads them, (1, tokens, c) each."""

    wanted: torch.Tensor
    unwanted: torch.Tensor


def prompts_of(networks: Networks, styles: Sequence[Style], pictured: bool = False) -> Prompts:
    """The texts of all styles, mixed by their weights, and what all of them avoid.

    ConfigError without words, unless they are `pictured` and have pictures.
    """
    check_worded(styles, pictured)
    texts = [(style.text, style.weight) for style in styles if style.text] or [("", 1.0)]
    total = sum(weight for _, weight in texts)
    wanted = torch.stack([networks.read(text) * (weight / total) for text, weight in texts]).sum(0)
    return Prompts(wanted, networks.read(", ".join(style.avoid for style in styles if style.avoid)))


def check_worded(styles: Sequence[Style], pictured: bool = False) -> None:
    """Raise ConfigError if no style has words, or pictures where these are looked at, too (`pictured`)."""
    if not any(style.words or (pictured and style.images) for style in styles):
        raise ConfigError(
            "diffusion paints what words say, and the styles have none: give `text`, such as 'carved jade'"
        )


def cut_off(model: str, wanted: str, styles: Sequence[Style]) -> list[str]:
    """Notes on texts that are too long for a model; `wanted` is what the option is called in messages.

    Raises what `load_networks` does for a folder that is no such model.
    """
    place = place_of(model, wanted)
    check_model(place)
    tokenizer, notes = _load_tokenizer(place), list[str]()
    for text in (text for style in styles for text in style.words):
        count, most = len(tokenizer(text, verbose=False).input_ids), context_of(tokenizer)
        if count > most:
            notes.append(told_cut_off("the model", text, most - 2, count - most))
    return notes


def context_of(tokenizer: Any) -> int:
    """The tokens of a text, at most, begin and end included."""
    return int(min(tokenizer.model_max_length, 77))


def load_networks(model: str, wanted: str, control: str = "", lora: Lora | None = None) -> Networks:
    """The networks in a folder or of a Hugging Face name, and a ControlNet's; `wanted` names the option in messages.

    The changes of a LoRA are added to the weights of the U-net and of what reads texts.

    Weights are read as safetensors and as nothing else, each part by the class that is expected there, so that no file
    says what is executed. MissingDependencyError without diffusers, InputError for a folder that is no such model.
    """
    diffusers, transformers = packages()
    place = place_of(model, wanted)
    check_model(place)
    change = (
        lora_file(lora.place, wanted.replace("model", "lora")) if lora is not None and lora.place else None
    )
    controls = place_of(control, wanted.replace("model", "control")) if control else None
    if controls is not None and controls.local:
        check_weights(Path(controls.name))
    check_fits([(place, WEIGHTS), *([(controls, ("",))] if controls is not None else [])])
    vae = _load(diffusers.AutoencoderKL, place, "vae")
    unet = _load(diffusers.UNet2DConditionModel, place, "unet")
    text = _load(transformers.CLIPTextModel, place, "text_encoder")
    if lora is not None and change is not None:
        merge(change, lora.weight, {"unet": unet, "text": text})
    scheduler = loaded(diffusers.DDIMScheduler, place, "scheduler", {})
    guided = None if controls is None else _load(diffusers.ControlNetModel, controls, "")
    levels = scheduler.alphas_cumprod.double()
    return Networks(_load_tokenizer(place), text, vae, unet, levels, scheduler, guided)


def packages() -> tuple[Any, Any]:
    """diffusers and transformers. MissingDependencyError without them."""
    try:
        import diffusers
        import transformers
    except ImportError:
        raise MissingDependencyError(_INSTALL) from None
    return diffusers, transformers


def _load_tokenizer(place: Place) -> Any:
    transformers = packages()[1]
    return loaded(transformers.CLIPTokenizer, place, "tokenizer", {})


def _load(kind: Any, place: Place, part: str) -> Any:
    others = {"use_safetensors": True, "variant": variant_of(place, part), "low_cpu_mem_usage": False}
    if not kind.__module__.startswith("diffusers"):
        others.pop("low_cpu_mem_usage")
    return loaded(kind, place, part, others).eval().requires_grad_(False)


def loaded(kind: Any, place: Place, part: str, others: Mapping[str, Any]) -> Any:
    """What `from_pretrained` of a class gives for a part of a model, with other arguments that are not None.

    InputError for whatever goes wrong.
    """
    try:
        with _quiet():
            return kind.from_pretrained(
                place.name,
                subfolder=part,
                local_files_only=place.local,
                **{k: v for k, v in others.items() if v is not None},
            )
    except Exception as error:  # whatever two packages raise at a damaged file
        where = f"{place.name}/{part}".rstrip("/")
        remedy = "" if place.local else "; check the name and the network, or give a folder"
        raise InputError(
            f"{where}: cannot be loaded: {type(error).__name__}: {cut(str(error))}{remedy}"
        ) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' own progress bars, which would be in the way of ours."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
