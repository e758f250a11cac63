"""The selector that chooses parts of a scene by words: by what views show of them, or by their names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import final

import torch

from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.networks.sentences import has_sentences, load_sentences
from nst3d.pipeline.kinds.selectors.part_looks import FITS, Looks, Matcher, fitting, load_matcher, looks_of
from nst3d.pipeline.kinds.selectors.part_names import Named, NamedPart, name_likenesses, near_names
from nst3d.stylize.stage_scene import TableStage
from nst3d.tensors import Colours
from nst3d.weights.find import need_weights

_CLUSTERS = (6, 12)
"""Numbers of clusters among which words choose, unless there are few places: large parts, and small ones."""
_PLACES = 8
"""Places of deep features that a cluster has, at least on average, unless there are two."""
_NAMED = 24
"""Parts with names that are looked at, the largest."""
_SMALL, _ALL = 0.002, 0.95
"""Shares of the scene within which a part with a name is looked at."""
_LISTED = 3
_WORD = re.compile(r"[^\W\d_]")


@final
class WordParts:
    """The parts of a scene among which words choose."""

    def __init__(
        self,
        stage: Callable[[], TableStage],
        named: Named,
        clusters: Callable[[int], Colours],
        places: Callable[[], int],
        note: Callable[[str], None],
        matcher: Callable[[], Matcher | None] = load_matcher,
    ) -> None:
        """`clusters` maps a number to as many columns (n, number), 1 for a row's own cluster; `places` counts the
        places that are clustered."""
        self._stage, self._named, self._clusters, self._places = stage, named, clusters, places
        self._note, self._load = note, matcher
        self._seen: tuple[Matcher, Looks] | None = None

    def region(self, text: str) -> Colours:
        """Weights (n, 1), 0 or 1: the parts that any of several phrases means, "roof, door".

        By CLIP where it is on this machine, otherwise by the names of parts; a note says which, and what was chosen.
        Raises ConfigError for a text without words, and for a phrase that is like no name;
        MissingDependencyError if there is nothing to compare with.
        """
        phrases = [phrase.strip() for phrase in text.split(",") if phrase.strip()]
        if not phrases or not all(_WORD.search(phrase) for phrase in phrases):
            raise ConfigError(
                f"region words:{text}: expected what to choose, as words:roof or words:roof, door"
            )
        columns = []
        for phrase in phrases:
            chosen = self._by_looks(phrase)
            columns += self._by_names(phrase) if chosen is None else chosen
        return Colours(torch.stack(columns).amax(0))

    def _by_looks(self, phrase: str) -> list[Colours] | None:
        """The columns of the parts that look like a phrase; None without CLIP."""
        if self._seen is None:
            matcher = self._load()
            if matcher is None:
                return None
            self._seen = matcher, looks_of(self._stage(), self._parts(), matcher)
        matcher, looks = self._seen
        if not looks.names:
            raise ConfigError(f"region words:{phrase}: the views show no part that words could mean")
        chosen = fitting(looks, matcher, phrase)
        doubt = (
            ""
            if max(chosen.values()) >= FITS
            else f"; nothing looks much like it: {FITS} would be a sign of it"
        )
        self._note(f"region words:{phrase}: of {len(looks.names)} parts CLIP chose {_told(chosen)}{doubt}")
        loud = {part.region: part.column for part in self._named()}
        return [(loud.get(region) or self._parts()[region])() for region in chosen]

    def _parts(self) -> Mapping[str, Callable[[], Colours]]:
        """All parts that are looked at, by the regions that choose them."""
        named = sorted(
            (part for part in self._named() if _SMALL <= part.share <= _ALL), key=lambda part: -part.share
        )
        parts: dict[str, Callable[[], Colours]] = {part.region: part.silent for part in named[:_NAMED]}
        places = self._places()
        for count in sorted({max(2, min(most, places // _PLACES)) for most in _CLUSTERS}):
            if places >= count:
                parts |= {f"cluster:{k + 1}/{count}": partial(self._cluster, k, count) for k in range(count)}
        return parts

    def _cluster(self, number: int, count: int) -> Colours:
        return Colours(self._clusters(count)[:, number : number + 1])

    def _by_names(self, phrase: str) -> list[Colours]:
        """The columns of the parts whose names are like a phrase."""
        # Of names that are as near, the largest part is first.
        parts = sorted(self._named(), key=lambda part: -part.share)
        if not parts or not has_sentences():
            raise MissingDependencyError(f"region words:{phrase}: {_lacking(bool(parts))}")
        alike = name_likenesses(load_sentences(), phrase, [part.name for part in parts])
        told = {parts[k].region: float(alike[k]) for k in (-alike).argsort(kind="stable")}
        kinds = " and ".join(dict.fromkeys(f"{part.selector}s" for part in self._named()))
        chosen = _without_twins([parts[k] for k in near_names(alike)])
        if not chosen:
            raise ConfigError(
                f"region words:{phrase}: no name of the scene's {kinds} is much like it; the nearest:"
                f" {_told(dict(list(told.items())[:_LISTED]))}; give one of these, or fetch CLIP, which looks at the"
                " parts themselves: nst3d weights fetch clip-vit-b-32"
            )
        self._note(
            f"region words:{phrase}: without CLIP, words are compared with the names of the scene's {kinds}:"
            f" chose {_told({part.region: told[part.region] for part in chosen})}"
        )
        return [part.column() for part in chosen]


def _without_twins(parts: Sequence[NamedPart]) -> list[NamedPart]:
    """The parts, in their order, without those that add nothing to earlier ones."""
    kept: list[NamedPart] = []
    union: Colours | None = None
    for part in parts:
        column = part.silent()
        if union is None or bool((column > union).any()):
            kept.append(part)
            union = column if union is None else Colours(torch.maximum(union, column))
    return kept


def _told(parts: Mapping[str, float]) -> str:
    return ", ".join(f"{region} ({alike:.2f})" for region, alike in parts.items())


def _lacking(names: bool) -> str:
    """What to fetch before words can choose."""
    told = []
    for name in ("clip-vit-b-32", "clip-vocabulary"):
        try:
            need_weights(name)
        except MissingDependencyError as error:
            told.append(str(error))
    if names:
        try:
            load_sentences()
        except MissingDependencyError as error:
            told.append(f"or, to compare words with names, {error}")
    return "; ".join(told)
