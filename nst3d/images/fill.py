"""Fills unpainted pixels from nearby ones."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from nst3d.tensors import Image, Planes, to_image, to_planes


def fill(image: Image, weight: Image) -> Image:
    """The image (h, w, c) with its own colours where weight (h, w, 1) is 1, and nearby ones where it is 0.

    Weights in between blend the two. Missing colours come from a pyramid of weighted averages (push-pull:
    Gortler et al. 1996, "The Lumigraph", section 3.4.2), which continue known colours nearby and become a
    soft mean far away. If all weights are 0, the image is returned unchanged.
    """
    if not bool((weight > 0).any()):
        return image
    weight = Image(weight.to(image).clamp(0, 1))
    known = to_planes(Image(image * weight))[None]
    return to_image(Planes(_pull(known, to_planes(weight)[None])[0]))


def _pull(known: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """From premultiplied colours (1, c, h, w) and weights (1, 1, h, w) to colours everywhere."""
    height, width = known.shape[-2:]
    if min(height, width) <= 1 or bool((weight >= 1).all()):
        mean = known.sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True).clamp_min(1e-8)
        own = known / weight.clamp_min(1e-8)
        return own * weight + mean * (1 - weight)
    padded = [F.pad(t, (0, width % 2, 0, height % 2)) for t in (known, weight)]
    coarse_known, total = (F.avg_pool2d(t, 2) * 4 for t in padded)
    coarse_weight = total.clamp_max(1)
    rescaled = coarse_known * (coarse_weight / total.clamp_min(1e-8))
    coarse = _pull(rescaled, coarse_weight)
    finer = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return known + finer * (1 - weight)
