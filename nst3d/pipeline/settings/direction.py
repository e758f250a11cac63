"""A direction: which regions of a scene are painted in which styles, as data."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError
from nst3d.pipeline.settings.gradient import Gradient
from nst3d.stylize.style import Detail
from nst3d.stylize.terms import Term, merged

_Weight = Annotated[float, Within(0, 1e6)]


@dataclass(frozen=True)
class StyleEntry:
    """A style by its pictures, by words, by a sound, or by several of these; or one that a teacher alone knows."""

    images: tuple[Path, ...] = ()
    """Pictures by the same hand."""
    weight: _Weight = 1.0
    """Weight beside other styles that it is mixed with."""
    scale: Annotated[float, Within(0.05, 20)] = 1.0
    """Size of its strokes, relative to the usual."""
    detail: Detail = "all"
    """What of it counts beside other styles: all, coarse or fine detail."""
    text: str = ""
    """What it looks like, in words, such as "carved jade"."""
    avoid: str = ""
    """What it does not look like, in words."""
    taught: bool = False
    """Whether a teacher alone knows it, so that pictures and words may be missing."""
    sound: Path | None = None
    """A sound that it looks like, followed in CLIP's space."""

    def __post_init__(self) -> None:
        """Raise ConfigError without a picture, words and a sound, unless it is taught, and for numbers outside their
        bounds."""
        check_bounds(self, "")
        for name in ("text", "avoid"):
            if (given := getattr(self, name)) and not given.strip():
                raise ConfigError(f"{name} is {given!r}: say it in words, or leave it out")
        if not (self.images or self.text or self.avoid or self.sound or self.taught):
            raise ConfigError("it has no picture, no words and no sound: give images, text or sound")
        if self.text and alike(self.text, self.avoid):
            raise ConfigError(f"text and avoid are both {self.text!r}: leave out one")

    def plain(self) -> dict[str, Any]:
        """The entry as a file has it."""
        detail = {} if self.detail == "all" else {"detail": self.detail}
        images = {"images": [os.path.abspath(p) for p in self.images]} if self.images else {}
        words = {name: given for name in ("text", "avoid") if (given := getattr(self, name))}
        taught = {"taught": True} if self.taught else {}
        sound = {} if self.sound is None else {"sound": os.path.abspath(self.sound)}
        return {**images, "weight": self.weight, "scale": self.scale, **detail, **words, **taught, **sound}


@dataclass(frozen=True)
class PaintEntry:
    """What paints one region."""

    region: str | None = None
    """Name of a region, or a selector; None: all that no entry before it covers."""
    style: Mapping[str, _Weight] = field(default_factory=dict)
    """Names of styles that are mixed, with their weights."""
    gradient: Gradient | None = None
    """Styles that change gradually across the region, in place of `style`."""
    match: Annotated[int, Within(2, 6)] | Literal["auto"] | None = None
    """Number of parts into which the region and the styles' pictures are divided: each part of the scene gets that part
    of the pictures which is most like it. "auto": as many as the pictures have; with no style: all, mixed."""
    keep: bool = False
    """Keep the scene's own colours."""
    strength: Annotated[float, Within(0, 1)] = 1.0
    """How far the finished colours are from the scene's own."""
    stroke: Annotated[float, Within(0.05, 20)] = 1.0
    """Size of strokes, relative to the usual."""
    terms: Mapping[str, Any] = field(default_factory=dict)
    """Changes of the recipe's terms."""
    origin: str = field(default="", compare=False)
    """Where its region is written, such as "look.yaml:4", for messages; no part of a file."""

    def __post_init__(self) -> None:
        """Raise ConfigError for an entry that neither paints nor keeps, or does both, and for invalid values."""
        check_bounds(self, "")
        if self.keep and (self.style or self.gradient or self.match):
            raise ConfigError("it has a style and keeps its colours: leave out style or keep")
        if self.keep and (self.terms or self.strength != 1 or self.stroke != 1):
            raise ConfigError("it keeps its colours: leave out strength, stroke and terms, or keep")
        if not (self.keep or self.style or self.gradient or self.match):
            raise ConfigError("it has no style: give style, or keep: true")
        if self.gradient is not None and (self.style or self.match):
            raise ConfigError("gradient says which styles it has: leave out style and match")
        for name, weight in self.style.items():
            Within(0, 1e6).check(f"style {name!r}", weight)
        if self.style and not any(self.style.values()):
            raise ConfigError("all weights of its styles are 0: give one above 0")

    def plain(self) -> dict[str, Any]:
        """What an entry says, as a file has it."""
        given = {
            "region": self.region,
            "style": dict(self.style),
            "gradient": None if self.gradient is None else self.gradient.plain(),
            "match": self.match,
            "keep": self.keep,
            "terms": dict(self.terms),
        }
        numbers = {name: v for name in ("strength", "stroke") if (v := getattr(self, name)) != 1}
        return {name: value for name, value in given.items() if value} | numbers


