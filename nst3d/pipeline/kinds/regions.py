"""Makes the region named by a setting, for any kind of scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from nst3d.errors import ConfigError
from nst3d.stylize.regions import Regions
from nst3d.tensors import Colours

Selectors = Mapping[str, Callable[[str], Colours]]
"""Maps a selector's name to a function from the text after its colon to weights (n, 1)."""


MASK = "mask"
"""Name of the selector that reads an image file."""


def painted_region(selector: str | None, selectors: Selectors, others: Iterable[str] = ()) -> Regions:
    """The region to paint, such as "material:roof"; None: no region, which paints everything. And `others`, of terms.

    ConfigError for a selector that the scene does not support, or an empty region.
    """
    wanted = dict.fromkeys([*others, *([] if selector is None else [selector])])
    return Regions({name: _column(name, selectors) for name in wanted}, selector)


def mask_files(selectors: Iterable[str]) -> list[Path]:
    """The files that selectors such as "mask:sky.png" name."""
    parts = (selector.partition(":") for selector in selectors)
    return [Path(text) for name, _, text in parts if name == MASK]


def _column(selector: str, selectors: Selectors) -> Colours:
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
