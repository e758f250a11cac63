"""Makes the region named by a setting, for any kind of scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from nst3d.errors import ConfigError
from nst3d.stylize.coat import Coat
from nst3d.stylize.regions import Regions, layered
from nst3d.tensors import Colours

Selectors = Mapping[str, Callable[[str], Colours]]
"""Maps a selector's name to a function from the text after its colon to weights (n, 1)."""


MASK = "mask"
"""Name of the selector that reads an image file."""


def coated_regions(
    coats: Sequence[Coat], selectors: Selectors, rows: int, others: Iterable[str] = ()
) -> Regions:
    """The regions of coats, by their names, in a scene with so many rows. And `others`, the selectors of terms.

    ConfigError for a selector that the scene does not support, or an empty region.
    """
    columns = {name: region_column(name, selectors) for name in dict.fromkeys(others)}
    for coat in coats:
        if coat.region is not None and coat.region not in columns:
            columns[coat.region] = region_column(coat.selector or coat.region, selectors)
    return layered(coats, columns, rows)


def mask_files(selectors: Iterable[str]) -> list[Path]:
    """The files that selectors such as "mask:sky.png" name."""
    parts = (selector.partition(":") for selector in selectors)
    return [Path(text) for name, _, text in parts if name == MASK]


def region_column(selector: str, selectors: Selectors) -> Colours:
    """The weights (n, 1) of the region that a selector such as "material:roof" selects.

    ConfigError for a selector that the scene does not support, or an empty region.
    """
    name, colon, text = selector.partition(":")
    if name not in selectors or not colon:
        known = ", ".join(f"{n}:…" for n in selectors) or "none"
        raise ConfigError(
            f"region {selector!r} is not known for this kind of scene; its selectors are: {known}"
        )
    column = selectors[name](text)
    if not bool((column > 0).any()):
        raise ConfigError(f"region {selector}: covers nothing of the scene")
    return column
