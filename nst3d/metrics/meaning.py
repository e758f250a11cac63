"""What CLIP says of pictures and words, and what DINO says of a picture's structure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

from nst3d.features.attention.clip import Clip, centre_square
from nst3d.features.attention.dino import Dino
from nst3d.features.attention.tokens import Vocabulary
from nst3d.tensors import Array

_SHORT, _LONG = 224, 480
"""Sides, in pixels, of the pictures whose structure is compared: the short one, and the longest that there may be."""
_STILL = 1e-4
"""A change of unit features that counts as none: it has no direction."""


class PromptRow(NamedTuple):
    """A text as CLIP reads it."""

    row: Array
    """(c,), of length 1."""
    left_out: int
    """How many of its last tokens had no room."""


@torch.no_grad()
def picture_rows(clip: Clip, pictures: Iterable[Array]) -> Array:
    """Features (n, c) of length 1 of the middle squares of pictures (h, w, 3) in [0, 1], of any sizes.

    ValueError if there are none.
    """
    rows = [clip.picture_features(centre_square(_batch(picture), clip.side))[0] for picture in pictures]
    if not rows:
        raise ValueError("there are no pictures")
    return F.normalize(torch.stack(rows).double(), dim=1).cpu().numpy()


@torch.no_grad()
def prompt_row(clip: Clip, vocabulary: Vocabulary, text: str) -> PromptRow:
    """The features of a text as it is, without templates around it. ConfigError for one without words."""
    ids, (left_out,) = vocabulary.encode([text], clip.context)
    return PromptRow(F.normalize(clip.text_features(ids)[0].double(), dim=0).cpu().numpy(), left_out)


def clip_score(picture: Array, prompt: Array) -> float:
    """100 · max(cos, 0) of a picture's features (c,) and a text's: 0 to 100, about 20 to 35 where the text is true.

    Hessel et al. 2021, "CLIPScore: a reference-free evaluation metric for image captioning", which has 2.5 in place of
    100, on ViT-B/32.
    """
    return 100 * max(_cosine(picture, prompt), 0.0)


def clip_directional(content: Array, painting: Array, source: Array, prompt: Array) -> float | None:
    """The cosine of the way from one picture's features (c,) to another's and that from one text's to another's.

    -1 to 1: 1 if the picture changed just as the words did. Gal et al. 2022, "StyleGAN-NADA: CLIP-guided domain
    adaptation of image generators", eq. 3, of features of length 1. None for a picture that did not change. ValueError
    for texts that mean the same.
    """
    words, way = prompt - source, painting - content
    if np.linalg.norm(words) < _STILL:
        raise ValueError("the two texts mean the same to CLIP, so there is no direction between them")
    return _cosine(way, words) if np.linalg.norm(way) >= _STILL else None


def clip_content(content: Array, painting: Array) -> float:
    """The cosine of two pictures' features (c,): -1 to 1, 1 for pictures that mean the same."""
    return _cosine(content, painting)


@torch.no_grad()
def dino_structure(dino: Dino, painting: Array, content: Array) -> float:
    """How far the likeness between parts of a painting is from the content's: 0, the same, to 4; symmetric.

    Of pictures (h, w, 3) in [0, 1], whose short side becomes 224 pixels, the cosines between all deepest keys are
    compared, by the mean of squared differences (Tumanyan et al. 2022, "Splicing ViT features for semantic appearance
    transfer", eq. 2, as a mean as in their code). That of the whole picture is one of the keys. The literature's
    numbers are DINO's (ViT-B/8), and numbers of other networks cannot be compared with them. ValueError for pictures of
    different sizes.
    """
    if painting.shape != content.shape:
        raise ValueError(f"pictures {painting.shape} and {content.shape} cannot be compared")
    ours, wanted = (_likeness(dino, picture) for picture in (painting, content))
    return float((ours - wanted).square().mean())


def _likeness(dino: Dino, picture: Array) -> torch.Tensor:
    """The cosines (n, n) between the keys of a picture's parts."""
    planes = _batch(picture)
    height, width = planes.shape[2:]
    scale = min(_SHORT / min(height, width), _LONG / max(height, width))
    size = [max(1, round(side * scale / dino.patch)) * dino.patch for side in (height, width)]
    planes = F.interpolate(planes, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
    units = F.normalize(dino.keys(planes)[0].double(), dim=1)
    return units @ units.T


def _cosine(one: Array, other: Array) -> float:
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return min(max(float(one @ other) / length, -1.0), 1.0) if length > 0 else 0.0


def _batch(picture: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32))
