"""MicroAST: a small network that paints any picture in the style of any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.files import PathLike
from nst3d.networks.transport import AffineMap, Statistics, adain, blended, pooled_statistics
from nst3d.tensors import Features, Mask, Planes
from nst3d.weights.find import need_weights
from nst3d.weights.tensors import checked, read_tensors

STRIDE = 4
"""Pixels from one position of the features to the next."""
_WIDTH = 64
_FLOOR = 1e-5
"""Variance added to all channels, relative to their mean: no channel of these encoders is without detail."""
_LEAST = 8
"""Shortest side that the network sees: below it, reflected borders would be wider than the picture."""

Masked = tuple[Planes, Mask | None]
"""A picture (3, h, w) in [0, 1] and the mask (h, w) of what counts in it; None: everything."""


@dataclass(frozen=True)
class Signal:
    """What the network takes from a style: statistics and filters, first of its shallow features, then of the deep."""

    statistics: tuple[Statistics, Statistics]
    filters: tuple[torch.Tensor, torch.Tensor]
    """(2, c) float32 each: how much of a convolution's output and of its input goes into the result, by channel."""


@dataclass(frozen=True)
class Moves:
    """What brings pictures of a scene to a style."""

    signal: Signal
    maps: tuple[AffineMap, AffineMap]
    """Of the features at the deep block, and then at the shallow one."""


class MicroAST(nn.Module):
    """Encoders of content and style, modulator and decoder, frozen.

    The content's deep features get the style's mean and variance (AdaIN) and pass a residual block whose convolutions
    the style modulates; then the same with the style's shallow features. Wang et al. 2023, "MicroAST: towards
    super-fast ultra-resolution arbitrary style transfer". Unlike there, the content's statistics are those of all
    pictures together, so that what two views show of one point is painted alike.
    """

    def __init__(
        self, content: _Encoder, style: _Encoder, modulator: nn.ModuleList, decoder: _Decoder
    ) -> None:
        """`modulator` are the convolutions for weight and bias, of the shallow features and then of the deep."""
        super().__init__()
        self.content, self.style, self.modulator, self.decoder = content, style, modulator, decoder

    @torch.no_grad()
    def encode(self, image: Planes) -> tuple[Features, Features]:
        """Shallow and deep features (64, ⌈h / 4⌉, ⌈w / 4⌉) of a picture to be painted."""
        shallow, deep = self.content(self._batch(image))
        return Features(shallow[0]), Features(deep[0])

    @torch.no_grad()
    def signal(self, pictures: Sequence[Masked]) -> Signal:
        """The signal of a style's pictures, pooled over what counts in them. ValueError if nothing does."""
        features = [self.style(self._batch(image)) for image, _ in pictures]
        masks = [mask for _, mask in pictures]
        levels = [list(zip([each[level][0] for each in features], masks)) for level in (0, 1)]
        statistics = pooled_statistics(levels[0]), pooled_statistics(levels[1])
        filters = [
            torch.stack([_mean_of(conv, level) for conv in (self.modulator[k], self.modulator[k + 1])])
            for k, level in zip((0, 2), levels)
        ]
        return Signal(statistics, (filters[0], filters[1]))

    @torch.no_grad()
    def moves(self, pictures: Sequence[Masked], signal: Signal, strength: float = 1.0) -> Moves:
        """What brings the pictures together to a style. ValueError if no mask covers anything.

        `strength` mixes the style's signal with that of the pictures themselves, which alone (0) gives about the
        pictures: features that are not moved at all mean nothing to the decoder.
        The features of all pictures are held, four thirds of the pictures' memory.
        """
        if strength < 1:
            signal = mixed([self.signal(pictures), signal], [1 - strength, strength])
        masks = [mask for _, mask in pictures]
        features = [self.encode(image)[1] for image, _ in pictures]
        deep = adain(pooled_statistics(zip(features, masks)), signal.statistics[1], _FLOOR)
        features = [Features(self.decoder.deep(deep(x)[None], signal.filters[1])[0]) for x in features]
        shallow = adain(pooled_statistics(zip(features, masks)), signal.statistics[0], _FLOOR)
        return Moves(signal, (deep, shallow))

    @torch.no_grad()
    def paint(self, image: Planes, moves: Moves) -> Planes:
        """A picture in a style, float32, not clamped."""
        blocks, features = (self.decoder.deep, self.decoder.shallow), self.encode(image)[1]
        for block, move, filters in zip(blocks, moves.maps, reversed(moves.signal.filters)):
            features = Features(block(move(features)[None], filters)[0])
        return self._decode(features, image)

    def _batch(self, image: Planes) -> torch.Tensor:
        """The picture in the network's dtype, continued at its right and lower borders if it is tiny."""
        height, width = image.shape[1:]
        missing = (0, max(_LEAST - width, 0), 0, max(_LEAST - height, 0))
        x = image[None].to(next(self.parameters())).contiguous(memory_format=torch.channels_last)
        return F.pad(x, missing, mode="replicate") if any(missing) else x

    def _decode(self, features: Features, image: Planes) -> Planes:
        height, width = image.shape[1:]
        return Planes(self.decoder(features[None])[0, :, :height, :width].float())


