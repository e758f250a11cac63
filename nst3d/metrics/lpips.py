"""LPIPS v0.1: how different two pictures look to a network.

Zhang et al. 2018, "The unreasonable effectiveness of deep features as a perceptual metric".
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, final

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.features.alexnet import alexnet, renamed
from nst3d.features.bodies import filled
from nst3d.features.normalisation import IMAGENET
from nst3d.features.remembered import Found, Remembered
from nst3d.features.vgg import VGG
from nst3d.features.weights import load_encoder
from nst3d.files import PathLike
from nst3d.metrics.grey import grey_picture
from nst3d.tensors import Array
from nst3d.weights.find import need_weights
from nst3d.weights.tensors import checked, read_tensors

LpipsNet = Literal["alex", "vgg"]
LPIPS_ENCODERS: dict[LpipsNet, str] = {"alex": "alexnet-torchvision", "vgg": "vgg16-torchvision"}
"""The weights of each network's features; those of its heads are "lpips-alex" and "lpips-vgg"."""

_LAYERS: dict[LpipsNet, dict[str, int]] = {
    "alex": {"relu1": 64, "relu2": 192, "relu3": 384, "relu4": 256, "relu5": 256},
    "vgg": {"relu1_2": 64, "relu2_2": 128, "relu3_3": 256, "relu4_3": 512, "relu5_3": 512},
}
"""The layers that are compared, and their channels."""
_EPSILON = 1e-10
LEAST = 32
"""Shortest side of a picture, pixels, at which all layers have a position."""


@final
class Lpips:
    """LPIPS v0.1 on torchvision's AlexNet or VGG-16, with the official linear heads; float32 on the CPU.

    Pictures are arrays (h, w, 3) in [0, 1], sRGB-encoded. Distances are 0 for equal pictures, symmetric, and rarely
    above 1. (bfloat16 would be 1.8 times as fast where it is native, but moves distances by up to 0.002.)
    """

    def __init__(
        self,
        net: LpipsNet,
        features: PathLike | None = None,
        heads: PathLike | None = None,
        remember: int = 0,
    ) -> None:
        """Read the weights of `features` and `heads`, which are files or folders; None: found like all weights.

        `remember` is how many bytes of features may be kept of pictures that are compared with several others, so that
        these are encoded once. Raises MissingDependencyError if weights are not found, InputError if they are damaged
        or of another network.
        """
        self.net = net
        self._memory = Remembered(remember)
        (file,) = need_weights(f"lpips-{net}", heads)
        self._heads = _read_heads(net, file)
        self._trunk: nn.Module
        if net == "alex":
            (own,) = need_weights(LPIPS_ENCODERS[net], features)
            with torch.device("meta"):  # skips initialising values that are then discarded
                body = alexnet()
            self._trunk = filled(body, own, renamed(read_tensors(own))).eval().requires_grad_(False)
        else:
            encoder = load_encoder(LPIPS_ENCODERS[net], dtype=torch.float32, path=features)
            assert isinstance(encoder, VGG)
            self._trunk = encoder

    def distance(self, one: Array, other: Array) -> float:
        """The distance as published: the mean of each layer's map, summed. ValueError for sides below 32 pixels."""
        return float(sum(float(each.mean()) for each in self._maps(one, other)))

    def grey_distance(self, one: Array, other: Array) -> float:
        """The distance of the pictures' brightness, which a change of colours alone leaves at 0."""
        return self.distance(grey_picture(one), grey_picture(other))

    def map(self, one: Array, other: Array) -> Array:
        """Where the pictures differ: the sum (h, w) of the layers' maps, enlarged bilinearly."""
        size = one.shape[:2]
        large = [
            F.interpolate(each, size, mode="bilinear", align_corners=False) for each in self._maps(one, other)
        ]
        return torch.stack(large).sum(0)[0, 0].numpy()

    def masked_distance(self, one: Array, other: Array, mask: Array) -> float | None:
        """The mean of the map over a mask (h, w) in [0, 1]; None if it is 0 everywhere.

        Where the mask is 0, the other picture has no influence: features see far beyond a pixel, so there both are
        made that of `one`.
        """
        total = float(mask.sum())
        if total <= 0:
            return None
        filled_in = one + (other - one) * mask[..., None]
        return float((self.map(one, filled_in) * mask).sum() / total)

    @torch.no_grad()
    def _maps(self, one: Array, other: Array) -> list[torch.Tensor]:
        """The maps (1, 1, h', w') of weighted squared differences, by layer."""
        if one.shape != other.shape or one.ndim != 3 or one.shape[2] != 3 or min(one.shape[:2]) < LEAST:
            raise ValueError(
                f"LPIPS needs two pictures (h, w, 3) of one size, at least {LEAST} x {LEAST} pixels,"
                f" not {one.shape} and {other.shape}"
            )
        pair = (self._units(torch.from_numpy(each.astype("float32"))) for each in (one, other))
        return [
            F.conv2d((ours - theirs).square(), head)
            for ours, theirs, head in zip(*(each.values() for each in pair), self._heads, strict=True)
        ]

    def _units(self, picture: torch.Tensor) -> Found:
        """The features (1, c, h', w') of a picture (h, w, 3) by layer, of length 1 at each position."""
        layers = list(_LAYERS[self.net])
        return self._memory.of(
            picture,
            layers,
            lambda: {
                name: each / (each.square().sum(1, keepdim=True).sqrt() + _EPSILON)
                for name, each in self._features(picture.permute(2, 0, 1)[None]).items()
            },
        )

    def _features(self, picture: torch.Tensor) -> Found:
        """The features (1, c, h', w') of a picture (1, 3, h, w) by layer."""
        layers = _LAYERS[self.net]
        if isinstance(self._trunk, VGG):
            return self._trunk(picture, layers)
        found, x = dict[str, torch.Tensor](), IMAGENET(picture)
        for name, module in self._trunk.named_children():
            x = module(x)
            if name in layers:
                found[name] = x
            if len(found) == len(layers):
                break  # before a pool that small pictures have no room for
        return found


def _read_heads(net: LpipsNet, path: Path) -> list[torch.Tensor]:
    """One weight for each channel of each layer, (1, c, 1, 1): official names, or those of converted files."""
    tensors = read_tensors(path)
    found = []
    for place, channels in enumerate(_LAYERS[net].values()):
        short = f"lin{place}.weight"
        name = short if short in tensors else f"lin{place}.model.1.weight"
        found.append(checked(path, tensors, name, (1, channels, 1, 1)))
    return found
