"""Parts of a scene as views show them, and words that CLIP compares with these."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, final, get_args

import torch
import torch.nn.functional as F

from nst3d.features.attention.clip import Clip, ClipName, load_clip
from nst3d.features.attention.tokens import Vocabulary, load_vocabulary
from nst3d.operators.base import ViewOperator
from nst3d.stylize.stage_scene import TableStage
from nst3d.stylize.words.crops import whole
from nst3d.stylize.words.prompts import text_row
from nst3d.tensors import Colours, Planes
from nst3d.weights.find import find_weights

OTHERS = ("an object", "a thing", "some material", "a texture", "the background", "something else")
"""What a part is, that has nothing to do with the words."""
FITS = 0.5
"""Likeness from which a part is rather what the words say than anything of `OTHERS`."""
_SHARPNESS = 100.0
"""Inverse of CLIP's temperature, at which all published ones ended their training (Radford et al. 2021, 2.5)."""
_CHANCE = 0.5
"""Least share of a part in all, relative to what each would have if they were equally likely."""
_PICTURES = 3
"""Views in which a part is looked at, those that show most of it."""
_GREY = 0.5
"""What is in place of everything around a part."""
_RIM = 0.1
"""What is seen around a part, of the longer side of its box."""
_STRAY = 0.01
"""Share of a part, at either end of an axis, that may lie outside of its box."""
_CELLS = 24
"""Cells a side in which parts are compared with each other."""
_SAME = 0.9
"""Overlap, of all that two parts cover, from which they are one."""
_SHARED = 0.5
"""Overlap, of the smaller of two parts, from which one says nothing that the other does not."""


class Matcher(Protocol):
    """Compares pictures with words."""

    side: int
    """Pixels a side of its pictures."""

    def pictures(self, squares: torch.Tensor) -> torch.Tensor:
        """Features (b, c), of length 1, of pictures (b, 3, side, side) in [0, 1]."""

    def text(self, text: str) -> torch.Tensor:
        """Features (c,), of length 1, of a text."""


@final
class ClipMatcher(Matcher):
    """CLIP and its vocabulary."""

    def __init__(self, clip: Clip, vocabulary: Vocabulary) -> None:
        self._clip, self._vocabulary = clip, vocabulary
        self.side = clip.side

    @torch.no_grad()
    def pictures(self, squares: torch.Tensor) -> torch.Tensor:
        """As `Matcher` says."""
        return F.normalize(self._clip.picture_features(squares), dim=1)

    def text(self, text: str) -> torch.Tensor:
        """As `Matcher` says; the mean over several sentences. ConfigError for a text without words."""
        return text_row(self._clip, self._vocabulary, text)


def found_clip() -> ClipName | None:
    """The CLIP of the finest patches that is on this machine with the vocabulary; None: there is none."""
    order: tuple[ClipName, ...] = ("clip-vit-b-16", "clip-vit-b-32", "clip-rn50")
    assert set(order) == set(get_args(ClipName))
    if find_weights("clip-vocabulary") is None:
        return None
    return next((name for name in order if find_weights(name) is not None), None)


def load_matcher() -> Matcher | None:
    """CLIP, if it is on this machine. InputError for damaged files."""
    name = found_clip()
    return None if name is None else ClipMatcher(load_clip(name), load_vocabulary())


@dataclass(frozen=True, eq=False)
class Looks:
    """Parts, as views show them."""

    names: Sequence[str]
    rows: torch.Tensor
    """(p, c): their features, of length 1."""
    shown: torch.Tensor
    """(p, m): how much each covers of each cell of each view."""