def mixed(signals: Sequence[Signal], weights: Sequence[float]) -> Signal:
    """The signal of several styles with weights, as if each covered its share of one picture's area."""
    shares = [w / sum(weights) for w in weights]
    shallow, deep = (blended([s.statistics[k] for s in signals], weights) for k in (0, 1))
    filters = [
        torch.stack([s.filters[k] * share for s, share in zip(signals, shares)]).sum(0) for k in (0, 1)
    ]
    return Signal((shallow, deep), (filters[0], filters[1]))


def load_microast(
    *,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    path: PathLike | None = None,
) -> MicroAST:
    """The network, ready to run.

    `path` is a folder that contains its four files; without it they are searched like all weights. Raises
    MissingDependencyError if no weights are found, InputError for a damaged or another file.
    """
    content, style, modulator, decoder = (
        _File(file, read_tensors(file)) for file in need_weights("microast", path)
    )
    convs = [
        modulator.conv(f"{kind}{k}.0", _WIDTH, _WIDTH, 3, groups=_WIDTH)
        for k in (1, 2)
        for kind in ("weight", "bias")
    ]
    network = MicroAST(_Encoder(content), _Encoder(style), nn.ModuleList(convs), _Decoder(decoder))
    moved: MicroAST = network.to(device=device, dtype=dtype).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


class _Encoder(nn.Module):
    def __init__(self, file: _File) -> None:
        super().__init__()
        self.stem = nn.ModuleList(
            [
                file.conv("enc1.0", 3, 16, 9),
                file.conv("enc1.2", 16, 32, 3, stride=2, groups=16),
                file.conv("enc1.4", 32, 32, 1),
                file.conv("enc1.6", 32, _WIDTH, 3, stride=2, groups=32),
                file.conv("enc1.8", _WIDTH, _WIDTH, 1),
            ]
        )
        self.shallow, self.deep = _Residual(file, "enc1.10"), _Residual(file, "enc2.0")

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        for conv in self.stem:
            x = F.relu_(conv(x))
        shallow = self.shallow(x)
        return shallow, self.deep(shallow)


class _Decoder(nn.Module):
    """The modulated residual blocks `deep` and `shallow`; called with the latter's output, it gives the picture."""

    def __init__(self, file: _File) -> None:
        super().__init__()
        self.deep, self.shallow = _Residual(file, "dec1"), _Residual(file, "dec2")
        self.steps = nn.ModuleList(
            [
                file.conv("dec3.1", _WIDTH, 32, 3, groups=32),
                file.conv("dec3.3", 32, 32, 1),
                file.conv("dec3.6", 32, 16, 3, groups=16),
                file.conv("dec3.8", 16, 16, 1),
            ]
        )
        self.last = file.conv("dec3.10", 16, 3, 9)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for index, conv in enumerate(self.steps):
            if index % 2 == 0:
                x = F.interpolate(x, scale_factor=2.0, mode="bilinear")
            x = F.relu_(conv(x))
        picture: torch.Tensor = self.last(x)
        return picture


class _Residual(nn.Module):
    def __init__(self, file: _File, name: str) -> None:
        super().__init__()
        self.conv1 = file.conv(f"{name}.conv1", _WIDTH, _WIDTH, 3)
        self.conv2 = file.conv(f"{name}.conv2", _WIDTH, _WIDTH, 3)

    def forward(self, x: torch.Tensor, filters: torch.Tensor | None = None) -> torch.Tensor:
        """x + f(x); `filters` (2, c) weigh output and input of each convolution."""
        inner = F.relu(_weighed(self.conv1(x), x, filters))
        return x + _weighed(self.conv2(inner), inner, filters)


@dataclass(frozen=True)
class _File:
    path: Path
    tensors: Mapping[str, torch.Tensor]

    def conv(
        self, name: str, inside: int, out: int, size: int, *, stride: int = 1, groups: int = 1
    ) -> nn.Conv2d:
        """A frozen convolution from `inside` to `out` channels, with reflected borders."""
        conv = nn.Conv2d(inside, out, size, stride, size // 2, groups=groups, padding_mode="reflect")
        for kind in ("weight", "bias"):
            shape = tuple(getattr(conv, kind).shape)
            values = checked(self.path, self.tensors, f"{name}.conv_layer.{kind}", shape)
            setattr(conv, kind, nn.Parameter(values, requires_grad=False))
        return conv


def _weighed(after: torch.Tensor, before: torch.Tensor, filters: torch.Tensor | None) -> torch.Tensor:
    if filters is None:
        return after
    weight, bias = filters.to(after)[..., None, None]
    return weight * after + bias * before


def _mean_of(conv: nn.Module, views: Sequence[tuple[Features, Mask | None]]) -> torch.Tensor:
    """The mean (c,) of a convolution's output over what counts."""
    return pooled_statistics([(conv(x[None])[0], mask) for x, mask in views]).mean.float()