@dataclass(frozen=True)
class Direction:
    """Styles, regions and what paints each region."""

    styles: Mapping[str, StyleEntry]
    """Styles by name."""
    regions: Mapping[str, str] = field(default_factory=dict)
    """Regions by name: their selectors."""
    paint: tuple[PaintEntry, ...] = ()
    """What paints each region, of which earlier ones cover later ones; empty: all styles, mixed, paint everything."""

    def __post_init__(self) -> None:
        """Raise ConfigError for unknown styles and terms, an entry that is covered, and if nothing is painted."""
        for number, entry in enumerate(self.paint):
            for place, mix in _mixes(entry):
                for name in mix:
                    if name not in self.styles:
                        known = ", ".join(self.styles) or "none"
                        raise ConfigError(
                            f"paint[{number}].{place}: {name!r} is not among the styles: {known}"
                        )
            _check_terms(entry.terms, f"paint[{number}].terms")
        for number, entry in enumerate(self.paint[:-1]):
            if entry.region is None:
                raise ConfigError(
                    f"paint[{number + 1}]: nothing is left for it, as paint[{number}] has no region and covers the"
                    f" rest of the scene: give paint[{number}] a region, or move it to the end"
                )
        if all(entry.keep for entry in self.entries):
            raise ConfigError("paint: nothing is painted; give an entry a style")

    @staticmethod
    def of(styles: Mapping[str, StyleEntry], region: str | None = None, stroke: float = 1.0) -> Direction:
        """All styles, mixed, in one region, with strokes of a size relative to the usual; None: everywhere."""
        return Direction(styles, paint=(PaintEntry(region, dict.fromkeys(styles, 1.0), stroke=stroke),))

    @property
    def entries(self) -> tuple[PaintEntry, ...]:
        """What paints each region."""
        return self.paint or (PaintEntry(style=dict.fromkeys(self.styles, 1.0)),)

    @property
    def expanded(self) -> Direction:
        """The same with an entry for each band of a gradient, in a region of its own."""
        entries: list[PaintEntry] = []
        regions = dict(self.regions)
        for number, entry in enumerate(self.entries, start=1):
            if entry.gradient is None:
                given = entry.style or dict.fromkeys(self.styles, 1.0) if entry.match else entry.style
                entries.append(replace(entry, style=given))
                continue
            names: list[str | None] = []
            origin = entry.origin or f"paint[{number - 1}].gradient"
            for band, border in enumerate(entry.gradient.borders(), start=1):
                names.append(f"gradient {number} band {band}")
                inside = "" if entry.region is None else f"({self.selector(entry.region)}) and "
                regions[f"gradient {number} band {band}"] = inside + border
            # Earlier entries cover later ones: the last band is what those before it leave of the region.
            for name, mix in zip([*names, entry.region], entry.gradient.mixes()):
                entries.append(replace(entry, region=name, style=mix, gradient=None, origin=origin))
        return Direction(self.styles, regions, tuple(entries))

    def selector(self, region: str) -> str:
        """The selector of a region, which may be one itself."""
        return self.regions.get(region, region)

    def plain(self) -> dict[str, Any]:
        """The direction as a file has it."""
        return {
            "styles": {name: style.plain() for name, style in self.styles.items()},
            **({"regions": dict(self.regions)} if self.regions else {}),
            "paint": [entry.plain() for entry in self.entries],
        }


def named_pictures(images: Sequence[Path]) -> dict[str, StyleEntry]:
    """Styles of a picture each, by the names of their files."""
    styles: dict[str, StyleEntry] = {}
    for image in images:
        name, number = image.stem, 2
        while name in styles:
            name, number = f"{image.stem} {number}", number + 1
        styles[name] = StyleEntry((image,))
    return styles


def alike(text: str, other: str) -> bool:
    """Whether two texts are the same, but for spaces and capitals."""
    return text.casefold().split() == other.casefold().split()


def named_words(texts: Sequence[str], avoid: Sequence[str] = ()) -> dict[str, StyleEntry]:
    """Styles of words each, by these words."""
    wanted = {text: StyleEntry(text=text) for text in texts}
    return {**wanted, **{f"not {text}": StyleEntry(avoid=text) for text in avoid}}


def _check_terms(changes: Mapping[str, Any], where: str) -> None:
    """Raise ConfigError, starting with `where`, for changes that no recipe can take."""
    for name, change in changes.items():
        try:
            Term(name)
        except ConfigError as error:
            raise ConfigError(f"{where}: {name}: {error}") from None
        merged((), {name: change}, where)


def _mixes(entry: PaintEntry) -> list[tuple[str, Mapping[str, float]]]:
    """The mixes of styles in an entry, by their place in it."""
    own = [("style", entry.style)]
    gradient = entry.gradient
    return (
        own if gradient is None else [*own, ("gradient.from", gradient.start), ("gradient.to", gradient.to)]
    )
