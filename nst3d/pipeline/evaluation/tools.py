"""What metrics measure with: networks and a flow, each loaded once, or the reason why it is not here."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Generic, TypeVar, get_args

import torch

from nst3d.errors import MissingDependencyError
from nst3d.features.attention.clip import Clip, load_clip
from nst3d.features.attention.dino import Dino, load_dino
from nst3d.features.attention.tokens import Vocabulary, load_vocabulary
from nst3d.features.encoder import Encoder
from nst3d.features.inception import Inception, InceptionName, load_inception
from nst3d.features.remembered import RememberedEncoder
from nst3d.features.weights import load_encoder
from nst3d.flow.choose import FlowName, choose_flow
from nst3d.flow.method import FlowMethod
from nst3d.metrics.held_out import judge_for, why_no_judge
from nst3d.metrics.lpips import Lpips, LpipsNet
from nst3d.metrics.pairs import Distance, Perceptual
from nst3d.tensors import Array

Tool = TypeVar("Tool")
_PAIRS = 5
"""Pairs of frames at each distance on which LPIPS between frames is measured."""
_REMEMBERED = 2**29
"""Bytes of features that each network keeps of the unpainted views, with which all rows are compared."""


class Maybe(Generic[Tool]):
    """Something that may be missing on this machine, made when it is first asked for."""

    def __init__(self, make: Callable[[], Tool]) -> None:
        self._make = make

    @property
    def tool(self) -> Tool | None:
        """The tool; None if it is missing."""
        return self._found[0]

    @property
    def reason(self) -> str | None:
        """Why it is missing; None if it is not."""
        return self._found[1]

    @cached_property
    def _found(self) -> tuple[Tool | None, str | None]:
        try:
            return self._make(), None
        except MissingDependencyError as error:
            return None, str(error)


class Tools:
    """Everything that metrics of one evaluation measure with."""

    def __init__(self, optimised: set[str], flow: FlowName = "auto") -> None:
        """`optimised` are the encoders that the runs painted with, in which no style is compared."""
        self.lpips: dict[LpipsNet, Maybe[Lpips]] = {
            "vgg": Maybe(lambda: Lpips("vgg", remember=_REMEMBERED)),
            "alex": Maybe(lambda: Lpips("alex", remember=_REMEMBERED)),
        }
        self.flow: Maybe[FlowMethod] = Maybe(lambda: choose_flow(flow))
        self.inceptions: dict[str, Maybe[Inception]] = {
            name: Maybe(partial(load_inception, name)) for name in get_args(InceptionName)
        }
        self.clip: Maybe[Clip] = Maybe(lambda: load_clip("clip-vit-b-32", dtype=torch.float32))
        self.vocabulary: Maybe[Vocabulary] = Maybe(load_vocabulary)
        self.dino: Maybe[Dino] = Maybe(lambda: load_dino("dinov2-small", dtype=torch.float32))
        used = sorted(name for name in optimised if name)
        self.judge_name = judge_for(used) or "none"
        self.judge: Maybe[Encoder] = Maybe(lambda: _judge(used))

    def perceptual(self, net: LpipsNet, most: int | None = _PAIRS) -> Perceptual:
        """LPIPS for pairs of frames, of which it measures at most `most`, evenly spread; None: all."""
        name, found = f"lpips_{net}", self.lpips[net]
        if found.tool is None:
            return Perceptual(name, None, found.reason)
        return Perceptual(name, _over_mask(found.tool), most=most)


def _over_mask(lpips: Lpips) -> Distance:
    """LPIPS as published where everything counts, otherwise its map's mean over the mask."""

    def distance(one: Array, other: Array, mask: Array) -> float:
        if mask.all():
            return lpips.distance(one, other)
        return lpips.masked_distance(one, other, mask) or 0.0

    return distance


def _judge(used: list[str]) -> Encoder:
    """An encoder that none of those `used` is like. MissingDependencyError if there is none."""
    name = judge_for(used)
    if name is None:
        raise MissingDependencyError(why_no_judge(used))
    encoder = load_encoder(name, dtype=torch.float32, device=torch.device("cpu"))
    return RememberedEncoder(encoder, _REMEMBERED)
