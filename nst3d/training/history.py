"""Painted pictures of earlier steps, which critics are shown beside those of now."""

from __future__ import annotations

import torch


class History:
    """A history of painted pictures, so that a critic does not forget what it has learnt to tell.

    Shrivastava et al. 2017, "Learning from simulated and unsupervised images through adversarial training", as Zhu et
    al. 2017 use it: once full, half of the pictures asked for are exchanged for older ones.
    """

    def __init__(self, most: int) -> None:
        """`most`: pictures that are kept; 0: none."""
        self._most = most
        self.kept: list[torch.Tensor] = []
        """(3, h, w) each, in half precision."""

    def exchanged(self, picture: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """A picture (3, h, w) to show: this one, or an older one in whose place it is kept."""
        if len(self.kept) < self._most:
            self.kept.append(picture.half())
            return picture
        chance, place = torch.rand(2, generator=generator).tolist()
        if not self.kept or chance < 0.5:
            return picture
        number = int(place * len(self.kept))
        older, self.kept[number] = self.kept[number], picture.half()
        return older.to(picture)
