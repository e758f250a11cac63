"""Makes the region named by a setting, for any kind of scene."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from nst3d.errors import ConfigError
from nst3d.stylize.regions import Regions
from nst3d.tensors import Colours

Selectors = Mapping[str, Callable[[str], Colours]]
"""Maps a selector's name to a function from the text after its colon to weights (n, 1)."""


def painted_region(selector: str | None, selectors: Selectors, others: Iterable[str] = ()) -> Regions:
    """The region to paint, such as "material:roof"; None: no region, which paints everything. And `others`, of terms.

    ConfigError for a selector that the scene does not support, or an empty region.
    """
    wanted = dict.fromkeys([*others, *([] if selector is None else [selector])])
    return Regions({name: _column(name, selectors) for name in wanted}, selector)


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
