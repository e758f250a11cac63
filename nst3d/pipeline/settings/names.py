"""The names of what a painting can be told: settings with dots, and terms."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from nst3d.bounds import FileOnly
from nst3d.losses.registry import LOSSES
from nst3d.pipeline.settings.config import PaintConfig
from nst3d.stylize.guides import GUIDES


def term_names() -> list[str]:
    """The names of all losses and guides, those of other packages included."""
    return sorted({*LOSSES, *GUIDES})


def setting_names() -> dict[str, bool]:
    """All settings that hold a single value, such as recipe.style_scale, and whether it is true or false."""
    return dict(_names(PaintConfig, ""))


def _names(kind: type, path: str) -> Iterator[tuple[str, bool]]:
    hints = get_type_hints(kind, include_extras=True)
    for field in dataclasses.fields(kind):
        hint, name = hints[field.name], f"{path}{field.name}"
        if get_origin(hint) is Annotated:
            if any(isinstance(mark, FileOnly) for mark in hint.__metadata__):
                continue
            hint = get_args(hint)[0]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _names(hint, f"{name}.")
        elif _is_single(hint):
            yield name, hint is bool


def _is_single(hint: Any) -> bool:
    """Whether a type is that of one word: a number, text, a choice, or one of these or None."""
    if get_origin(hint) in (Union, types.UnionType):
        return all(_is_single(inner) for inner in get_args(hint))
    if get_origin(hint) is Annotated:
        return _is_single(get_args(hint)[0])
    return get_origin(hint) is Literal or hint in (bool, int, float, str, type(None))
