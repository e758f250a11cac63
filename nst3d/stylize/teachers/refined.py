"""Refines the code of a style by gradient: a few steps on the code alone, for a few of the scene's own pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F

from nst3d.features.encoder import Encoder
from nst3d.losses.gram import gram_loss, gram_matrix
from nst3d.networks.conditional import ConditionalNet
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style, opaque
from nst3d.tensors import Image, Mask, Planes, to_planes

_LAYERS = ("relu1_1", "relu2_1", "relu3_1")
_VIEWS = 3
_RATE = 0.03
"""Step size: codes move by a few tenths at most; at 0.1 some painted worse after 15 steps than before."""


@torch.enable_grad()
def refined(
    net: ConditionalNet,
    encoder: Encoder,
    code: torch.Tensor,
    views: tuple[Sequence[Image], Sequence[Look]],
    styles: Sequence[Style],
    steps: int,
) -> torch.Tensor:
    """The best code (k,) in so many steps of Adam on the Gram distance of what `net` paints with it to the styles.

    Of the pictures (h, w, 3), as many are painted as show the scene from all sides, and only what they cover of it
    counts. The Gram matrices of styles are mixed by their weights.
    """
    pictures, looks = views
    seen = [k for k, look in enumerate(looks) if bool((look.coverage > 0).any())]
    seen = seen[:: max(-(-len(seen) // _VIEWS), 1)]
    if not seen:
        return code
    planes, masks = [to_planes(pictures[k]) for k in seen], [looks[k].coverage for k in seen]
    wanted = _wanted(encoder, styles, max(max(p.shape[1:]) for p in planes))
    code = code.detach().clone().requires_grad_()
    optimiser, best, least = torch.optim.Adam([code], _RATE), code.detach().clone(), torch.inf
    for _ in range(steps + 1):
        painted = net(planes, code, masks=masks)
        found = _grams(encoder, zip(painted, masks))
        loss = torch.stack([gram_loss(found[k], wanted[k], "relative") for k in _LAYERS]).sum()
        if float(loss.detach()) < least:
            best, least = code.detach().clone(), float(loss.detach())
        (code.grad,) = torch.autograd.grad(loss, [code])
        optimiser.step()
    return best


@torch.no_grad()
def _wanted(encoder: Encoder, styles: Sequence[Style], size: int) -> dict[str, torch.Tensor]:
    found = [_grams(encoder, zip(style.at(size), style.opacities_at(size))) for style in styles]
    total = sum(style.weight for style in styles)
    return {
        layer: torch.stack([g[layer] * (s.weight / total) for g, s in zip(found, styles)]).sum(0)
        for layer in _LAYERS
    }


def _grams(encoder: Encoder, pictures: Iterable[tuple[Planes, Mask | None]]) -> dict[str, torch.Tensor]:
    """The mean Gram matrices of all pictures together, by layer, over what their masks cover."""
    sums: dict[str, list[torch.Tensor]] = {layer: [] for layer in _LAYERS}
    counts = dict.fromkeys(_LAYERS, 0.0)
    for picture, mask in pictures:
        for layer, features in encoder(picture, _LAYERS).items():
            sides = (features.shape[1], features.shape[2])
            share = (
                torch.ones(sides) if mask is None else F.adaptive_avg_pool2d(mask[None, None], sides)[0, 0]
            )
            kept = opaque(share)
            sums[layer].append(gram_matrix(features, kept))
            counts[layer] += float(kept.sum())
    return {layer: torch.stack(parts).sum(0) / counts[layer] for layer, parts in sums.items()}
