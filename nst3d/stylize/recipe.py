"""A recipe: losses and guides, their weights, and the encoder."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from nst3d.bounds import FileOnly, Within, check_bounds
from nst3d.errors import ConfigError
from nst3d.images.grade import Grade
from nst3d.losses.base import Normalise
from nst3d.losses.registry import LOSSES
from nst3d.stylize.colouring import ColourMode
from nst3d.stylize.terms import Term, made, merged

DEFAULT_TERMS = (
    Term("variation", 1.0),
    Term("grain", 12.0),
    Term("excess", 1.0),
    Term("content", 0.15),
    Term("gram", 0.5),
    Term("nnfm", 2.0),
    Term("consistency", 0.2),
)
"""Purposes: less noise; less speckle of colour; no fine detail beyond style and content; content; palette and stroke
texture; strokes and motifs; agreement of views."""


@dataclass(frozen=True)
class Recipe:
    """The goals of a painting."""

    encoder: str = "vgg19"
    """Encoder whose features are compared: a name from `nst3d weights`, such as vgg16-torchvision or resnet50."""
    smooth: Literal["auto", "none", "softmax", "tanh"] = "auto"
    """Smoothing of features before they are compared (Wang et al. 2021); auto: softmax for residual networks, and none
    for others."""
    pooling: Literal["max", "avg"] = "max"
    """Pooling of the encoder; avg is smoother (Gatys)."""
    fallback_encoder: str | None = None
    """Encoder used if the weights of `encoder` are missing."""
    normalise: Normalise = "relative"
    """relative: each loss relative to its target's magnitude; gatys: as in the paper; mean: mean
    squares, for content over all layers and in the units of an encoder of standardised images (ARF)."""
    terms: Annotated[tuple[Term, ...], FileOnly()] = DEFAULT_TERMS
    """Losses and guides with their weights."""
    style_scale: Annotated[float, Within(0.05, 8)] = 1.2
    """Long side of the style image relative to the encoded view's; larger values make larger strokes."""
    strokes: Literal["surface", "screen"] = "surface"
    """surface: strokes are equally large all over the scene, also where cameras are nearer; screen: in all views."""
    octaves: Annotated[int, Within(1, 4)] = 1
    """Number of scales at which views are compared with the style at once: 2 adds half of the size, 3 a quarter."""
    reduce: Annotated[int, Within(1, 8)] = 1
    """Side of the pixel blocks over which renders are averaged before encoding (ARF: 2)."""
    colour: ColourMode = "style"
    """Whose colours the painting has: the style's; the scene's own, in mean and covariance (content) or but for their
    luminance, which alone is painted (luminance); or those of `palette`."""
    palette: str | None = None
    """Colours of `colour='palette'`: an image, or colours such as #1f4e79,#f2c14e."""
    grade: Grade = field(default_factory=Grade)
    """Change of the styles' colours before they are painted in: less saturation, more light."""
    strength: Annotated[float, Within(0, 1)] = 1.0
    """How far the finished colours are from the scene's own; regions of a direction have theirs on top of it."""
    guard: bool = True
    """Whether finished colours beyond those that can be mixed from the styles' are moved to the nearest that can. Where
    others than the styles say what is painted, or how far, it does nothing."""
    palette_before: Annotated[float, Within(0, 1)] = 1.0
    """Strength of the palette transfer from the style before painting."""
    palette_after: Annotated[float, Within(0, 1)] = 0.0
    """Strength of the palette transfer from the style after painting."""

    def __post_init__(self) -> None:
        """Raise ConfigError for values of wrong types or outside their bounds."""
        check_bounds(self, "recipe.")
        if self.colour == "palette" and self.palette is None:
            raise ConfigError(
                "`colour` is palette: give `palette`, an image or colours such as #1f4e79,#f2c14e"
            )
        if self.palette is not None and self.colour != "palette":
            raise ConfigError(f"`colour` is {self.colour}, which has no palette: leave out `palette`")

    def weight(self, name: str) -> float:
        """The summed weight of all terms with a name; 0 if there are none."""
        return sum(term.weight for term in self.terms if term.name == name)

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of terms that have one of their own, each once."""
        return tuple(dict.fromkeys(t.region for t in self.terms if t.region is not None and t.weight))

    def layers(self, own: Callable[[Sequence[str]], tuple[str, ...]]) -> tuple[str, ...]:
        """The layers that its losses compare, each once.

        `own` names an encoder's layers in place of those that losses compare by default.
        """
        terms = [term for term in self.terms if term.weight and term.name in LOSSES]
        named = (term.layers or own(LOSSES.get(term.name).layers) for term in terms)
        return tuple(dict.fromkeys(layer for layers in named for layer in layers))

    def with_terms(self, changes: Mapping[str, Any]) -> Recipe:
        """The recipe with terms changed or added: name to a weight, or to a mapping of a term's fields.

        `Recipe().with_terms({"gram": 1.0, "nnfm": {"weight": 3, "agree": 0.1}})`. ConfigError for invalid
        changes.
        """
        return replace(self, terms=merged(self.terms, changes, "terms"))

    def read_plain(
        self, values: Mapping[str, Any], where: str, note: Callable[[str], None]
    ) -> dict[str, Any]:
        """YAML settings as plain values of the fields: terms as a full list, including version 0.1's.

        `note` is called about old settings. ConfigError, starting with `where`, for invalid terms.
        """
        found, old = modernised(values)
        if old:
            note(f"{where}: {', '.join(old)} are settings of an older version; reading them as terms")
        if "terms" in found:
            terms = read_terms(self.terms, found["terms"], f"{where}: terms")
            found["terms"] = [term.plain() for term in terms]
        return found

    def facing_forward(self) -> Recipe:
        """The recipe for cameras that all face the same way: weights from the option `forward_facing`."""
        terms = (
            replace(t, weight=float(own)) if (own := t.options.get("forward_facing")) is not None else t
            for t in self.terms
        )
        return replace(self, terms=tuple(terms))


def read_terms(current: tuple[Term, ...], value: Any, where: str) -> tuple[Term, ...]:
    """Terms from YAML: a mapping that changes the `current` ones by name, or a list that replaces them."""
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
    """A YAML recipe with the settings of version 0.1 converted to terms, and their names for a note."""
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
    if terms:
        terms |= {"grain": {"weight": 0.0}, "excess": {"weight": 0.0}}  # which that version did not have
    given = kept.get("terms", {})
    if terms and isinstance(given, Mapping):
        kept["terms"] = terms | dict(given)
    return kept, tuple(old)
