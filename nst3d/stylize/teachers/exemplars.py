"""Pictures that patches are cut from, and where in them a patch fits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst3d.images.colour import LUMA
from nst3d.tensors import Mask, Planes

_LIKE = 0.1
"""How much worse than the best place, as a share of its difference, a place may be that is drawn by chance."""


@dataclass(frozen=True)
class Wanted:
    """What a patch of k × k pixels should look like."""

    colours: torch.Tensor
    """(3, k, k): what is painted there already."""
    painted: torch.Tensor
    """(k, k): 1 where something is, else 0."""
    tone: torch.Tensor
    """(k, k): the brightness it should have."""
    toned: torch.Tensor
    """(k, k): how much that counts at each pixel; 0: not at all."""


class Exemplar:
    """A style's picture (3, h, w) with the places at which patches of `side` pixels may be cut from it."""

    def __init__(self, picture: Planes, opacity: Mask | None, side: int) -> None:
        self.picture = picture.float()
        self.tone = (self.picture * self.picture.new_tensor(LUMA)[:, None, None]).sum(0)
        # Differences of small numbers lose fewer digits.
        self._middle = self.picture.mean((1, 2), keepdim=True)
        colours, tone = self.picture - self._middle, self.tone - self.tone.mean()
        layers = torch.stack([*colours, colours.square().sum(0), tone, tone.square()])
        self._waves = torch.fft.rfft2(layers)
        clear = torch.zeros_like(tone) if opacity is None else (opacity <= 0.5).to(tone)
        share = F.avg_pool2d(clear[None, None], side, stride=1)[0, 0]
        self._shut = share > share.amin() + 1e-6
        self._used = torch.zeros_like(share)

    def place(self, wanted: Wanted, generator: torch.Generator, reuse: float) -> tuple[int, int]:
        """The row and column of the top left corner of the patch that is most like the one wanted, or one of them.

        Sums of squared differences at all places, as a product of Fourier transforms. Places near those that were taken
        before count as different by `reuse` times the usual difference.
        """
        held = wanted.painted[None]
        colours = (wanted.colours - self._middle) * held
        tone = (wanted.tone - self.tone.mean()) * wanted.toned
        filters = torch.cat([-2 * colours, held, -2 * tone[None], wanted.toned[None]])
        constant = colours.square().sum() + (tone * (wanted.tone - self.tone.mean())).sum()
        size = self.tone.shape
        waves = (self._waves * torch.fft.rfft2(filters, s=size).conj()).sum(0)
        rows, columns = self._shut.shape
        cost = (torch.fft.irfft2(waves, s=size)[:rows, :columns] + constant).clamp_min(0)
        usual = cost[~self._shut].mean()
        cost = cost + reuse * usual * self._used
        best = cost[~self._shut].amin()
        fits = ((cost <= best * (1 + _LIKE) + 1e-6) & ~self._shut).nonzero()
        row, column = (int(v) for v in fits[int(torch.randint(len(fits), (1,), generator=generator))])
        near = max(1, len(held[0]) // 4)
        self._used[max(0, row - near) : row + near + 1, max(0, column - near) : column + near + 1] += 1
        return row, column

    def at(self, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """The colours (n, 3) at places in pixels (n,), 0 at the middle of the first, between pixels interpolated."""
        height, width = self.picture.shape[1:]
        grid = torch.stack([columns / max(width - 1, 1), rows / max(height - 1, 1)], -1).float() * 2 - 1
        found = F.grid_sample(
            self.picture[None], grid[None, None], mode="bilinear", padding_mode="border", align_corners=True
        )
        return found[0, :, 0].T
