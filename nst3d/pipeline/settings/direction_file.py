"""Reads a direction from YAML; what is wrong in it is named with its line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from nst3d.errors import ConfigError, shown
from nst3d.files import PathLike
from nst3d.pipeline.settings.direction import Direction, PaintEntry, StyleEntry
from nst3d.pipeline.settings.gradient import Gradient
from nst3d.pipeline.settings.overrides import read_yaml
from nst3d.pipeline.settings.region_text import parse_region
from nst3d.value_types import is_number

_FILES = re.compile(r"""\b(mask|uv|views):("[^"]*"|'[^']*'|[^\s()]+)""")
"""Selectors that name files."""
Entry = TypeVar("Entry")


def read_direction(path: PathLike) -> Direction:
    """The direction in a YAML file, or in a run's config.yaml; nothing in it is executed.

    Pictures and masks are found relative to the file. Raises InputError for a file that is no YAML, and ConfigError,
    with file and line, for what a direction cannot have.
    """
    path = Path(path)
    values, prefix = read_yaml(path), ""
    if isinstance(values.get("direction"), Mapping):
        values, prefix = values["direction"], "direction."
    lines: dict[str, int] = {}
    for place, line in _lines(yaml.compose(path.read_text("utf-8"), yaml.SafeLoader), ""):
        if place in lines and place.startswith(prefix):
            told = place.removeprefix(prefix)
            raise ConfigError(
                f"{path}:{line}: {told} is given twice, first in line {lines[place]}; leave out one"
            )
        lines[place] = line
    return _Reader(path, lines, prefix).direction(values)


