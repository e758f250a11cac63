"""Checks that a guide's state can be read back from a checkpoint, from which nothing but plain values is loaded."""

from __future__ import annotations

from typing import Any

import torch

from nst3d.errors import ConfigError

_PLAIN = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    torch.Tensor,
    torch.Size,
    torch.dtype,
    torch.device,
)


def check_plain(guide: str, state: Any) -> None:
    """Raise ConfigError, with the guide's name and the place, if its state is no dict of tensors and plain values."""
    if type(state) is not dict:
        raise ConfigError(f"guide {guide!r}: its state is a {_kind(state)}, expected a dict")
    found = _foreign(state, "")
    if found is not None:
        place, value = found
        raise ConfigError(
            f"guide {guide!r}: its state has a {_kind(value)} at {place}, which a checkpoint cannot hold; return"
            " tensors, numbers, text, and lists and dicts of them"
        )


def _foreign(value: Any, place: str) -> tuple[str, Any] | None:
    """The first value that is not plain, and its place. Subclasses are not plain: np.float64 is a float."""
    if type(value) in _PLAIN:
        return None
    if type(value) is dict:
        keys = (_foreign(key, f"{place}[{key!r}] (the key)") for key in value)
        values = (_foreign(part, f"{place}[{key!r}]") for key, part in value.items())
        return next((f for f in (*keys, *values) if f is not None), None)
    if type(value) in (list, tuple):
        parts = (_foreign(part, f"{place}[{number}]") for number, part in enumerate(value))
        return next((f for f in parts if f is not None), None)
    return place, value


def _kind(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
