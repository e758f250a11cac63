"""A network that turns pictures of one domain into another's, with CycleGAN's residual generator and its names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError, InputError, cut
from nst3d.files import PathLike
from nst3d.weights.saved import read_told, write_tensors
from nst3d.weights.tensors import checked, read_tensors

_KIND = "nst3d translator 1"
_STATISTICS = re.compile(r"\.(running_mean|running_var|num_batches_tracked)$")
"""What files of old versions of torch hold for each instance normalisation; nothing uses it."""
_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.\d+\.")
_FIRST_BLOCK = 10
_SPREAD = 0.02
"""Standard deviation of the weights before training."""


@dataclass(frozen=True)
class TranslatorShape:
    """The architecture of a translator."""

    width: Annotated[int, Within(1, 512)] = 64
    """Channels at full resolution; twice as many at half, four times at quarter resolution."""
    blocks: Annotated[int, Within(1, 32)] = 9
    """Residual blocks at quarter resolution."""
    dropout: bool = False
    """Whether it was trained with dropout in its blocks, which changes the names of its tensors alone."""

    def __post_init__(self) -> None:
        """Raise ConfigError for numbers outside their bounds."""
        check_bounds(self, "network: ")


class Translator(nn.Module):
    """Zhu et al. 2017, "Unpaired image-to-image translation using cycle-consistent adversarial networks".

    The residual generator of Johnson et al. 2016: two convolutions of stride 2, residual blocks, two transposed
    convolutions, instance normalisation without scale and shift, reflected borders, and tanh. Tensors have the names of
    the authors' implementation in torch, in which layers without weights are counted, too.
    """

    def __init__(self, shape: TranslatorShape) -> None:
        super().__init__()
        self.shape = shape
        w = shape.width
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), *_normalised(nn.Conv2d(3, w, 7))]
        for inside in (w, 2 * w):
            layers += _normalised(nn.Conv2d(inside, 2 * inside, 3, stride=2, padding=1))
        layers += [_Block(4 * w, shape.dropout) for _ in range(shape.blocks)]
        for inside in (4 * w, 2 * w):
            up = nn.ConvTranspose2d(inside, inside // 2, 3, stride=2, padding=1, output_padding=1)
            layers += _normalised(up)
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(w, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The translated pictures (n, 3, h, w) of pictures (n, 3, h, w), both in [0, 1]; sides of at least 16 pixels.

        Each is normalised by its own statistics. Sides that are no multiples of 4 are extended by reflection.
        """
        height, width = pictures.shape[2:]
        x = F.pad(2 * pictures - 1, (0, -width % 4, 0, -height % 4), mode="reflect")
        painted: torch.Tensor = self.model(x)
        return (painted[:, :, :height, :width] + 1) / 2


class _Block(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, width: int, dropout: bool) -> None:
        super().__init__()
        first = [nn.ReflectionPad2d(1), *_normalised(nn.Conv2d(width, width, 3))]
        second = [nn.ReflectionPad2d(1), *_normalised(nn.Conv2d(width, width, 3))[:2]]
        # Pictures are painted without dropout; its place counts in the names.
        self.conv_block = nn.Sequential(*first, *([nn.Identity()] if dropout else []), *second)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        added: torch.Tensor = self.conv_block(x)
        return x + added


def _normalised(convolution: nn.Conv2d | nn.ConvTranspose2d) -> list[nn.Module]:
    return [convolution, nn.InstanceNorm2d(convolution.out_channels), nn.ReLU()]


def random_translator(shape: TranslatorShape, generator: torch.Generator) -> Translator:
    """A translator to be trained: weights from a normal distribution of deviation 0.02, biases of 0."""
    made = Translator(shape)
    draw_weights(made, generator)
    return made


def draw_weights(module: nn.Module, generator: torch.Generator) -> None:
    """Give a network's convolutions the weights that adversarial training starts from."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, _SPREAD, generator=generator)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def save_translator(path: PathLike, network: Translator, size: int) -> None:
    """Write a translator as safetensors, in half precision, with the `size` of the pictures that it was trained on.

    OutputError if it cannot be written.
    """
    tensors = {name: value.half() for name, value in network.state_dict().items()}
    write_tensors(path, tensors, {"kind": _KIND, "size": str(size)})


def load_translator(path: PathLike) -> Translator:
    """The translator in a file of tensors, torch's or safetensors, ready to run; nothing in it is executed.

    Width and number of blocks are those of its tensors. Raises InputError, naming the tensor, for another network.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {what}, expected a CycleGAN generator")
    found = read_tensors(path)
    tensors = {name: value for name, value in found.items() if not _STATISTICS.search(name)}
    shape = _shape_of(path, tensors)
    with torch.device("meta"):  # no memory for what has not been seen to be there
        network = Translator(shape)
    own = {n: checked(path, tensors, n, tuple(v.shape)) for n, v in network.state_dict().items()}
    left = next((name for name in tensors if name not in own), None)
    if left is not None:
        raise InputError(
            f"{path}: has {cut(left)}, which a CycleGAN generator with {shape.blocks} residual blocks and instance"
            " normalisation lacks: these are the weights of another network"
        )
    network.load_state_dict(own, assign=True)
    return network.eval().requires_grad_(False)


def trained_size(path: PathLike) -> int | None:
    """The size of the pictures that a translator was trained on, if its file says so."""
    if Path(path).suffix != ".safetensors":
        return None
    told = read_told(path)
    size = told.get("size", "")
    return int(size) if told.get("kind") == _KIND and size.isascii() and size.isdigit() else None


def _shape_of(path: Path, tensors: Mapping[str, torch.Tensor]) -> TranslatorShape:
    first = tensors.get("model.1.weight")
    if first is None or first.dim() != 4:
        raise InputError(
            f"{path}: has no convolution model.1.weight: expected a CycleGAN generator with residual blocks, as"
            " netG_A or netG_B of pytorch-CycleGAN-and-pix2pix, or as nst3d train-style writes it with `cycle`"
        )
    blocks = {int(match[1]) for name in tensors if (match := _BLOCK.match(name))}
    wanted = set(range(_FIRST_BLOCK, _FIRST_BLOCK + len(blocks)))
    if not blocks or blocks != wanted:
        missing = min(wanted - blocks, default=_FIRST_BLOCK)
        raise InputError(
            f"{path}: has no residual block model.{missing}: expected a CycleGAN generator whose blocks are"
            f" model.{_FIRST_BLOCK}, model.{_FIRST_BLOCK + 1}, ..."
        )
    dropout = f"model.{_FIRST_BLOCK}.conv_block.6.weight" in tensors
    try:
        return TranslatorShape(first.shape[0], len(blocks), dropout)
    except ConfigError as error:
        raise InputError(f"{path}: {error}") from None
