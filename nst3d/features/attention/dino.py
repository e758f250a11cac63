"""DINO and DINOv2 (Caron et al. 2021, Oquab et al. 2024), whose patches tell what a picture is made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, final

import torch
from torch import nn

from nst3d.errors import InputError
from nst3d.features.attention.vit import VisionTransformer, vit_sizes
from nst3d.features.normalisation import IMAGENET
from nst3d.features.precision import fast_dtype
from nst3d.files import PathLike
from nst3d.limits import claim, one_asset
from nst3d.weights.find import need_weights
from nst3d.weights.schemes import Scheme, Stored
from nst3d.weights.tensors import read_tensors

DinoName = Literal["dinov2-small"]
_EPSILON = 1e-6

OFFICIAL = Scheme(
    {
        "patches.": "patch_embed.proj.",
        "class_token": "cls_token",
        "registers": "register_tokens",
        "places": "pos_embed",
        "norm_last.": "norm.",
        ".attention.qkv.": ".attn.qkv.",
        ".attention.out.": ".attn.proj.",
        ".mlp_in.": ".mlp.fc1.",
        ".mlp_out.": ".mlp.fc2.",
        ".scale1": ".ls1.gamma",
        ".scale2": ".ls2.gamma",
    }
)
"""The names in Meta's own files, DINO's and DINOv2's."""
HUGGING_FACE = Scheme(
    {
        "patches.": "embeddings.patch_embeddings.projection.",
        "class_token": "embeddings.cls_token",
        "registers": "embeddings.register_tokens",
        "places": "embeddings.position_embeddings",
        "norm_last.": "layernorm.",
        "blocks.": "encoder.layer.",
        ".attention.qkv.": ".attention.attention.{query,key,value}.",
        ".attention.out.": ".attention.output.dense.",
        ".mlp_in.": ".mlp.fc1.",
        ".mlp_out.": ".mlp.fc2.",
        ".scale1": ".layer_scale1.lambda1",
        ".scale2": ".layer_scale2.lambda1",
    }
)
"""The names in the package transformers, for DINOv2."""
_SCHEMES = {"pos_embed": OFFICIAL, "embeddings.position_embeddings": HUGGING_FACE}
"""Schemes by a tensor that only their files have."""


@final
class Dino(nn.Module):
    """A vision transformer that was trained without words."""

    def __init__(self, visual: VisionTransformer, name: str = "") -> None:
        """`name`: that of its weights."""
        super().__init__()
        self.visual, self.name = visual, name

    @property
    def patch(self) -> int:
        """Pixels a side of a patch, of which pictures' sides must be multiples."""
        return self.visual.sizes.patch

    def features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Features (b, c), float32, of whole pictures (b, 3, h, w) in [0, 1]. ValueError for other sides."""
        return self.visual(self._prepared(pictures)).float()

    def keys(self, pictures: torch.Tensor) -> torch.Tensor:
        """The deepest keys (b, 1 + n, c), float32: of the whole pictures, then of their n patches, row by row."""
        return self.visual.keys(self._prepared(pictures)).float()

    def _prepared(self, pictures: torch.Tensor) -> torch.Tensor:
        return IMAGENET(pictures.float()).to(self.visual.places.dtype)


@one_asset()
def load_dino(
    name: DinoName = "dinov2-small",
    path: PathLike | None = None,
    *,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
) -> Dino:
    """A DINO or DINOv2, frozen; its sizes are those of the file's tensors.

    `path` is a file with Meta's or Hugging Face's names, or a folder that contains the one called `name`; None:
    found like all weights. `dtype` None means `fast_dtype(device)`. Raises MissingDependencyError if there are no
    weights, InputError for a file that is damaged or of another network.
    """
    (file,) = need_weights(name, path)
    tensors = read_tensors(file, inside="teacher")
    stored = Stored(file, tensors, _scheme_of(file, tensors))
    claim(sum(4 * tensor.numel() for tensor in tensors.values()), str(file))
    with torch.device("meta"):  # skips initialising values that are then discarded
        dino = Dino(VisionTransformer(vit_sizes(stored, "", "exact", _EPSILON)), name)
    stored.fill(dino.visual, ("blocks.", "encoder."))
    return dino.eval().requires_grad_(False).to(device=device, dtype=dtype or fast_dtype(device))


def _scheme_of(path: Path, tensors: Mapping[str, torch.Tensor]) -> Scheme:
    for name, scheme in _SCHEMES.items():
        if name in tensors:
            return scheme
    raise InputError(f"{path}: is no DINO: expected one of the tensors {', '.join(_SCHEMES)}")
