"""Views that attend to a few of them, the anchors, so that they look alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import final

import torch

from nst3d.stylize.diffusion.attention import Heads, Layer, Rule, seen


@final
class Anchored(Rule):
    """Self-attention that also looks at the anchors: (1 − s) own + s mean over anchors, for the share s.

    The weighting is that of the "attention-based latent code alignment" of Wu et al. 2024, "GaussCtrl"; with s = 1 and
    one anchor it is the cross-frame attention of Khachatryan et al. 2023, "Text2Video-Zero". Views go through the
    network one at a time here, where theirs go through it together. So the keys and values of anchors are those of a
    pass in which each anchor sees itself alone, and the anchors then go through it again, as all views do. They are
    spread evenly over the views, where GaussCtrl's are drawn by chance. A ControlNet's views attend by the same share,
    where GaussCtrl's there look at the references alone.
    """

    def __init__(self, share: float) -> None:
        self.kept: Sequence[Mapping[str, Heads]] = ()
        """What the layers of the network had in the passes of the anchors, at the step that is taken now."""
        self._share = share

    def attended(self, layer: Layer, heads: Heads, found: torch.Tensor) -> torch.Tensor:
        """The mixture, in self-attention."""
        if layer.crossed or not self.kept:
            return found
        others = [each[layer.name] for each in self.kept]
        return torch.lerp(found, seen(heads.query, others, [1.0] * len(others)), self._share)


def spread(count: int, most: int) -> list[int]:
    """At most `most` of the numbers 0 to count - 1, spread evenly."""
    few = min(count, most)
    return [(2 * k + 1) * count // (2 * few) for k in range(few)]
