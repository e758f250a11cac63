"""RAFT: a recurrent network that finds the motion between two pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, final

import torch
from torch import nn

from nst3d.files import PathLike
from nst3d.networks.raft_parts import (
    MotionEncoder,
    Norm,
    RecurrentBlock,
    correlations,
    enlarged,
    features,
    read_around,
)
from nst3d.weights.find import need_weights
from nst3d.weights.tensors import checked, read_tensors

STRIDE = 8
"""Pixels from one position of the features to the next; sides of pictures are multiples of it."""
LEAST = 128
"""Shortest side of pictures, at which the coarsest correlations have two positions."""
_LEVELS = 4
_UPDATES = 12
_GRADIENT = 0.25
"""Factor of the weights for enlarging, with which the networks were trained."""

RaftName = Literal["raft-large", "raft-small"]


@dataclass(frozen=True)
class RaftSizes:
    """Channels and kernels of one of the published networks."""

    bottleneck: bool
    feature_widths: tuple[int, int, int, int, int]
    context_widths: tuple[int, int, int, int, int]
    context_norm: Norm
    radius: int
    """Positions around an end of the flow whose correlations are read."""
    correlation_widths: tuple[int, ...]
    flow_widths: tuple[int, int]
    motion_width: int
    hidden: int
    kernels: tuple[tuple[int, int], ...]
    head: int
    upsampler: bool
    """Whether it learnt how to enlarge the flow."""


SIZES: dict[RaftName, RaftSizes] = {
    "raft-large": RaftSizes(
        False, (64, 64, 96, 128, 256), (64, 64, 96, 128, 256), "batch", 4, (256, 192), (128, 64), 128, 128,
        ((1, 5), (5, 1)), 256, True,
    ),
    "raft-small": RaftSizes(
        True, (32, 32, 64, 96, 128), (32, 32, 64, 96, 160), None, 3, (96,), (64, 32), 82, 96, ((3, 3),), 128, False
    ),
}  # fmt: skip


@final
class Raft(nn.Module):
    """Teed & Deng 2020, "RAFT: recurrent all-pairs field transforms for optical flow", with torchvision's weights."""

    def __init__(self, sizes: RaftSizes) -> None:
        super().__init__()
        self._hidden, self._radius = sizes.hidden, sizes.radius
        read = _LEVELS * (2 * sizes.radius + 1) ** 2
        # Attributes are called like the tensors in the files.
        self.feature_encoder = features(sizes.feature_widths, sizes.bottleneck, "instance")
        self.context_encoder = features(sizes.context_widths, sizes.bottleneck, sizes.context_norm)
        motion = MotionEncoder(read, sizes.correlation_widths, sizes.flow_widths, sizes.motion_width)
        width = sizes.motion_width + sizes.context_widths[-1] - sizes.hidden
        head = nn.ModuleDict(
            {
                "conv1": nn.Conv2d(sizes.hidden, sizes.head, 3, 1, 1),
                "conv2": nn.Conv2d(sizes.head, 2, 3, 1, 1),
            }
        )
        self.update_block = nn.ModuleDict(
            {
                "motion_encoder": motion,
                "recurrent_block": RecurrentBlock(width, sizes.hidden, sizes.kernels),
                "flow_head": head,
            }
        )
        self.mask_predictor: nn.ModuleDict | None = None
        if sizes.upsampler:
            wide = nn.Sequential(nn.Conv2d(sizes.hidden, 256, 3, 1, 1), nn.ReLU())
            self.mask_predictor = nn.ModuleDict({"convrelu": wide, "conv": nn.Conv2d(256, 9 * STRIDE**2, 1)})

    def forward(self, here: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
        """The flow (n, 2, h, w), right and down in pixels, from pictures (n, 3, h, w) in [-1, 1] to others.

        Sides are multiples of 8 and 128 or more.
        """
        one, other = self.feature_encoder(torch.cat([here, there])).chunk(2)
        pyramid = correlations(one, other, _LEVELS)
        found = self.context_encoder(here)
        hidden, context = torch.tanh(found[:, : self._hidden]), torch.relu(found[:, self._hidden :])
        rows, columns = (torch.arange(side).to(one) for side in one.shape[2:])
        origin = torch.stack(torch.meshgrid(columns, rows, indexing="xy"))[None]
        flow = torch.zeros_like(origin).expand(len(here), -1, -1, -1)
        block = self.update_block
        for _ in range(_UPDATES):
            motion = block["motion_encoder"](flow, read_around(pyramid, origin + flow, self._radius))
            hidden = block["recurrent_block"](hidden, torch.cat([context, motion], dim=1))
            head = cast(nn.ModuleDict, block["flow_head"])
            flow = flow + head["conv2"](torch.relu(head["conv1"](hidden)))
        weights = None
        if self.mask_predictor is not None:
            weights = _GRADIENT * self.mask_predictor["conv"](self.mask_predictor["convrelu"](hidden))
        return enlarged(flow, STRIDE, weights)


def load_raft(name: RaftName, path: PathLike | None = None) -> Raft:
    """One of the networks of `SIZES`, frozen.

    `path` is its file or folder; None: found like all weights. Raises MissingDependencyError if they are not found,
    InputError for a file that is damaged or of another network.
    """
    (file,) = need_weights(name, path)
    tensors = read_tensors(file)
    network = Raft(SIZES[name])
    own = {k: v for k, v in network.state_dict().items() if not k.endswith("num_batches_tracked")}
    network.load_state_dict(
        {k: checked(file, tensors, k, tuple(v.shape)) for k, v in own.items()}, strict=False
    )
    return network.eval().requires_grad_(False)
