"""The guide behind a recipe's losses: compares a render's features with style and content targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.features.encoder import Encoder
from nst3d.losses.base import Loss
from nst3d.losses.observation import IMAGE, Observation
from nst3d.stylize.agreement import ViewMemory
from nst3d.stylize.guide import Guide, Ramp, weights_in
from nst3d.stylize.kept import Kept
from nst3d.stylize.look import Look
from nst3d.stylize.style import opaque
from nst3d.tensors import Features, Mask, Planes

_MASK_BYTES = 1 << 28
"""Memory budget for view masks; those beyond it are recomputed."""


@dataclass(frozen=True)
class Viewing:
    """Preprocessing of a guide's renders."""

    background: torch.Tensor
    """(3,): background behind the scene, independent of the one the user shows or saves."""
    threshold: float = 0.6
    """A position of a layer counts if more than this fraction of its cell is covered."""
    reduce: int = 1
    """Side of the pixel blocks over which renders are averaged before encoding (ARF: 2)."""
    moving: bool = False
    """Whether a view's coverage changes from one look to the next."""


@dataclass(frozen=True)
class WeightedLoss:
    """A loss as a term of the sum."""

    loss: Loss
    weight: float = 1.0
    region: str | None = None
    """Region in which it counts; None: everywhere."""
    schedule: Ramp = ()
    """Schedule of its weight over the run."""
    by_area: bool = False
    """Whether it counts in each view by the region's share of what is covered."""


@final
class FeatureGuide(Guide):
    """The encoder and losses of one stage.

    Statistics count only covered pixels: each layer has a mask, the coverage averaged over the layer's
    cells and thresholded, and the background is fixed, so that it cannot leak into the style.
    """

    def __init__(
        self,
        encoder: Encoder | None,
        losses: Mapping[str, WeightedLoss],
        viewing: Viewing,
        memory: ViewMemory | None = None,
    ) -> None:
        """`encoder` may be None if no loss reads features. ConfigError if all weights are 0."""
        active = {name: term for name, term in losses.items() if term.weight != 0}
        if not active:
            raise ConfigError("every loss has a weight of 0: nothing to optimise")
        self.background = viewing.background
        self._encoder, self._losses, self._viewing, self._memory = encoder, active, viewing, memory
        layers = dict.fromkeys(layer for term in active.values() for layer in term.loss.layers)
        self._layers = [layer for layer in layers if layer != IMAGE]
        self._masks: Kept[tuple[int, str | None], dict[str, Mask]] = Kept(_MASK_BYTES)
        self._pending: dict[int, tuple[Planes, Observation]] = {}  # judged, not yet noted

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        """The weighted sum of the losses, and each weighted loss."""
        weights = weights_in(self._losses, look)
        active = {name: term for name, term in self._losses.items() if weights[name] != 0}
        whole = self.observe(look)
        masks = {region: self._masks_of(look, region) for region in {t.region: 0 for t in active.values()}}
        whole = replace(whole, regions=tuple(masks.values()))
        seen = {region: replace(whole, masks=own) for region, own in masks.items()}
        shares = {name: weights[name] * term.loss(seen[term.region]) for name, term in active.items()}
        total = torch.stack(list(shares.values())).sum() if shares else look.image.sum() * 0
        if self._memory is not None:
            self._pending[look.view] = look.image, self._memory.extract(whole)
        return total, {name: float(share.detach()) for name, share in shares.items()}

    def note(self, look: Look) -> None:
        """Remember the view for comparison with later ones."""
        if self._memory is None:
            return
        image, observation = self._pending.pop(look.view, (None, None))
        if image is not look.image or observation is None:  # another look of this view was judged last
            with torch.no_grad():
                self.judge(look)
            observation = self._pending.pop(look.view)[1]
        self._pending.clear()
        self._memory.note(observation)

    def observe(self, look: Look) -> Observation:
        """The encoded render, with masks from its coverage."""
        masks = self._masks_of(look, None)
        return Observation(self._encoded(look.image), masks, look.view, generator=look.generator)

    def state(self) -> dict[str, Any]:
        """The memory of views."""
        return {} if self._memory is None else self._memory.state()

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the memory of views by encoding their pictures again."""
        if self._memory is not None and state:
            self._memory.restore(state, self._encoded)

    def _encoded(self, image: Planes) -> dict[str, Features]:
        reduce = self._viewing.reduce
        seen = image if reduce == 1 else Planes(F.avg_pool2d(image[None], reduce)[0])
        features = dict(self._encoder(seen, self._layers)) if self._encoder else {}
        features[IMAGE] = image
        return features

    def _masks_of(self, look: Look, region: str | None) -> dict[str, Mask]:
        key = look.view, region
        if self._viewing.moving or key not in self._masks:
            self._masks[key] = self._layer_masks(look.within(region).coverage.to(look.image.device))
        return self._masks[key]

    def _layer_masks(self, coverage: Mask) -> dict[str, Mask]:
        if bool((coverage >= 1).all()):
            return {}
        threshold = self._viewing.threshold
        masks = {IMAGE: (coverage > threshold).to(coverage.dtype)}
        for layer in self._layers:
            assert self._encoder is not None
            # A view with only slivers of the scene still counts where coverage is highest.
            masks[layer] = cell_mask(coverage, self._encoder.stride(layer) * self._viewing.reduce, threshold)
        # A layer without a mask counts everywhere, without a copy.
        return {layer: mask for layer, mask in masks.items() if not bool(mask.all())}


def cell_mask(coverage: Mask, cell: int, threshold: float = Viewing.threshold) -> Mask:
    """(h, w) in {0, 1}: the cells of a layer, `cell` pixels wide, that are covered to more than `threshold`;
    if none is, those that are covered most."""
    return opaque(F.avg_pool2d(coverage[None, None], cell)[0, 0], threshold)
