"""Finds the region that a setting names, for any kind of scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nst3d.errors import ConfigError
from nst3d.stylize.regions import Regions
from nst3d.tensors import Colours

Selectors = Mapping[str, Callable[[str], Colours]]
"""Name of a selector to what makes weights (n, 1) of the text behind its colon."""


def painted_region(selector: str | None, selectors: Selectors) -> Regions:
    """The region to paint in, "material:roof", as the only one; None: no region, which paints everything.

    ConfigError for a selector that the scene does not have, or a region that is empty.
    """
    if selector is None:
        return Regions()
    name, colon, text = selector.partition(":")
    if name not in selectors or not colon:
        known = ", ".join(f"{n}:…" for n in selectors) or "none"
        raise ConfigError(
            f"region {selector!r} is not known for this kind of scene; its selectors are: {known}"
        )
    column = selectors[name](text)
    if not bool((column > 0).any()):
        raise ConfigError(f"region {selector}: covers nothing of the scene")
    return Regions({selector: column}, selector)
