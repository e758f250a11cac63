"""A recipe: which losses and guides, with which weights, through which encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from nst3d.bounds import FileOnly, Within
from nst3d.errors import ConfigError
from nst3d.losses.base import Normalise
from nst3d.stylize.terms import Term, made, merged

DEFAULT_TERMS = (
    Term("variation", 1.0),
    Term("content", 0.15),
    Term("gram", 0.5),
    Term("nnfm", 2.0),
    Term("consistency", 0.2),
)
"""Less noise; what is there; palette and texture of strokes; strokes and motifs; views that agree."""


@dataclass(frozen=True)
class Recipe:
    """What a painting is asked for."""

    encoder: str = "vgg19"
    """Encoder whose features are compared: a name that `nst3d weights` lists."""
    pooling: Literal["max", "avg"] = "max"
    """Pooling of the encoder; avg is smoother (Gatys)."""
    fallback_encoder: str | None = None
    """Encoder used where the weights of `encoder` are missing."""
    normalise: Normalise = "relative"
    """relative: each loss as a share of its target's own size; gatys: as in the paper; mean: mean
    squares, of content over all layers and in the units of an encoder of standardised images (ARF)."""
    terms: Annotated[tuple[Term, ...], FileOnly()] = DEFAULT_TERMS
    """Losses and guides with their weights."""
    style_scale: Annotated[float, Within(0.05, 8)] = 1.2
    """Long side of the style image in units of the encoded view's: larger makes larger strokes."""
    reduce: Annotated[int, Within(1, 8)] = 1
    """Side of the pixel blocks that renders are averaged over before the encoder (ARF: 2)."""
    palette_before: Annotated[float, Within(0, 1)] = 1.0
    """How far the scene's palette is moved to the style's before painting."""
    palette_after: Annotated[float, Within(0, 1)] = 0.0
    """How far the scene's palette is moved to the style's after painting."""

    def weight(self, name: str) -> float:
        """The weights of all terms of a name together; 0 without one."""
        return sum(term.weight for term in self.terms if term.name == name)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of terms that have one of their own, each once."""
        return tuple(dict.fromkeys(t.region for t in self.terms if t.region is not None and t.weight))

    def with_terms(self, changes: Mapping[str, Any]) -> Recipe:
        """The recipe with terms changed or added: name to a weight, or to a mapping of a term's fields.

        `Recipe().with_terms({"gram": 1.0, "nnfm": {"weight": 3, "agree": 0.1}})`. ConfigError for what makes no sense.
        """
        return replace(self, terms=merged(self.terms, changes, "terms"))

    def read_plain(
        self, values: Mapping[str, Any], where: str, note: Callable[[str], None]
    ) -> dict[str, Any]:
        """Settings from YAML as plain values of the fields: terms as a whole list, those of version 0.1 among them.

        `note` hears about old settings. ConfigError, which begins with `where`, for terms that make no sense.
        """
        found, old = modernised(values)
        if old:
            note(f"{where}: {', '.join(old)} are settings of an older version; they are read as terms")
        if "terms" in found:
            terms = read_terms(self.terms, found["terms"], f"{where}: terms")
            found["terms"] = [term.plain() for term in terms]
        return found

    def facing_forward(self) -> Recipe:
        """The recipe for a capture whose cameras all look one way: weights from the option `forward_facing`."""
        terms = (
            replace(t, weight=float(own)) if (own := t.options.get("forward_facing")) is not None else t
            for t in self.terms
        )
        return replace(self, terms=tuple(terms))


def read_terms(current: tuple[Term, ...], value: Any, where: str) -> tuple[Term, ...]:
    """Terms as YAML has them: a mapping that changes the `current` ones by name, or a list that replaces them."""
    if isinstance(value, Mapping):
        return merged(current, value, where)
    if isinstance(value, list | tuple):
        return tuple(v if isinstance(v, Term) else made(v, where) for v in value)
    raise ConfigError(f"{where} is {value!r}: expected 'name: weight' or a list of terms")


_OLD_LAYERS = ("content", "gram", "moments", "nnfm", "consistency")
_OLD_OPTIONS = {
    "content_forward_facing": ("content", "forward_facing"),
    "nnfm_concatenate": ("nnfm", "concatenate"),
    "style_positions": ("nnfm", "style_positions"),
    "agree": ("nnfm", "agree"),
}


def modernised(values: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A recipe as YAML has it, with the settings of version 0.1 as terms; and their names, for a note."""
    kept, terms, old = {}, dict[str, Any](), []
    for key, value in values.items():
        name, field = key, "weight"
        if key in _OLD_OPTIONS:
            name, field = _OLD_OPTIONS[key]
        elif key.removesuffix("_layers") in _OLD_LAYERS and key.endswith("_layers"):
            name, field = key.removesuffix("_layers"), "layers"
        elif key not in (*_OLD_LAYERS, "variation"):
            kept[key] = value
            continue
        old.append(key)
        terms.setdefault(name, {})[field] = value
    for name, fields in terms.items():
        fields.setdefault("weight", 0.0 if name == "moments" else None)
        if fields["weight"] is None:
            del fields["weight"]
    given = kept.get("terms", {})
    if terms and isinstance(given, Mapping):
        kept["terms"] = terms | dict(given)
    return kept, tuple(old)
