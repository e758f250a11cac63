"""Terms of a recipe: a loss or guide by name, its weight, region and schedule."""

from __future__ import annotations

import contextlib
import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from nst3d.bounds import Within, check_bounds
from nst3d.errors import ConfigError
from nst3d.losses.registry import LOSSES, LossKind
from nst3d.options import check_options
from nst3d.stylize.guide import Ramp
from nst3d.stylize.guides import GUIDES, GuideKind
from nst3d.value_types import is_number

_FIELDS = ("weight", "layers", "options", "region", "schedule")


@dataclass(frozen=True)
class Term:
    """One goal of a painting."""

    name: str
    """Name of a registered loss or guide."""
    weight: Annotated[float, Within(0)] = 1.0
    """Weight in the sum; 0 switches the term off."""
    layers: tuple[str, ...] = ()
    """Layers of the encoder that a loss compares; empty: the loss's own."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the loss or guide; those not given keep their defaults."""
    region: str | None = None
    """Region in which it applies; None: everywhere."""
    schedule: Ramp = ()
    """Knots (fraction of the run, factor) between which the weight changes linearly; empty: constant."""

    def __post_init__(self) -> None:
        """Raise ConfigError for an invalid name, value, option or schedule."""
        check_bounds(self, "term: ")
        if self.name in LOSSES and self.name in GUIDES:
            raise ConfigError(f"term {self.name}: both a loss and a guide have that name; rename one of them")
        kind = _kind(self.name)
        bounds = kind.bounds if isinstance(kind, LossKind) else None
        check_options(f"term {self.name}", self.options, kind.options, bounds)
        shares = [share for share, _ in self.schedule]
        if shares != sorted(set(shares)) or any(not 0 <= s <= 1 for s in shares):
            raise ConfigError(
                f"term {self.name}: the fractions of its schedule must increase within 0 to 1, not {shares}"
            )
        factors = [factor for _, factor in self.schedule]
        if any(not (math.isfinite(f) and f >= 0) for f in factors):
            raise ConfigError(
                f"term {self.name}: the factors of its schedule must be 0 or more, not {factors}"
            )

    def plain(self) -> dict[str, Any]:
        """The fields that are not at their defaults, for YAML; `made` reads them."""
        own: dict[str, Any] = {"name": self.name, "weight": self.weight}
        given: dict[str, Any] = {
            "layers": list(self.layers),
            "options": dict(self.options),
            "region": self.region,
        }
        given["schedule"] = [list(knot) for knot in self.schedule]
        return own | {name: value for name, value in given.items() if value}

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The options of its loss or guide, with their defaults."""
        return _kind(self.name).options

    @property
    def all_options(self) -> dict[str, Any]:
        """All its options, including defaults."""
        return {**self.defaults, **self.options}


def _kind(name: str) -> LossKind | GuideKind:
    """The registered loss or guide of that name."""
    for registry in (LOSSES, GUIDES):
        if name in registry:
            return registry.get(name)
        with contextlib.suppress(ConfigError):  # skip one whose package is missing
            registry.get(name)
    known = [*LOSSES, *GUIDES]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? Known are" if near else "known are"
    raise ConfigError(f"loss or guide {name!r} is not known; {hint} {', '.join(known)}")


def merged(terms: Sequence[Term], changes: Mapping[str, Any], where: str) -> tuple[Term, ...]:
    """The terms with `changes` applied: name to a weight, or to a mapping of a term's fields.

    A name not among the terms adds one. ConfigError, starting with `where`, for invalid changes.
    """
    result = list(terms)
    for name, change in changes.items():
        same = [i for i, term in enumerate(result) if term.name == name]
        if len(same) > 1:
            raise ConfigError(f"{where}: {len(same)} terms are called {name}; give the whole list of terms")
        old = result[same[0]] if same else made({"name": name}, where)
        new = _changed(old, change, f"{where}: {name}")
        if same:
            result[same[0]] = new
        else:
            result.append(new)
    return tuple(result)


def made(values: Any, where: str) -> Term:
    """A term from a mapping of its fields. ConfigError, starting with `where`, for invalid fields."""
    if not isinstance(values, Mapping) or not isinstance(values.get("name"), str):
        raise ConfigError(f"{where}: expected a term as 'name: …, weight: …', found {values!r}")
    try:
        term = Term(values["name"])
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    return _changed(term, {k: v for k, v in values.items() if k != "name"}, f"{where}: {term.name}")


def _changed(term: Term, change: Any, where: str) -> Term:
    if is_number(change):
        change = {"weight": change}
    if not isinstance(change, Mapping):
        raise ConfigError(f"{where} is {change!r}: expected a weight, or settings as 'name: value'")
    fields: dict[str, Any] = {}
    for key, value in change.items():
        if key == "options":
            fields["options"] = {**term.options, **_mapping(value, f"{where}: options")}
        elif key in _FIELDS:
            fields[key] = _READ[key](value, f"{where}: {key}")
        elif key in term.defaults:  # short form: an option next to the weight
            fields["options"] = {**fields.get("options", term.options), key: value}
        else:
            known = ", ".join((*_FIELDS, *term.defaults))
            raise ConfigError(f"{where}: setting {key!r} is not known here; known are {known}")
    try:
        return replace(term, **fields)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _weight(value: Any, where: str) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else None
    except (TypeError, ValueError):
        number = None
    if number is None:
        raise ConfigError(f"{where} is {value!r}: expected a number")
    Within(0).check(where, number)
    return number


def _layers(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise ConfigError(f"{where} is {value!r}: expected a list of layers")
    return tuple(value)


def _region(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{where} is {value!r}: expected the name of a region")
    return value


def _schedule(value: Any, where: str) -> Ramp:
    pairs = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(p, list | tuple) and len(p) == 2 and all(map(is_number, p)) for p in pairs):
        raise ConfigError(f"{where} is {value!r}: expected a list of [fraction of the run, factor]")
    return tuple((float(p[0]), float(p[1])) for p in pairs)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} is {value!r}: expected settings as 'name: value'")
    return value


_READ = {"weight": _weight, "layers": _layers, "region": _region, "schedule": _schedule}
