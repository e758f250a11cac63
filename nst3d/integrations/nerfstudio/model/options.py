"""The nerfacto options in a run's config, checked against the types of nerfstudio's own config.

Imports nerfstudio: import this module locally, after `need_nerfstudio`.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from nerfstudio.models.nerfacto import NerfactoModelConfig

from nst3d.errors import InputError
from nst3d.formats.nerfstudio.config import config_part

_ELSEWHERE = ("_target", "camera_optimizer")
"""Options not taken from a run: the class to build, and those used only in training."""
_POSITIVE = (
    "far_plane",
    "hidden_dim",
    "hidden_dim_color",
    "num_levels",
    "base_res",
    "max_res",
    "log2_hashmap_size",
    "features_per_level",
    "num_proposal_samples_per_ray",
    "num_nerf_samples_per_ray",
    "num_proposal_iterations",
    "proposal_net_args_list",
    "average_init_density",
)
"""Options that must be positive to render anything; other numbers may be 0, and loss weights anything."""
_MOST = 1e30
"""Largest number, safely within float32."""
_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}


def told_options(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of nerfstudio's NerfactoModelConfig that a run's `config` has, as plain data.

    `folder` is used in messages. Raises InputError if there is no pipeline.model, or a value has a different
    type than nerfstudio's field, is not finite, or is not positive although rendering needs it.
    """
    told = config_part(folder, config, "pipeline.model")
    hints = get_type_hints(NerfactoModelConfig)
    found = {name: told[name] for name in hints if name in told and name not in _ELSEWHERE}
    for name, value in found.items():
        positive = name in _POSITIVE
        if not _fits(hints[name], value, positive):
            raise InputError(
                f"{folder}: config.yml has {_shown(value)} for pipeline.model.{name}, expected"
                f" {_wanted(hints[name], positive)}"
            )
    return found


def _fits(hint: Any, value: Any, positive: bool) -> bool:
    """Whether a plain value matches a field's annotation."""
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind is Literal:
        return value in inner
    if kind in (Union, types.UnionType):
        return any(_fits(h, value, positive) for h in inner)
    if kind in (int, float):
        known = isinstance(value, int) or (kind is float and isinstance(value, float))
        return known and not isinstance(value, bool) and abs(value) < _MOST and (value > 0 or not positive)
    if kind in (bool, str, type(None)):
        return isinstance(value, kind)
    if kind in (list, tuple):
        return isinstance(value, list) and all(_fits(inner[0], v, positive) for v in value)
    if kind is dict:  # a plain dict contains the arguments of a proposal network
        of = inner[1] if inner else bool | float
        return isinstance(value, Mapping) and all(_fits(of, v, positive) for v in value.values())
    return True


def _wanted(hint: Any, positive: bool) -> str:
    """The expected type, in words."""
    kind, inner = get_origin(hint) or hint, get_args(hint)
    sign = "positive " if positive else ""
    if kind is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if kind in (Union, types.UnionType):
        return " or ".join(_wanted(h, positive) for h in inner)
    if kind in (list, tuple):
        return (
            f"a list of {sign}whole numbers" if inner[0] is int else f"a list of settings with {sign}numbers"
        )
    if kind in (int, float):
        return _NAMES[kind].replace("a ", f"a {sign}", 1)
    return _NAMES.get(kind, "settings with finite numbers")


def _shown(value: Any) -> str:
    """A value as text, if it is short."""
    return repr(value)[:60] if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
