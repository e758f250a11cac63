"""Texts and sounds as CLIP's directions: what a view should become, and what it should not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError
from nst3d.features.attention.clip import Clip
from nst3d.features.attention.tokens import Vocabulary, told_cut_off
from nst3d.stylize.style import Style, distinct

TEMPLATES = (
    "{}",
    "a picture of {}",
    "a good picture of {}",
    "a close-up of {}",
    "a bright picture of {}",
    "a dark picture of {}",
    "a render of {}",
    "something that looks like {}",
)
"""Sentences over which a text's features are averaged, so that one wording counts less."""


_STILL = 1e-4
"""A difference of unit features that counts as none."""


@dataclass(frozen=True)
class Goal:
    """Words, as CLIP reads them, or a sound, as Wav2CLIP hears it."""

    words: torch.Tensor
    """(c,), of length 1: their features."""
    direction: torch.Tensor
    """(c,), of length 1: the way to them from the words that say what the scene is."""
    weight: float = 1.0
    """Its share of the weights of all goals."""
    sign: float = 1.0
    """1 for what views should become, -1 for what they should not."""


@torch.no_grad()
def text_row(clip: Clip, vocabulary: Vocabulary, text: str) -> torch.Tensor:
    """The features (c,), of length 1, of a text: the mean over `TEMPLATES`. ConfigError for a text without words."""
    encoded = vocabulary.encode([template.format(text) for template in TEMPLATES], clip.context)
    rows = F.normalize(clip.text_features(encoded.ids), dim=1)
    return F.normalize(rows.mean(0), dim=0)


Hear = Callable[[torch.Tensor], torch.Tensor]
"""Maps a sound (n,) to its features (c,), of length 1, in CLIP's space."""


def goals_of(
    clip: Clip, vocabulary: Vocabulary, styles: Sequence[Style], source: str, hear: Hear | None = None
) -> list[Goal]:
    """The goals of all styles with words or a sound, by their weights.

    `hear` is needed if there are sounds. ConfigError for texts without words, and for one that means the same as the
    source.
    """
    start = text_row(clip, vocabulary, source)
    wanted: list[tuple[str, torch.Tensor, float, float]] = []
    for style in distinct(styles):
        signed = ((style.text, 1.0), (style.avoid, -1.0))
        wanted += [
            (f"text {text!r}", text_row(clip, vocabulary, text), style.weight, sign)
            for text, sign in signed
            if text
        ]
        if style.heard is not None:
            assert hear is not None
            wanted.append((f"sound {style.name!r}", hear(style.heard), style.weight, 1.0))
    total = sum(weight for _, _, weight, _ in wanted)
    goals = []
    for told, row, weight, sign in wanted:
        way = row - start
        if float(way.norm()) < _STILL:
            raise ConfigError(
                f"the {told} and the text {source!r} mean the same, so there is nothing to paint:"
                " change one; the second is the option source of the term words"
            )
        goals.append(Goal(row, F.normalize(way, dim=0), weight / total, sign))
    return goals


def cut_off(vocabulary: Vocabulary, styles: Sequence[Style], context: int) -> list[str]:
    """Notes on texts that are too long for CLIP. ConfigError for texts without words."""
    texts = [text for style in styles for text in style.words]
    left = vocabulary.encode(texts, context).left_out if texts else ()
    return [told_cut_off("CLIP", text, context - 2, count) for text, count in zip(texts, left) if count]
