"""Inception v3 (Szegedy et al. 2016) with torchvision's names of tensors, for the metrics that are defined on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, final

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.features.bodies import filled, fused
from nst3d.files import PathLike
from nst3d.weights.find import need_weights
from nst3d.weights.tensors import read_tensors

InceptionName = Literal["inception-fid", "inception-torchvision", "inception-art"]
Pool = Literal["mean", "inner mean", "max"]
"""How a block pools 3 x 3 positions beside its convolutions: to their largest value, or to their mean, in which zeros
beyond the border count or do not ("inner mean")."""
LEAST = 75
"""Shortest side of a picture, pixels, at which the last block has a position."""


class _Conv(NamedTuple):
    """A convolution: channels and kernel; without padding if the stride is 2."""

    width: int
    height: int = 1
    across: int = 1
    stride: int = 1
    forked: bool = False
    """Two kernels, 1 x 3 ("a") and 3 x 1 ("b"), whose results are joined."""


Chains = dict[str, tuple[_Conv, ...]]


@dataclass(frozen=True)
class _Block:
    """Chains of convolutions side by side, by the names of their tensors, and pooling."""

    chains: Chains
    pooled: int | None
    """Channels of the convolution after pooling; None: a max pool of stride 2 without one."""

    @property
    def width(self) -> int:
        """Channels of the result, but for those of a bare max pool, which are as many as before."""
        last = (steps[-1] for steps in self.chains.values())
        return sum(step.width * (2 if step.forked else 1) for step in last) + (self.pooled or 0)


def _first(pooled: int) -> _Block:
    five, three = (_Conv(48), _Conv(64, 5, 5)), (_Conv(64), _Conv(96, 3, 3), _Conv(96, 3, 3))
    return _Block({"branch1x1": (_Conv(64),), "branch5x5": five, "branch3x3dbl": three}, pooled)


def _wide(inner: int) -> _Block:
    """Kernels 1 x 7 and 7 x 1 with `inner` channels."""
    along, down = _Conv(inner, 1, 7), _Conv(inner, 7, 1)
    chains = {
        "branch1x1": (_Conv(192),),
        "branch7x7": (_Conv(inner), along, _Conv(192, 7, 1)),
        "branch7x7dbl": (_Conv(inner), down, along, down, _Conv(192, 1, 7)),
    }
    return _Block(chains, 192)


def _last() -> _Block:
    fork = _Conv(384, forked=True)
    chains = {
        "branch1x1": (_Conv(320),),
        "branch3x3": (_Conv(384), fork),
        "branch3x3dbl": (_Conv(448), _Conv(384, 3, 3), fork),
    }
    return _Block(chains, 192)


BLOCKS: dict[str, _Block] = {
    "Mixed_5b": _first(32),
    "Mixed_5c": _first(64),
    "Mixed_5d": _first(64),
    "Mixed_6a": _Block(
        {
            "branch3x3": (_Conv(384, 3, 3, 2),),
            "branch3x3dbl": (_Conv(64), _Conv(96, 3, 3), _Conv(96, 3, 3, 2)),
        },
        None,
    ),
    "Mixed_6b": _wide(128),
    "Mixed_6c": _wide(160),
    "Mixed_6d": _wide(160),
    "Mixed_6e": _wide(192),
    "Mixed_7a": _Block(
        {
            "branch3x3": (_Conv(192), _Conv(320, 3, 3, 2)),
            "branch7x7x3": (_Conv(192), _Conv(192, 1, 7), _Conv(192, 7, 1), _Conv(192, 3, 3, 2)),
        },
        None,
    ),
    "Mixed_7b": _last(),
    "Mixed_7c": _last(),
}
"""The blocks after the stem, in order."""


@dataclass(frozen=True)
class InceptionKind:
    """What tells the published Inceptions apart."""

    pool: Pool
    last_pool: Pool
    """That of the last block."""
    centred: bool
    """Whether it takes pictures in [-1, 1] rather than [0, 1]."""
    side: int | None
    """Pixels to which pictures are resized for `pooled`, bilinearly and without smoothing; None: they are not."""


INCEPTIONS: dict[InceptionName, InceptionKind] = {
    "inception-fid": InceptionKind("inner mean", "max", True, 299),
    "inception-torchvision": InceptionKind("mean", "mean", True, 299),
    "inception-art": InceptionKind("mean", "mean", False, None),
}
"""All by the name of their weights, each used as in the code that was published with it."""


class _Normed(nn.Module):
    def __init__(self, inside: int, step: _Conv, padded: bool = True) -> None:
        super().__init__()
        padding = (step.height // 2, step.across // 2) if padded and step.stride == 1 else 0
        self.conv = nn.Conv2d(
            inside, step.width, (step.height, step.across), step.stride, padding, bias=False
        )
        self.bn = nn.BatchNorm2d(step.width, eps=1e-3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.bn(self.conv(x)), inplace=True)


class _Mixed(nn.Module):
    def __init__(self, inside: int, block: _Block, pool: Pool) -> None:
        super().__init__()
        self.pool, self.pooled = pool, block.pooled is not None
        self.chains: list[list[tuple[str, ...]]] = []
        for chain, steps in block.chains.items():
            channels, names = inside, []
            for place, step in enumerate(steps, start=1):
                name = f"{chain}_{place}" if len(steps) > 1 else chain
                parts = {name: step}
                if step.forked:
                    parts = {f"{name}a": _Conv(step.width, 1, 3), f"{name}b": _Conv(step.width, 3, 1)}
                for part, conv in parts.items():
                    self.add_module(part, _Normed(channels, conv))
                names.append(tuple(parts))
                channels = step.width
            self.chains.append(names)
        if block.pooled is not None:
            self.add_module("branch_pool", _Normed(inside, _Conv(block.pooled)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found = []
        for chain in self.chains:
            y = x
            for names in chain:
                y = torch.cat([self.get_submodule(name)(y) for name in names], 1)
            found.append(y)
        found.append(
            self.get_submodule("branch_pool")(self._around(x)) if self.pooled else F.max_pool2d(x, 3, 2)
        )
        return torch.cat(found, 1)

    def _around(self, x: torch.Tensor) -> torch.Tensor:
        if self.pool == "max":
            return F.max_pool2d(x, 3, 1, 1)
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=self.pool == "mean")


@final
class Inception(nn.Module):
    """The convolutional part of an Inception v3."""

    def __init__(self, kind: InceptionKind, name: str = "") -> None:
        """`name`: that of its weights."""
        super().__init__()
        self.kind, self.name = kind, name
        self.Conv2d_1a_3x3 = _Normed(3, _Conv(32, 3, 3, 2))
        self.Conv2d_2a_3x3 = _Normed(32, _Conv(32, 3, 3), padded=False)
        self.Conv2d_2b_3x3 = _Normed(32, _Conv(64, 3, 3))
        self.Conv2d_3b_1x1 = _Normed(64, _Conv(80))
        self.Conv2d_4a_3x3 = _Normed(80, _Conv(192, 3, 3), padded=False)
        channels = 192
        for place, (own, block) in enumerate(BLOCKS.items(), start=1):
            self.add_module(
                own, _Mixed(channels, block, kind.last_pool if place == len(BLOCKS) else kind.pool)
            )
            channels = block.width if block.pooled else block.width + channels

    @torch.no_grad()
    def pooled(self, pictures: torch.Tensor) -> torch.Tensor:
        """The mean features (b, 2048) of the last block, of pictures (b, 3, h, w) in [0, 1].

        ValueError for sides below `LEAST` pixels, unless the kind resizes them.
        """
        side = self.kind.side
        if side is not None:
            pictures = F.interpolate(pictures, (side, side), mode="bilinear", align_corners=False)
        elif min(pictures.shape[-2:]) < LEAST:
            raise ValueError(f"{self.name} needs pictures of {LEAST} pixels or more a side")
        x = F.max_pool2d(self.early(pictures), 3, 2)
        for own in BLOCKS:
            x = self.get_submodule(own)(x)
        return x.mean((2, 3))

    @torch.no_grad()
    def early(self, pictures: torch.Tensor) -> torch.Tensor:
        """The features (b, 192, h', w') before the second pool, a quarter as fine, of pictures (b, 3, h, w) in [0, 1].

        Pictures are not resized. ValueError for sides below 15 pixels.
        """
        if min(pictures.shape[-2:]) < 15:
            raise ValueError(f"{self.name} needs pictures of 15 pixels or more a side")
        x = 2 * pictures - 1 if self.kind.centred else pictures
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        return self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))


def load_inception(name: InceptionName, path: PathLike | None = None) -> Inception:
    """One of `INCEPTIONS`, frozen, float32.

    `path` is its file or folder; None: found like all weights. Raises MissingDependencyError if they are not found,
    InputError for a file that is damaged or of another network.
    """
    (file,) = need_weights(name, path)
    with torch.device("meta"):  # skips initialising values that are then discarded
        network = Inception(INCEPTIONS[name], name)
    filled(network, file, read_tensors(file))
    convs = [own for own, module in network.named_modules() if isinstance(module, _Normed)]
    fused(network, [(f"{own}.conv", f"{own}.bn") for own in convs])
    return network.eval().requires_grad_(False)
