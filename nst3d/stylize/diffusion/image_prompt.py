"""IP-Adapters: pictures as prompts, beside words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
import torch.nn.functional as F

from nst3d.errors import InputError, cut
from nst3d.features.attention.clip import centre_square
from nst3d.features.normalisation import CLIP
from nst3d.stylize.diffusion.attention import Heads, Layer, Rule, in_heads, layers_of
from nst3d.stylize.diffusion.files import ADAPTER, ENCODER, Place, check_adapter, place_of
from nst3d.stylize.diffusion.networks import Networks, loaded, packages
from nst3d.tensors import Planes
from nst3d.weights.tensors import checked, read_tensors

_PROJECTION = "image_proj."
_LAYERS = "ip_adapter."
Pair = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Adapter:
    """An IP-Adapter for a U-net, and the encoder of its pictures."""

    encoder: Any
    """CLIP's network for pictures, with its projection."""
    projection: Pair
    """Weight (tokens · c, d) and bias of the map from a picture's d features to tokens in place of words."""
    norm: Pair
    """Weight and bias (c,) of the tokens' normalisation."""
    layers: Mapping[str, Pair]
    """Name of a cross-attention layer to the weights (out, c) that give keys and values of tokens."""

    def to(self, device: torch.device, dtype: torch.dtype) -> Adapter:
        """The same, on a device and in a number format."""

        def moved(pair: Pair) -> Pair:
            return pair[0].to(device, dtype), pair[1].to(device, dtype)

        torch.nn.Module.to(self.encoder, device=device, dtype=dtype)
        layers = {name: moved(pair) for name, pair in self.layers.items()}
        return Adapter(self.encoder, moved(self.projection), moved(self.norm), layers)

    @torch.no_grad()
    def tokens(self, picture: Planes) -> torch.Tensor:
        """(2, tokens, c): what stands for no picture, and for the middle square of a picture (3, h, w) in [0, 1].

        As IP-Adapters are used with guidance: no picture has features that are all zero.
        """
        seen = CLIP(centre_square(picture[None], int(self.encoder.config.image_size)))
        features = self.encoder(seen.to(self.projection[0])).image_embeds
        rows = F.linear(torch.cat([torch.zeros_like(features), features]), *self.projection)
        width = len(self.norm[0])
        return F.layer_norm(rows.unflatten(1, (-1, width)), (width,), *self.norm)


@final
class ImagePrompt(Rule):
    """Decoupled cross-attention of IP-Adapter (Ye et al. 2023, equation 5): words + λ pictures.

    A layer's queries attend to the tokens of a picture with keys and values of their own, and what they find is added
    to what they find in words. Several pictures are added by their shares of all weights. Rows without the words see no
    picture, so that guidance exaggerates the picture with the words.
    """

    def __init__(self, adapter: Adapter, pictures: Sequence[tuple[Planes, float]], weight: float) -> None:
        """`pictures` have weights; `weight` is λ."""
        total = sum(share for _, share in pictures)
        self._parts = [(adapter.tokens(picture), weight * share / total) for picture, share in pictures]
        self._layers = adapter.layers

    def attended(self, layer: Layer, heads: Heads, found: torch.Tensor) -> torch.Tensor:
        """The sum, in cross-attention of the network that edits."""
        if layer.name not in self._layers:
            return found
        count, sort = heads.query.shape[:2]
        rows = [0] * (count - 1) + [1]
        for tokens, weight in self._parts:
            key, value = (
                in_heads(F.linear(tokens.to(each), each), sort)[rows] for each in self._layers[layer.name]
            )
            found = found + weight * F.scaled_dot_product_attention(heads.query, key, value)
        return found


def load_adapter(adapter: str, wanted: str, networks: Networks) -> Adapter:
    """The IP-Adapter in a folder or of a Hugging Face name; `wanted` is what the option is called in messages.

    Read as safetensors and as nothing else. InputError for another one than the plain IP-Adapter for these networks.
    """
    place = place_of(adapter, wanted, "an IP-Adapter")
    inside = check_adapter(place)
    kind = packages()[1].CLIPVisionModelWithProjection
    part = f"{inside}/{ENCODER}".lstrip("/")
    encoder, told = loaded(kind, place, part, {"use_safetensors": True, "output_loading_info": True})
    if told["missing_keys"]:
        raise InputError(
            f"{place.name}/{part}: lacks {min(told['missing_keys'])}: expected CLIP's encoder of pictures"
        )
    file = _file(place, inside)
    tensors = read_tensors(file)
    width = int(networks.unet.config.cross_attention_dim)
    name = f"{_PROJECTION}proj.weight"
    if name not in tensors or f"{_PROJECTION}norm.weight" not in tensors:
        raise InputError(f"{file}: has no {name}: expected the plain {ADAPTER}, not one of its variants")
    count = max(1, len(tensors[name]) // width)
    size = (count * width, int(encoder.config.projection_dim))
    projection = (
        checked(file, tensors, name, size),
        checked(file, tensors, f"{_PROJECTION}proj.bias", size[:1]),
    )
    norm = tuple(checked(file, tensors, f"{_PROJECTION}norm.{each}", (width,)) for each in ("weight", "bias"))
    layers = _layers(file, tensors, networks, width)
    known = 4 + 2 * len(layers)
    if len(tensors) > known:
        raise InputError(
            f"{file}: has {len(tensors)} tensors, expected the {known} of the plain {ADAPTER} for this model"
        )
    return Adapter(encoder.eval().requires_grad_(False), projection, (norm[0], norm[1]), layers)


def _layers(
    file: Path, tensors: Mapping[str, torch.Tensor], networks: Networks, width: int
) -> dict[str, Pair]:
    """The weights of all cross-attention layers, which the file counts 1, 3, 5, … in the order of the network's."""
    own = dict(networks.unet.named_modules())
    found = {}
    crossed = [layer.name for layer in layers_of({"unet": networks.unet}) if layer.crossed]
    for number, name in enumerate(crossed):
        shape = (int(own[name.removeprefix("unet.")].to_k.weight.shape[0]), width)
        key, value = (
            checked(file, tensors, f"{_LAYERS}{2 * number + 1}.to_{each}_ip.weight", shape) for each in "kv"
        )
        found[name] = key, value
    return found


def _file(place: Place, inside: str) -> Path:
    if place.local:
        return Path(place.name) / inside / ADAPTER
    try:
        return Path(packages()[1].utils.cached_file(place.name, f"{inside}/{ADAPTER}"))
    except Exception as error:  # whatever the package raises at a wrong name or without a network
        raise InputError(
            f"{place.name}/{inside}/{ADAPTER}: cannot be loaded: {type(error).__name__}: {cut(str(error))}; check the"
            " name and the network, or give a folder"
        ) from None
