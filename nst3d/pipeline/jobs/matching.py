"""Replaces the coats of a job that match parts of the scene to parts of their styles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from nst3d.images.io import write_image
from nst3d.images.resize import resize
from nst3d.pipeline.jobs.regions_sheet import flat_colours
from nst3d.pipeline.kinds.kind import PaintRequest
from nst3d.pipeline.kinds.matching import Match, matched
from nst3d.pipeline.kinds.subject import Subject
from nst3d.pipeline.kinds.table_subject import TableSubject
from nst3d.pipeline.runtime.events import Events
from nst3d.pipeline.runtime.machine import resolve_device
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.pipeline.styles import find_encoder
from nst3d.stylize.coat import Coat, painted
from nst3d.tensors import Array, Image

MATCH = "match.png"
"""The map of what was matched, in a job's folder."""
_HEIGHT = 256
_SHOWN = 4
"""Most pictures of the scene in the map."""
_GAP = 8
_TINT = 0.6
"""Weight of a part's colour in the map, beside what it covers."""

Open = Callable[[PaintRequest], tuple[Subject, PaintConfig]]


@dataclass(frozen=True)
class Matched:
    """The coats of a job, and maps of those that were matched."""

    coats: tuple[Coat, ...]
    maps: tuple[Array, ...] = ()
    """For each a picture (h, w, 3): the scene in rows of four above the styles, each part in a colour of its own."""

    def write(self, folder: Path) -> list[Path]:
        """Write the maps, if there are any, one below the other, as match.png."""
        if not self.maps:
            return []
        write_image(folder / MATCH, _stacked(self.maps))
        return [folder / MATCH]


def matched_coats(asked: PaintRequest, open_subject: Open) -> Matched:
    """The coats of a request, in which each that its direction has `match` for is replaced by one for each part.

    The scene is opened in its own colours for that. Raises ConfigError, like `matched`, and InputError for a scene that
    has no table of colours.
    """
    entries = asked.job.directed.expanded.entries
    if not any(entry.match for entry in entries):
        return Matched(tuple(asked.coats))
    recipe = replace(asked.config.recipe, palette_before=0.0, palette_after=0.0)
    job = replace(asked.job, config=replace(asked.config, recipe=recipe))
    whole = Coat(painted(asked.coats)[0].styles)
    subject, config = open_subject(replace(asked, job=job, coats=[whole], events=Events(), keeper=None))
    if not isinstance(subject, TableSubject):
        raise asked.opened.refusal("match", ", which has no table of colours that parts could be of")
    encoder = find_encoder(config, resolve_device("cpu"), Events())
    coats: list[Coat] = []
    maps = []
    for entry, coat in zip(entries, asked.coats):
        if entry.match is None:
            coats.append(coat)
            continue
        match = matched(coat, entry.match, subject, encoder, config.schedule.finest)
        coats += match.coats
        maps.append(_map(match, subject))
    return Matched(tuple(coats), tuple(maps))


def _map(match: Match, subject: TableSubject) -> Array:
    table = flat_colours(subject.initial, [_TINT * column for column in match.columns])
    cameras = subject.shown_from()
    chosen = [
        cameras[k] for k in np.linspace(0, len(cameras) - 1, min(_SHOWN, len(cameras))).round().astype(int)
    ]
    scene = [subject.drawn(table, subject.layout, camera).over(1.0) for camera in chosen]
    return _stacked([_row(scene), _row(_style_pictures(match))])


def _style_pictures(match: Match) -> list[Array]:
    """The styles' pictures, the parts that paint a part of the scene in its colour."""
    found: dict[int, tuple[Image, list[torch.Tensor]]] = {}
    for number, styles in enumerate(match.styles):
        for style in styles:
            for image, mask in zip(style.images, style.opacities):
                assert mask is not None
                _, masks = found.setdefault(id(image), (image, [torch.zeros_like(mask)] * len(match.styles)))
                masks[number] = mask
    return [
        flat_colours(image.reshape(-1, 3), [_TINT * mask.reshape(-1, 1) for mask in masks]).reshape(
            image.shape
        )
        for image, masks in found.values()
    ]


def _row(pictures: Sequence[Array]) -> Array:
    """Pictures beside each other, at one height."""
    fitted = [resize(p, (_HEIGHT, max(1, round(_HEIGHT * p.shape[1] / p.shape[0])))) for p in pictures]
    gap = np.ones((_HEIGHT, _GAP, 3), np.float32)
    return np.concatenate([part for picture in fitted for part in (picture, gap)][:-1], axis=1)


def _stacked(rows: Sequence[Array]) -> Array:
    """Pictures below each other, with white beside narrower ones."""
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(r, ((0, _GAP), (0, width - r.shape[1]), (0, 0)), constant_values=1) for r in rows]
    return np.concatenate(padded)[:-_GAP].astype(np.float32)
