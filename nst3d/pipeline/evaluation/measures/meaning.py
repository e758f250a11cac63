"""What views mean to networks that know words, and whether their structure is the scene's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nst3d.features.attention.clip import Clip
from nst3d.features.attention.tokens import told_cut_off
from nst3d.metrics.footage import Footage
from nst3d.metrics.meaning import (
    PromptRow,
    clip_content,
    clip_directional,
    clip_score,
    dino_structure,
    picture_rows,
    prompt_row,
)
from nst3d.metrics.measured import Better, Group, Measured
from nst3d.pipeline.evaluation.rows import Prompt, Row
from nst3d.pipeline.evaluation.tools import Tools
from nst3d.tensors import Array

_UNCHANGED = "views that did not change have no direction"
_NO_TEXT = "no text was given: give `text`, what the painting should look like"
_METRICS: dict[str, tuple[Group, Better]] = {
    "clip_content": ("content", "higher"),
    "dinov2_structure": ("content", "lower"),
    "clip_score": ("style", "higher"),
    "clip_directional": ("style", "higher"),
}
Values = Sequence[float | None]


class Meaning:
    """Measures by CLIP and DINO, whose features of pictures are found once for all rows."""

    def __init__(self, tools: Tools) -> None:
        self._tools, self._rows, self._prompts = tools, dict[int, Array](), dict[str, PromptRow]()

    def of(self, row: Row) -> Iterator[Measured]:
        """Likeness to the scene, and to the row's text if it has one."""
        clip, dino = self._tools.clip, self._tools.dino
        if clip.tool is None:
            yield _missing("clip_content", clip.reason)
        else:
            bare, own = (self._features(clip.tool, take.views) for take in (row.unpainted, row.take))
            yield _of_views("clip_content", row, [clip_content(*pair) for pair in zip(bare, own)])
        network = dino.tool
        if network is None:
            yield _missing("dinov2_structure", dino.reason)
        else:
            pairs = zip(row.take.views.frames, row.unpainted.views.frames)
            values = [dino_structure(network, one, other) for one, other in pairs]
            yield _of_views("dinov2_structure", row, values, "keys of dinov2-small's last block")
        yield from self._words(row)

    def _words(self, row: Row) -> Iterator[Measured]:
        """How well the views fit the row's text, and how well their change does."""
        clip, vocabulary = self._tools.clip, self._tools.vocabulary
        reason = _NO_TEXT if row.prompt is None else clip.reason or vocabulary.reason
        if row.prompt is None or clip.tool is None or vocabulary.tool is None:
            yield from (_missing(name, reason) for name in ("clip_score", "clip_directional"))
            return
        bare, own = (self._features(clip.tool, take.views) for take in (row.unpainted, row.take))
        source, wanted = (self._prompt(text) for text in (row.prompt.source, row.prompt.text))
        told, cut = f"“{row.prompt.text}”", _cut(row.prompt, wanted, clip.tool.context - 2)
        yield _of_views("clip_score", row, [clip_score(each, wanted.row) for each in own], told + cut)
        try:
            ways = [clip_directional(*pair, source.row, wanted.row) for pair in zip(bare, own)]
        except ValueError as error:  # of texts that mean the same
            yield _missing("clip_directional", str(error))
            return
        told = f"{told}, from “{row.prompt.source}”{cut}"
        yield _of_views("clip_directional", row, ways, told, _UNCHANGED)

    def _features(self, clip: Clip, views: Footage) -> Array:
        """Those of all views, found once; views live as long as the evaluation."""
        if id(views) not in self._rows:
            self._rows[id(views)] = picture_rows(clip, views.frames)
        return self._rows[id(views)]

    def _prompt(self, text: str) -> PromptRow:
        clip, vocabulary = self._tools.clip.tool, self._tools.vocabulary.tool
        assert clip is not None
        assert vocabulary is not None
        if text not in self._prompts:
            self._prompts[text] = prompt_row(clip, vocabulary, text)
        return self._prompts[text]


def _cut(prompt: Prompt, found: PromptRow, most: int) -> str:
    """That the text is longer than the `most` tokens that CLIP reads; empty: it is not."""
    return f"; {told_cut_off('CLIP', prompt.text, most, found.left_out)}" if found.left_out else ""


def _of_views(name: str, row: Row, values: Values, note: str = "", why: str = "") -> Measured:
    """The values of views that show the scene; `why` there are none otherwise."""
    shows = [bool(mask.any()) for mask in row.unpainted.views.opacities]
    found = tuple(value if seen else None for value, seen in zip(values, shows))
    if all(value is None for value in found):
        return _missing(name, why if any(shows) and why else "no view shows anything to compare")
    return Measured(name, *_METRICS[name], found, note=note)


def _missing(name: str, reason: str | None) -> Measured:
    return Measured(name, *_METRICS[name], reason=reason)
