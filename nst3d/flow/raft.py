"""Motion by RAFT (Teed & Deng 2020)."""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F

from nst3d.files import PathLike
from nst3d.networks.raft import LEAST, STRIDE, RaftName, load_raft
from nst3d.tensors import Array

_MOST = 960 * 540
"""Pixels beyond which motion is found in smaller pictures: memory grows with their square."""


@final
class RaftFlow:
    """The flow of a RAFT network on the CPU."""

    def __init__(self, name: RaftName, path: PathLike | None = None) -> None:
        """Raise MissingDependencyError without its weights, InputError if the file at `path` is not theirs."""
        self.name: str = name
        self._network = load_raft(name, path)

    @torch.no_grad()
    def between(self, here: Array, there: Array) -> torch.Tensor:
        """The flow (h, w, 2) from one picture (h, w, 3) uint8 to another."""
        height, width = here.shape[:2]
        scale = min(1.0, (_MOST / (height * width)) ** 0.5)
        size = (max(1, round(height * scale)), max(1, round(width * scale)))
        rows, columns = _margins(size[0]), _margins(size[1])
        one, other = (_padded(_prepared(picture, size), rows, columns) for picture in (here, there))
        flow = self._network(one, other)[:, :, rows[0] : rows[0] + size[0], columns[0] : columns[0] + size[1]]
        if size != (height, width):
            flow = F.interpolate(flow, (height, width), mode="bilinear", align_corners=False)
            flow = flow * flow.new_tensor([width / size[1], height / size[0]])[None, :, None, None]
        return flow[0].permute(1, 2, 0).contiguous()


def _prepared(picture: Array, size: tuple[int, int]) -> torch.Tensor:
    """A picture (h, w, 3) uint8 as (1, 3, *size) in [-1, 1]."""
    planes = torch.from_numpy(picture.astype("float32")).permute(2, 0, 1)[None] / 127.5 - 1
    return F.interpolate(planes, size, mode="area") if planes.shape[2:] != size else planes


def _margins(side: int) -> tuple[int, int]:
    """What is added before and after a side, to make it a multiple of the network's stride that it can read."""
    more = max(LEAST, -(-side // STRIDE) * STRIDE) - side
    return more // 2, more - more // 2


def _padded(planes: torch.Tensor, rows: tuple[int, int], columns: tuple[int, int]) -> torch.Tensor:
    return F.pad(planes, (*columns, *rows), mode="replicate")
