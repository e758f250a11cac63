"""What paints a region: styles, and how far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from nst3d.errors import ConfigError
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.style import Style, distinct
from nst3d.stylize.terms import Term
from nst3d.tensors import Colours


@dataclass(frozen=True)
class Coat:
    """The paint of one region, or of everything that no coat before it covers."""

    styles: Sequence[Style]
    """The target styles, mixed; empty: the region keeps its colours."""
    region: str | None = None
    """Name of the region; None: everything."""
    selector: str | None = None
    """What selects the region, such as "material:roof"; None: its name."""
    strength: float = 1.0
    """How far the finished colours are from the scene's own, 0 to 1."""
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Changes of the recipe's terms for this region, as for `Recipe.with_terms`."""
    origin: str = ""
    """Where its region is written, such as "look.yaml:4", for messages."""
    words_painted: bool = False
    """Whether a teacher has painted its words, so that steps need not follow them."""

    def __post_init__(self) -> None:
        """Raise ConfigError if all styles are coarse, or all are fine: something must paint the rest."""
        for detail, other in (("coarse", "fine"), ("fine", "coarse")):
            if self.styles and all(style.detail == detail for style in self.styles):
                raise ConfigError(
                    f"{self.told}: it has styles for {detail} detail alone; add one for {other} detail"
                    " beside them, or leave out detail"
                )

    @property
    def name(self) -> str:
        """Its name in reports."""
        return self.region or "rest"

    @property
    def told(self) -> str:
        """Its name in messages."""
        return "the entry without a region" if self.region is None else f"region {self.region}"

    @property
    def pictured(self) -> bool:
        """Whether one of its styles has a picture."""
        return any(style.images for style in self.styles)

    @property
    def worded(self) -> bool:
        """Whether one of its styles has words, or a sound."""
        return any(style.followed for style in self.styles)

    @property
    def palette(self) -> Colours | None:
        """(n, 3): the colours of its styles' pictures, by their weights; None without pictures."""
        styles = [style for style in distinct(self.styles) if style.images]
        if not styles:
            return None
        heaviest = max(style.weight for style in styles)
        parts = [_thinned(style.palette, style.weight / heaviest) for style in styles]
        return parts[0] if len(parts) == 1 else Colours(torch.cat(parts))

    @property
    def background(self) -> torch.Tensor:
        """(3,): the mean colour of its styles, by their weights."""
        weights = torch.tensor([style.weight for style in self.styles])
        return (weights[:, None] / weights.sum() * torch.stack([s.background for s in self.styles])).sum(0)

    def styled(self, change: Callable[[Style], Style]) -> Coat:
        """The coat with its styles changed."""
        return replace(self, styles=[change(style) for style in self.styles])

    def terms(self, recipe: Recipe) -> tuple[Term, ...]:
        """The recipe's terms as they are for this coat."""
        return recipe.with_terms(self.changes).terms if self.changes else recipe.terms


def settled(coats: Sequence[Coat], painted_region: str | None) -> list[Coat]:
    """The coats that paint, with the regions that a canvas knows them by: of a single one, what is painted at all."""
    found = painted(coats)
    if len(found) == 1:
        return [replace(found[0], region=painted_region)]
    return [replace(coat, region=coat.name) for coat in found]


def painted(coats: Sequence[Coat]) -> list[Coat]:
    """The coats that paint. ConfigError if none does."""
    found = [coat for coat in coats if coat.styles]
    if not found:
        raise ConfigError("no region is painted: give at least one of them a style")
    return found


def _thinned(colours: Colours, share: float) -> Colours:
    """About `share` of the colours (n, 3), spread evenly."""
    count = max(1, round(len(colours) * share))
    return (
        colours
        if count == len(colours)
        else Colours(colours[torch.linspace(0, len(colours) - 1, count).long()])
    )
