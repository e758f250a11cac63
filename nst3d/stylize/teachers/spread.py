"""Paints what references do not show like what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import final

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.features.encoder import Encoder
from nst3d.images.analogies import Plate, painted_alike
from nst3d.images.resize import resize
from nst3d.losses.nnfm import principal_directions
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.change import Change
from nst3d.stylize.teachers.reference import Reference
from nst3d.tensors import Array, Image, to_planes

_LAYERS = ("relu3_1", "relu4_1")
_GUIDES = 8
"""Number of principal directions of the features that guide the search."""
_SMALLEST = 32
"""Shortest side of a reference that is encoded, in pixels."""
_THIN = 0.05
"""Coverage below which a pixel's own colour is not told from its background."""
_SAMPLED = 20_000
"""Positions from which these are found."""


@final
class Spread:
    """Image analogies through the scene's table: view by view, what is not painted yet is painted like the references.

    Each view sees what those before it have painted, so that strokes continue across the border between two views.
    Correspondences are those of deep features and colours before painting, as in Ref-NPR (Zhang et al. 2023).
    """

    def __init__(self, references: Sequence[Reference], encoder: Encoder) -> None:
        """`references` that differ from their originals; the encoder's features tell parts of the scene apart."""
        self._references, self._encoder = references, encoder

    @torch.no_grad()
    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures with the references' changes, and with what follows from them elsewhere.

        ConfigError for a scene that is not a table of colours.
        """
        change = Change(self._references, looks)
        examples = [self._example(r, change, styles[0].background) for r in self._references]
        guides = [self._features(picture) for picture in pictures]
        directions = _directions([*(e.guides for e in examples), *guides])
        example = _beside(
            [replace(e, guides=_guides(e.guides, directions, e.usable.shape)) for e in examples]
        )
        for number in change.views_to_paint():
            opacity = change.coverage(number)
            cover = opacity[..., None]
            before = _straight(pictures[number].float().cpu().numpy(), cover, styles[0].background.numpy())
            after = before + change.shown(number) / np.maximum(cover, _THIN)
            plate = Plate(before, after, _guides(guides[number], directions, opacity.shape), opacity)
            painted = painted_alike(example, plate, change.todo(number), seed=number)
            change.paint(number, (painted - before) * cover)
        return [
            Image((picture + torch.from_numpy(change.shown(number)).to(picture)).clamp(0, 1))
            for number, picture in enumerate(pictures)
        ]

    def _example(self, reference: Reference, change: Change, background: torch.Tensor) -> Plate:
        """A reference as large on the scene as the pictures are, over their background; guides are whole features."""
        factor = max(change.pixel_ratio(reference), _SMALLEST / min(reference.camera.size))
        size = reference.camera.scaled(factor).size
        opacity = change.opacity(reference)
        clear = (1 - opacity) * (background.to(opacity) - 1)  # the original is over white
        features = self._features(resize(Image(reference.original + clear), size))
        cover = resize(opacity, size)
        changed = resize(Image(reference.changed[..., None].float()), size) > 0
        before = resize(reference.original, size)
        after = torch.where(changed, resize(reference.painted, size), before)
        old, new = (_straight(p.numpy(), cover.numpy(), np.ones(3, np.float32)) for p in (before, after))
        return Plate(old, new, features, cover[..., 0].numpy())

    def _features(self, picture: Image) -> Array:
        """(h', w', c) float32: unit features of all layers at the positions of the finest."""
        found = self._encoder(to_planes(picture), _LAYERS)
        size = found[_LAYERS[0]].shape[1:]
        parts = [
            F.normalize(F.interpolate(found[k].float()[None], size, mode="bilinear"))[0] for k in _LAYERS
        ]
        return torch.cat(parts).permute(1, 2, 0).cpu().numpy()


def _straight(picture: Array, cover: Array, background: Array) -> Array:
    """The colours (h, w, 3) of what covers a picture over a background by `cover` (h, w, 1)."""
    colours: Array = (picture - (1 - cover) * background) / np.maximum(cover, _THIN)
    return np.ascontiguousarray(colours.clip(0, 1), np.float32)


def _directions(features: Sequence[Array]) -> torch.Tensor:
    rows = torch.from_numpy(np.concatenate([f.reshape(-1, f.shape[-1]) for f in features]))
    return principal_directions(rows[:: max(1, len(rows) // _SAMPLED)], _GUIDES)


def _guides(features: Array, directions: torch.Tensor, size: Sequence[int]) -> Array:
    """(h, w, g): features along the directions, at the size of a picture."""
    short = torch.from_numpy(features) @ directions
    planes = F.interpolate(short.permute(2, 0, 1)[None], tuple(size), mode="bilinear")[0]
    return np.ascontiguousarray(planes.permute(1, 2, 0).numpy())


def _beside(plates: Sequence[Plate]) -> Plate:
    """Several examples as one, side by side."""
    tall = max(plate.usable.shape[0] for plate in plates)

    def joined(arrays: Sequence[Array]) -> Array:
        gaps = [[(0, tall - len(a)), (0, 8)] + [(0, 0)] * (a.ndim - 2) for a in arrays]
        return np.concatenate([np.pad(a, gap) for a, gap in zip(arrays, gaps)], axis=1)

    return Plate(
        joined([p.before for p in plates]),
        joined([p.after for p in plates]),
        joined([p.guides for p in plates]),
        joined([p.usable for p in plates]),
    )