class _Reader:
    def __init__(self, path: Path, lines: Mapping[str, int], prefix: str) -> None:
        self._path, self._lines, self._prefix = path, lines, prefix

    def direction(self, values: Mapping[str, Any]) -> Direction:
        self._known(values, [f.name for f in fields(Direction)], "")
        styles = {
            name: self._style(value, f"styles.{name}")
            for name, value in self._mapping(values, "styles").items()
        }
        regions = {
            name: self._region(value, f"regions.{name}")
            for name, value in self._mapping(values, "regions").items()
        }
        listed = values.get("paint") or []
        if not isinstance(listed, list):
            raise self._error("paint", f"paint is {shown(listed)}: expected a list of entries")
        entries = [
            self._placed(self._entry(value, f"paint[{n}]", styles), f"paint[{n}]", regions)
            for n, value in enumerate(listed)
        ]
        if not styles:
            raise self._error("styles", "no style is given: expected styles as 'name: picture'")
        return self._made("paint", lambda: Direction(styles, regions, tuple(entries)))

    def _style(self, value: Any, place: str) -> StyleEntry:
        given = {"images": value} if isinstance(value, str | list) else value
        if not isinstance(given, Mapping):
            raise self._error(place, f"{place} is {shown(value)}: expected a picture, or 'images: [...]'")
        self._known(given, [f.name for f in fields(StyleEntry)], place)
        images = given.get("images", [])
        images = [images] if isinstance(images, str) else images
        if not isinstance(images, list) or not all(isinstance(image, str) for image in images):
            raise self._error(f"{place}.images", f"{place}.images is {shown(images)}: expected pictures")
        paths = tuple(self._path.parent / image for image in images)
        sound = given.get("sound")
        if not isinstance(sound, str | None):
            raise self._error(f"{place}.sound", f"{place}.sound is {shown(sound)}: expected a file")
        heard = None if sound is None else self._path.parent / sound
        own = {**_numbers(given), "images": paths, "sound": heard}
        return self._made(place, lambda: StyleEntry(**own))

    def _region(self, value: Any, place: str) -> str:
        if not isinstance(value, str):
            raise self._error(place, f"{place} is {shown(value)}: expected a selector such as material:roof")
        self._made(place, lambda: parse_region(value))
        return self._found_files(value)

    def _placed(self, entry: PaintEntry, place: str, regions: Mapping[str, str]) -> PaintEntry:
        """The entry with where its region is written, which must be one of `regions` or a selector."""
        region = entry.region
        if region is None:
            along = f"{place}.gradient.along"
            return replace(entry, origin=self._told(along if self._prefix + along in self._lines else place))
        if region in regions:
            return replace(entry, origin=self._told(place if entry.gradient else f"regions.{region}"))
        near = difflib.get_close_matches(region, regions, 1)
        if near and ":" not in region:
            raise self._error(
                f"{place}.region",
                f"{place}.region: {region!r} is not among the regions; did you mean {near[0]}?",
            )
        self._made(f"{place}.region", lambda: parse_region(region))
        return replace(entry, origin=self._told(f"{place}.region"))

    def _entry(self, value: Any, place: str, styles: dict[str, StyleEntry]) -> PaintEntry:
        if not isinstance(value, Mapping):
            raise self._error(place, f"{place} is {shown(value)}: expected 'region: ..., style: ...'")
        self._known(value, [f.name for f in fields(PaintEntry) if f.compare], place)
        given = {**_numbers(value), **({"match": value["match"]} if "match" in value else {})}
        if "style" in given:
            given["style"] = self._mix(given["style"], f"{place}.style", styles)
        if given.get("gradient") is not None:
            given["gradient"] = self._gradient(given["gradient"], f"{place}.gradient", styles)
        if isinstance(given.get("region"), str):
            given["region"] = self._found_files(given["region"])
        return self._made(place, lambda: PaintEntry(**given))

    def _gradient(self, value: Any, place: str, styles: dict[str, StyleEntry]) -> Gradient:
        if not isinstance(value, Mapping) or not {"from", "to"} <= set(value):
            raise self._error(
                place, f"{place} is {shown(value)}: expected 'from: style, to: style, along: y'"
            )
        self._known(value, ["from", "to", "along", "steps"], place)
        start, to = (self._mix(value[end], f"{place}.{end}", styles) for end in ("from", "to"))
        others = {name: value[name] for name in ("along", "steps") if name in value}
        return self._made(place, lambda: Gradient(start, to, **others))

    def _mix(self, value: Any, place: str, styles: dict[str, StyleEntry]) -> dict[str, float]:
        """Styles by their weights, from a name, a list of names, or a mapping; pictures that have no name are added."""
        mix = {value: 1.0} if isinstance(value, str) else value
        mix = (
            dict.fromkeys(mix, 1.0) if isinstance(mix, list) and all(isinstance(v, str) for v in mix) else mix
        )
        if not isinstance(mix, Mapping) or not all(is_number(v) for v in mix.values()):
            raise self._error(
                place, f"{place} is {shown(value)}: expected a style, a list, or 'style: weight'"
            )
        for name in mix:
            if name not in styles and Path(name).suffix and (self._path.parent / name).is_file():
                styles[name] = StyleEntry((self._path.parent / name,))
        return {str(name): float(weight) for name, weight in mix.items()}

    def _found_files(self, selector: str) -> str:
        """A selector whose files are relative to the direction's folder."""

        def found(match: re.Match[str]) -> str:
            own = match[2].strip("\"'")
            there = self._path.parent / own
            return match[0] if Path(own).is_absolute() or not there.exists() else f'{match[1]}:"{there}"'

        return _FILES.sub(found, selector)

    def _mapping(self, values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        value = values.get(name) or {}
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise self._error(
                name, f"{name} is {shown(value)}: expected 'name: ...', names such as on, no or 1 in quotes"
            )
        return value

    def _known(self, values: Mapping[str, Any], known: Sequence[str], place: str) -> None:
        for key in values:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, 1)
                guess = f" (did you mean {near[0]}?)" if near else ""
                dotted = f"{place}.{key}".lstrip(".")
                raise self._error(dotted, f"{dotted} is not known{guess}; known are {', '.join(known)}")

    def _made(self, place: str, make: Callable[[], Entry]) -> Entry:
        try:
            return make()
        except ConfigError as error:
            text = str(error)
            told = text if text.startswith(place) else f"{place}: {text}"
            inner = _named(told)
            while self._prefix + inner not in self._lines and inner != place and "." in inner:
                inner = inner.rpartition(".")[0]
            raise self._error(inner, told) from None

    def _error(self, place: str, text: str) -> ConfigError:
        return ConfigError(f"{self._told(place)}: {text}")

    def _told(self, place: str) -> str:
        """The file, with the line of a place if it has one."""
        line = self._lines.get(self._prefix + place)
        return f"{self._path}{'' if line is None else f':{line}'}"


def _named(text: str) -> str:
    """The dotted place that a message begins with: paint[0].terms.gram of "paint[0]: terms: gram is 'x'"."""
    names = []
    for part in text.split(": "):
        names.append(part.split(" ")[0])
        if " " in part:
            break
    return ".".join(names)


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with whole numbers as floats."""
    return {k: float(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in values.items()}


def _lines(node: yaml.Node | None, place: str) -> Iterator[tuple[str, int]]:
    """The line, from 1, of every dotted place in a document."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = f"{place}.{key.value}".lstrip(".")
            yield inner, key.start_mark.line + 1
            yield from _lines(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield f"{place}[{number}]", value.start_mark.line + 1
            yield from _lines(value, f"{place}[{number}]")