@torch.no_grad()
def looks_of(stage: TableStage, parts: Mapping[str, Callable[[], Colours]], matcher: Matcher) -> Looks:
    """How parts look that are weights (n, 1), 0 or 1, by name; without those that no view shows, and those that cover
    the same as earlier ones.

    A part's features are the mean over the views that show most of it, each of its pictures being the part alone, in
    its box, on grey. Each view is used once, so that it may be compiled lazily.
    """
    if not parts:
        return Looks((), torch.empty(0, 1), torch.empty(0, 1))
    columns = torch.stack([column()[:, 0] > _SHARED for column in parts.values()], 1)
    best: list[list[tuple[float, torch.Tensor]]] = [[] for _ in parts]
    shown: list[list[torch.Tensor]] = [[] for _ in parts]
    for number in range(len(stage.views)):
        view, content = stage.views[number], Planes(stage.content(number).float().cpu())
        for k in range(len(parts)):
            mask = _mask(view, columns[:, k])
            shown[k].append(F.adaptive_avg_pool2d(mask[None], _CELLS).flatten())
            mass = float(mask.sum())
            if mass > 0 and (len(best[k]) < _PICTURES or mass > best[k][-1][0]):
                best[k] = sorted([*best[k], (mass, alone(content, mask, matcher.side))], key=_size)[
                    :_PICTURES
                ]
    covered = torch.stack([torch.cat(cells) for cells in shown])
    kept = _different(covered)
    rows = [F.normalize(matcher.pictures(torch.cat([p for _, p in best[k]])).mean(0), dim=0) for k in kept]
    names = list(parts)
    return Looks([names[k] for k in kept], torch.stack(rows) if rows else torch.empty(0, 1), covered[kept])


def alone(content: Planes, mask: torch.Tensor, side: int) -> torch.Tensor:
    """What a mask (h, w) covers of a view (3, h, w), in the middle of a grey square (1, 3, side, side)."""
    rows, columns = _extent(mask.sum(1)), _extent(mask.sum(0))
    picture = _GREY + (content - _GREY) * mask.clamp(0, 1)
    rim = round(_RIM * max(rows[1] - rows[0], columns[1] - columns[0]))
    (top, down), (left, right) = ((max(0, low - rim), high + rim) for low, high in (rows, columns))
    return whole(Planes(picture[:, top:down, left:right]), side, torch.full((3,), _GREY)).clamp(0, 1)


def fitting(looks: Looks, matcher: Matcher, phrase: str) -> dict[str, float]:
    """The parts that are what a phrase says, the most alike first, and how alike they are, 0 to 1.

    How alike is decided against the likeliest of `OTHERS` by softmax at CLIP's own temperature, as relevancy in LERF
    (Kerr et al. 2023, "LERF: language embedded radiance fields"), and against the other parts: by the softmax
    over p parts, one is chosen if its share is at least half of 1 / p. Of parts that share half of the smaller one,
    the better one stands for both. At least one part is chosen, however little it fits. ConfigError for a phrase
    without words.
    """
    cosines = looks.rows @ matcher.text(phrase)
    others = torch.stack([looks.rows @ matcher.text(other) for other in OTHERS]).amax(0)
    alike = torch.sigmoid(_SHARPNESS * (cosines - others))
    share = torch.softmax(_SHARPNESS * cosines, 0)
    order = cosines.argsort(descending=True, stable=True).tolist()
    chosen: list[int] = order[:1]
    for k in order[1:]:
        likely = float(alike[k]) >= FITS and float(share[k]) * len(share) >= _CHANCE
        if likely and not any(_overlap(looks.shown, k, other) >= _SHARED for other in chosen):
            chosen.append(k)
    return {looks.names[k]: float(alike[k]) for k in chosen}


def _mask(view: ViewOperator, column: torch.Tensor) -> torch.Tensor:
    """How much rows cover of each pixel (h, w)."""
    return view.mask(Colours(column.float()[:, None])).float().cpu()[..., 0]


def _size(part: tuple[float, torch.Tensor]) -> float:
    return -part[0]


def _extent(mass: torch.Tensor) -> tuple[int, int]:
    """From where to where all but strays of a mass (n,) lie."""
    share = mass.double().cumsum(0) / mass.double().sum().clamp_min(1e-12)
    low = int((share <= _STRAY).sum())
    high = int((share < 1 - _STRAY).sum()) + 1
    return min(low, len(mass) - 1), min(max(high, low + 1), len(mass))


def _different(shown: torch.Tensor) -> list[int]:
    """The parts (p, m) that show and are not the same as an earlier one."""
    kept: list[int] = []
    for k in range(len(shown)):
        if not float(shown[k].sum()) > 0:
            continue
        same = (
            torch.minimum(shown[k], shown[j]).sum() > _SAME * torch.maximum(shown[k], shown[j]).sum()
            for j in kept
        )
        if not any(map(bool, same)):
            kept.append(k)
    return kept


def _overlap(shown: torch.Tensor, one: int, other: int) -> float:
    """What two parts (p, m) share, of the smaller."""
    both = torch.minimum(shown[one], shown[other]).sum()
    return float(both / torch.minimum(shown[one].sum(), shown[other].sum()).clamp_min(1e-9))
