"""Puts other styles in the place of some in a direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from nst3d.errors import ConfigError
from nst3d.pipeline.settings.direction import Direction, StyleEntry

Mix = Mapping[str, float]


@dataclass(frozen=True)
class Swap:
    """What stands in the place of a style."""

    styles: Mapping[str, StyleEntry]
    shares: Mix
    """Share of each, by name; none: the style is left out."""


def swapped(direction: Direction, swaps: Mapping[str, Swap]) -> Direction:
    """The direction with the styles of these names replaced, in all mixtures by their shares.

    ConfigError if nothing is left of one.
    """
    styles = {name: entry for name, entry in direction.styles.items() if name not in swaps}
    for swap in swaps.values():
        styles |= swap.styles
    entries = []
    for entry in direction.entries:
        gradient = entry.gradient
        if gradient is not None:
            gradient = replace(gradient, start=_mixed(gradient.start, swaps), to=_mixed(gradient.to, swaps))
        entries.append(replace(entry, style=_mixed(entry.style, swaps), gradient=gradient))
    return Direction(styles, direction.regions, tuple(entries))


def _mixed(mix: Mix, swaps: Mapping[str, Swap]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, weight in mix.items():
        shares = swaps[name].shares if name in swaps else {name: 1.0}
        for other, share in shares.items():
            found[other] = found.get(other, 0.0) + weight * share
    if mix and not found:
        raise ConfigError("`avoid` alone chooses no picture: give `text`, or `style`, a picture")
    return found
