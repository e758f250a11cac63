"""Consistency as the literature measures it: by optical flow, with the masks and norms of its published scripts.

What papers on 3D stylisation print as short- and long-range consistency goes back to one script, which
StyleGaussian's author gave for StyleRF and StyleGaussian (github.com/Kunhao-Liu/StyleGaussian, issue 5; neither
repository contains it). Stylos publishes a version as `co3d_eval.py` and `dl3dv2tnt_eval.py`, from which these facts
are; all of them change the numbers:

- *Frames.* Short: all pairs t − 1, t. Long: all pairs t − 7, t in Stylos; StyleRF and StyleGaussian chose their pairs
  by hand, others in each scene (StyleRF, issue 8), so that nobody can repeat their tables. A result is the mean over
  pairs, then over styles, then over scenes.
- *Flow.* From t − gap to t, by RAFT (trained on Chairs and Things, 32 updates), **between the painted frames
  themselves**, not between photographs: each method is measured along its own flow. Sides are first padded to
  multiples of 8, half of it before and half after, by repeating the border; the padding is never removed and counts.
- *Splatting.* Frame t − gap is pushed forward. The importance of a pixel is −10 · its mean absolute difference from
  frame t where the flow leads, clipped to [−10, 10]; as levels go from 0 to 255, one level is enough to reach −10. That
  place is found with a flow that is too long by w / (w − 1) and h / (h − 1), and outside of the picture there is black.
- *Mask.* A hole is a pixel whose splatted colours sum to exactly 0, so that black paint is a hole, too. In holes both
  pictures are black.
- *RMSE.* Of 1, but over *all* pixels: a hole counts as perfectly steady, and a faster camera scores better.
- *LPIPS.* VGG, the mean over the whole picture, holes included, and on levels from 0 to 255 where the network expects
  −1 to 1.

`published_pair` gives equal numbers for an equal flow. `literature` corrects only what makes rows incomparable: the
flow comes from the *unpainted* frames, so that all rows are measured along the same one, as in Lai et al. 2018. That
older measure is `warping_error` (github.com/phoenix104104/fast_blind_video_consistency): backward warping, the mean
*square* over pixels that are not occluded. Its LPIPS compares a frame with itself before processing, and is no
consistency.

Frames of one colour win all of them, and blurred ones most: see `ranking`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.flow.method import FlowMethod
from nst3d.flow.warp import disoccluded, warped
from nst3d.images.levels import to_bytes
from nst3d.metrics.footage import Footage
from nst3d.metrics.measured import Measured
from nst3d.metrics.motion import Motions
from nst3d.metrics.pairs import Pair, Perceptual, Protocol, compared, pair_of, rmse
from nst3d.metrics.splat import softmax_splat
from nst3d.tensors import Array, Planes, planes_of

STYLOS_FRAMES = 16
"""Frames of a flight that count, from the first."""
STYLOS_GAPS = {"short": 1, "long": 7}
_ALPHA = 10.0
"""Importance of a level of difference, and the most that there is."""
_STRIDE = 8
"""Pixels of which RAFT wants multiples."""


def stylos(footage: Footage, flow: FlowMethod, perceptual: Perceptual) -> tuple[Measured, ...]:
    """Short RMSE and perceptual distance, then long, of the first 16 frames, as Stylos's script has them.

    The flow is that between the painted frames themselves. `perceptual` is called with values from 0.5 to 128 in place
    of [0, 1] and must not clip them; with LPIPS on VGG it is the script's. Named stylos_rmse_short and so on.
    """
    footage = footage.first(STYLOS_FRAMES)
    note = f"{flow.name} flow between the painted frames, holes and padding counted"
    found: list[Measured] = []
    for span, gap in STYLOS_GAPS.items():
        protocol = Protocol("stylos", span, footage.lacks_pairs(gap), note)
        found += compared(_self_guided(footage, gap, flow), _on_levels(perceptual), protocol)
    return tuple(found)


def literature(footage: Footage, motions: Motions, perceptual: Perceptual) -> tuple[Measured, Measured]:
    """RMSE and perceptual distance of each frame t from frame t − gap, pushed along the unpainted frames' flow.

    Masks and norms are the published ones, but flow and importance are those of the unpainted frames, whatever is
    painted. Raises ValueError for footage of another size than the motions'.
    """
    note = f"{motions.method} flow between the unpainted frames, softmax splatting, holes counted"
    protocol = Protocol("literature", motions.gap, footage.lacks_pairs(motions.gap), note)
    motions.unpainted.need_size_of(footage)
    guides, frames, gap = motions.unpainted.frames, footage.frames, motions.gap
    pairs = (
        published_pair(frames[n], frames[n + gap], forth, (guides[n], guides[n + gap]))
        for n, forth in enumerate(motions.forth)
    )
    return compared(pairs, perceptual, protocol)


def warping_error(footage: Footage, motions: Motions) -> Measured:
    """Lai et al. 2018: the mean square difference of frame t − gap from frame t, fetched back along the flow.

    It is over the pixels of frame t − gap that are not occluded and not at the flow's edges, in [0, 1] and with no
    root. The flow is that of the unpainted frames; theirs was FlowNet2's, on pictures resized to multiples of 64.
    Where less than 1 % of a frame is left there is no value, and theirs is 0. Raises ValueError as `literature` does.
    """
    note = f"{motions.method} flow between the unpainted frames"
    protocol = Protocol("lai", motions.gap, footage.lacks_pairs(motions.gap), note)
    motions.unpainted.need_size_of(footage)
    errors: list[float | None] = []
    for number, (forth, back) in enumerate(zip(motions.forth, motions.back, strict=True)):
        moved = warped(planes_of(footage.frames[number + motions.gap]), forth).permute(1, 2, 0).numpy()
        valid = ~(disoccluded(forth, back) | _edges(forth)).numpy()
        pair = pair_of(footage.frames[number], moved, valid)
        errors.append(None if pair is None else rmse(pair) ** 2)
    return protocol.consistency("warping_error", errors)


def published_pair(
    before: Array, frame: Array, forth: torch.Tensor, guides: tuple[Array, Array] | None = None
) -> Pair:
    """A frame (h, w, 3) and the one before pushed along the flow (h, w, 2) to it, both black in holes, all valid.

    The importance is that of `guides`, the two frames that the flow is between; None: of the frames themselves.
    """
    one, other = (torch.from_numpy(each.astype("float32")) for each in guides or (before, frame))
    height, width = forth.shape[:2]
    reach = forth * forth.new_tensor([width / max(width - 1, 1), height / max(height - 1, 1)])
    found = _sampled_or_black(other, reach)
    importance = (-_ALPHA * 255 * (one - found).abs().mean(-1)).clamp(-_ALPHA, _ALPHA)
    splatted = softmax_splat(torch.from_numpy(before.astype("float32")), forth, importance).numpy()
    held = splatted.sum(-1, keepdims=True) != 0
    return Pair(frame * held, splatted, np.ones(frame.shape[:2], bool))


def _sampled_or_black(picture: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """picture[y + dy, x + dx] (h, w, c), bilinear, with black around the picture."""
    edged = F.pad(picture.permute(2, 0, 1), (1, 1, 1, 1))
    wide = F.pad(flow.permute(2, 0, 1), (1, 1, 1, 1)).permute(1, 2, 0)
    return warped(Planes(edged), wide)[:, 1:-1, 1:-1].permute(1, 2, 0)


def _edges(flow: torch.Tensor) -> torch.Tensor:
    """(h, w) bool: the edges of a flow (h, w, 2), by differences from the next pixel (the last has none)."""
    right, down = (F.pad(flow.diff(dim=1), (0, 0, 0, 1)), F.pad(flow.diff(dim=0), (0, 0, 0, 0, 0, 1)))
    return right.square().sum(-1) + down.square().sum(-1) > 0.01 * flow.square().sum(-1) + 0.002


def _self_guided(footage: Footage, gap: int, flow: FlowMethod) -> Iterator[Pair]:
    """Pairs of padded frames in whole levels, each along its own flow."""
    levels = [_padded(to_bytes(frame)) for frame in footage.frames]
    for before, frame in zip(levels, levels[gap:]):
        one, other = before.astype(np.float32) / 255, frame.astype(np.float32) / 255
        yield published_pair(one, other, flow.between(before, frame))


def _padded(picture: Array) -> Array:
    """The picture with sides of multiples of 8, half of what is missing before and half after, by its border."""
    more = [-side % _STRIDE for side in picture.shape[:2]]
    return np.pad(picture, [*((each // 2, each - each // 2) for each in more), (0, 0)], mode="edge")


def _on_levels(perceptual: Perceptual) -> Perceptual:
    """The distance on levels from 0 to 255 where a network expects −1 to 1, which are 0 to 1 here."""
    distance = perceptual.distance
    if distance is None:
        return perceptual
    return Perceptual(
        perceptual.name, lambda one, other, mask: distance((255 * one + 1) / 2, (255 * other + 1) / 2, mask)
    )
