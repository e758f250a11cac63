"""CLIP: pictures and words in one space (Radford et al. 2021, "Learning transferable visual models …")."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, final

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.features.attention.blocks import Activation
from nst3d.features.attention.clip_names import activation_of, scheme_of
from nst3d.features.attention.pooled_resnet import PooledResNet, resnet_sizes
from nst3d.features.attention.text import TextTransformer, text_sizes
from nst3d.features.attention.vit import VisionTransformer, vit_sizes
from nst3d.features.bodies import fused
from nst3d.features.normalisation import CLIP
from nst3d.features.precision import fast_dtype
from nst3d.files import PathLike
from nst3d.limits import check_room, claim, one_asset
from nst3d.weights.find import need_weights
from nst3d.weights.saved import count_numbers
from nst3d.weights.schemes import Stored
from nst3d.weights.tensors import read_tensors

ClipName = Literal["clip-vit-b-32", "clip-vit-b-16", "clip-rn50"]
_EPSILON = 1e-5
_COMPLETE = ("visual.", "vision_model.", "text_model.", "transformer.")
"""How the names begin of tensors that are all needed: another network may have some more."""
_WRAPPED = "module."
"""What training on several devices puts before names."""


@final
class Clip(nn.Module):
    """A network for pictures and one for texts, whose features are near each other where they mean the same."""

    def __init__(
        self, visual: VisionTransformer | PooledResNet, text: TextTransformer, name: str = ""
    ) -> None:
        """`name`: that of its weights."""
        super().__init__()
        self.visual, self.text, self.name = visual, text, name

    @property
    def side(self) -> int:
        """Pixels a side of the pictures that it was trained on."""
        return self.visual.sizes.side

    @property
    def context(self) -> int:
        """Tokens of a text, its start and end among them."""
        return self.text.sizes.context

    def picture_features(self, pictures: torch.Tensor) -> torch.Tensor:
        """Features (b, c), float32 and of any length, of pictures (b, 3, h, w) in [0, 1].

        Sides are multiples of a patch's (32 for residual networks), best `side`: for others, what the network learnt
        about places is enlarged. Gradients reach the pictures. ValueError for other sides.
        """
        return self.visual(CLIP(pictures.float()).to(self._dtype)).float()

    def text_features(self, ids: torch.Tensor) -> torch.Tensor:
        """Features (b, c), float32 and of any length, of texts as rows of tokens (b, n); see `Vocabulary`."""
        return self.text(ids.to(self.text.places.device)).float()

    @property
    def _dtype(self) -> torch.dtype:
        return self.text.places.dtype


def centre_square(pictures: torch.Tensor, side: int) -> torch.Tensor:
    """The middle (b, 3, side, side) of pictures (b, 3, h, w) in [0, 1] whose short side becomes `side`.

    Smoothed bicubic, as CLIP was trained, without the rounding to 8 bits.
    """
    height, width = pictures.shape[2:]
    scale = side / min(height, width)
    size = max(side, round(height * scale)), max(side, round(width * scale))
    if size != (height, width):
        pictures = F.interpolate(pictures, size, mode="bicubic", antialias=True, align_corners=False).clamp(
            0, 1
        )
    top, left = (round((own - side) / 2) for own in size)
    return pictures[:, :, top : top + side, left : left + side]


@one_asset()
def load_clip(
    name: ClipName = "clip-vit-b-32",
    path: PathLike | None = None,
    *,
    activation: Activation | None = None,
    dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu",
) -> Clip:
    """A CLIP, frozen.

    `path` is a file of any CLIP in OpenAI's TorchScript archives, open_clip's state dicts or Hugging Face's
    safetensors, or a folder that contains the one called `name`; None: found like all weights. Sizes are those of
    the tensors; `activation` None is decided by `activation_of`, `dtype` None means `fast_dtype(device)`. Raises
    MissingDependencyError if there are no weights, InputError for a file that is damaged or not of a CLIP,
    TooLargeError for one that needs more memory than is allowed.
    """
    (file,) = need_weights(name, path)
    check_room(_bytes(file), str(file), "close other programs, or give a smaller CLIP, such as clip-vit-b-32")
    stored = _stored(file)
    claim(sum(4 * tensor.numel() for tensor in stored.tensors.values()), str(file))
    own = activation or activation_of(file, stored.tensors, stored.scheme)
    with torch.device("meta"):  # skips initialising values that are then discarded
        clip = Clip(_visual(stored, own), TextTransformer(text_sizes(stored, "text.", own)), name)
    stored.fill(clip, _COMPLETE)
    if isinstance(clip.visual, PooledResNet):
        fused(clip.visual, clip.visual.norms())
    return clip.eval().requires_grad_(False).to(device=device, dtype=dtype or fast_dtype(device))


def _bytes(file: Path) -> int:
    """What a file's weights take, as float32; of torch's files, at least, as they may have half as many bytes."""
    if file.suffix == ".safetensors":
        return 4 * count_numbers(file)
    return file.stat().st_size if file.is_file() else 0


def _stored(file: Path) -> Stored:
    tensors = read_tensors(file, inside="state_dict")
    tensors = {name.removeprefix(_WRAPPED): tensor for name, tensor in tensors.items()}
    return Stored(file, tensors, scheme_of(file, tensors))


def _visual(stored: Stored, activation: Activation) -> VisionTransformer | PooledResNet:
    if "visual.layer1.0.conv1.weight" in stored:
        return PooledResNet(resnet_sizes(stored, "visual."))
    return VisionTransformer(vit_sizes(stored, "visual.", activation, _EPSILON))
