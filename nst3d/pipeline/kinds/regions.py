"""Regions of any kind of scene, from the words that choose them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from nst3d.errors import ConfigError, Nst3dError
from nst3d.pipeline.kinds.selectors.feather import feathered
from nst3d.pipeline.kinds.selectors.places import NoExtentError
from nst3d.pipeline.settings.region_text import (
    Feathered,
    Joined,
    Outside,
    Region,
    Selector,
    parse_region,
    selectors_in,
)
from nst3d.stylize.coat import Coat
from nst3d.stylize.regions import Regions, layered
from nst3d.tensors import Array, Colours

Select = Callable[[str], Colours]
"""Maps what is after a selector's colon to weights (n, 1) in [0, 1]."""

_FILES = ("mask", "uv", "views")
"""Selectors that name a picture, or a folder of them."""


def _same(column: Colours) -> Colours:
    return column


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Selectors:
    """What chooses regions of a scene, by selectors of these names."""

    by_name: Mapping[str, Select]
    places: Callable[[], Array]
    """Gives the position of each row (n, 3), in units of the scene; NaN: it shows nowhere."""
    pixel: Callable[[], float]
    """Gives the size of a pixel of the finest view, in units of the scene."""
    names: Mapping[str, Callable[[], Mapping[str, float]]] = field(default_factory=dict)
    """For selectors that take a name: gives the names there are, with the share of the scene that each chooses."""
    settled: Callable[[Colours], Colours] = _same
    """Fills rows that show nowhere themselves, but count beside others, like texels between islands."""
    forget: Callable[[], None] = _nothing
    """Frees the views that regions are lifted from; they are made again when one more is asked for."""


def region_column(text: str, selectors: Selectors) -> Colours:
    """The weights (n, 1) in [0, 1] of the region that `text` chooses of a scene, such as "material:roof feather 8px".

    `and` is the smaller weight of both, `or` the larger, `not` what is left to 1 (Zadeh 1965): they fulfil the laws of
    sets but for the excluded middle, as borders may be soft. ConfigError, on one line, for words that cannot be read,
    a selector that the scene does not support, or an empty region.
    """
    region = parse_region(text)
    for selector in selectors_in(region):
        if selector.name not in selectors.by_name:
            known = ", ".join(f"{name}:…" for name in selectors.by_name) or "none"
            raise ConfigError(
                f"region {text!r}: {selector.name}: is not known for this kind of scene; its selectors are: {known}"
            )
    column = selectors.settled(_weights(region, selectors))
    if not bool((column > 0).any()):
        raise ConfigError(f"region {text}: covers nothing of the scene")
    return column


def coated_regions(
    coats: Sequence[Coat], selectors: Selectors, rows: int, others: Iterable[str] = ()
) -> Regions:
    """The regions of coats, by their names, in a scene with so many rows. And `others`, the selectors of terms.

    ConfigError as for `region_column`.
    """
    columns = {name: region_column(name, selectors) for name in dict.fromkeys(others)}
    for coat in coats:
        if coat.region is not None and coat.region not in columns:
            columns[coat.region] = _column_of(coat, selectors)
    selectors.forget()
    return layered(coats, columns, rows)


def _column_of(coat: Coat, selectors: Selectors) -> Colours:
    """The weights (n, 1) of a coat's region; errors name where it is written."""
    try:
        return region_column(coat.selector or str(coat.region), selectors)
    except ConfigError as error:
        if not coat.origin:
            raise
        # Bands are regions that nobody wrote, but for the axis.
        told = error.what if isinstance(error, NoExtentError) else error
        raise ConfigError(f"{coat.origin}: {told}") from None


def mask_files(regions: Iterable[str]) -> list[Path]:
    """The files that regions such as "mask:sky.png" are made from, those in their folders included."""
    found: list[Path] = []
    for text in regions:
        try:
            named = [s for s in selectors_in(parse_region(text)) if s.name in _FILES]
        except Nst3dError:  # which is reported once the scene is known
            continue
        for path in (Path(selector.argument) for selector in named):
            found += sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
    return found


def _weights(region: Region, selectors: Selectors) -> Colours:
    if isinstance(region, Selector):
        return selectors.by_name[region.name](region.argument)
    if isinstance(region, Outside):
        return 1 - _weights(region.region, selectors)
    if isinstance(region, Joined):
        columns = torch.stack([_weights(part, selectors) for part in region.parts])
        return columns.amin(0) if region.how == "and" else columns.amax(0)
    assert isinstance(region, Feathered)
    width = region.width * (selectors.pixel() if region.in_pixels else 1.0)
    return feathered(_weights(region.region, selectors), selectors.places(), width)
