"""Writes pairs.html: a page that shows the same views of two runs side by side, and keeps which is preferred."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nst3d.pipeline.evaluation.report.page import jpeg
from nst3d.pipeline.evaluation.report.template import filled
from nst3d.pipeline.evaluation.votes import FORMAT, SAME
from nst3d.tensors import Array

_FAINT, _MARGIN = 0.01, 0.03
_STYLE, _SCENE = 360, 240
"""Long sides of the small pictures, in pixels."""


@dataclass(frozen=True)
class PairsPage:
    """Views of two runs, in the same order."""

    fingerprints: tuple[str, str]
    views: tuple[Sequence[Array], Sequence[Array]]
    """(h, w, 3) in [0, 1], of each run."""
    unpainted: Sequence[Array]
    """The same views of the unpainted scene."""
    opacities: Sequence[Array]
    """(h, w) in [0, 1], of whatever is shown in any of these: pictures are cropped to it."""
    styles: Sequence[Array]
    """Pictures of the style of both; none if they differ."""
    seed: int = 0

    def html(self) -> str:
        """The whole page. The same seed gives the same order, on each side as often as on the other."""
        pairs = self._pairs()
        made = repr((self.fingerprints, self.seed, [(pair["view"], pair["left"]) for pair in pairs]))
        record = {
            "format": FORMAT,
            "same": SAME,
            "runs": sorted(self.fingerprints),
            "page": hashlib.sha256(made.encode()).hexdigest()[:16],
            "pairs": pairs,
        }
        styles = [jpeg(style, _STYLE) for style in self.styles]
        return filled("pairs.html", styles=styles, record=record)

    def _pairs(self) -> list[dict[str, str | int]]:
        """The views in random order, each with the run that is on either side."""
        generator, count = np.random.default_rng(self.seed), len(self.unpainted)
        turned = generator.permutation(np.arange(count) % 2).astype(bool)
        turned ^= bool(generator.integers(2))
        found: list[dict[str, str | int]] = []
        for view in generator.permutation(count):
            left, right = (1, 0) if turned[view] else (0, 1)
            part = shown_part(self.opacities[view])
            scene = jpeg(self.unpainted[view][part], _SCENE)
            pair: dict[str, str | int] = {"view": int(view), "scene": scene}
            for side, run in (("left", left), ("right", right)):
                pair[side], pair[f"{side}Picture"] = self.fingerprints[run], jpeg(self.views[run][view][part])
            found.append(pair)
        return found


def shown_part(opacity: Array) -> tuple[slice, slice]:
    """The rows and columns of a picture (h, w) that show something, with a margin; all if nothing does."""
    found = []
    for axis in (1, 0):
        places, side = np.flatnonzero((opacity > _FAINT).any(axis)), opacity.shape[1 - axis]
        margin = round(_MARGIN * side)
        ends = (places[0] - margin, places[-1] + 1 + margin) if len(places) else (0, side)
        found.append(slice(max(0, int(ends[0])), min(side, int(ends[1]))))
    return found[0], found[1]
