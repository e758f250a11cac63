"""Which numbers settings can hold."""

from __future__ import annotations

import math
from typing import Any

from nst3d.errors import ConfigError

_ANY = math.inf
_LIMITS: dict[str, tuple[float, float]] = {
    "recipe.style_scale": (0.05, 8),
    "recipe.reduce": (1, 8),
    "recipe.palette_before": (0, 1),
    "recipe.palette_after": (0, 1),
    "schedule.min_gain": (-_ANY, _ANY),
    "schedule.seed": (0, 2**63 - 1),
    "table.pyramid_levels": (1, 16),
    "table.coverage_power": (0, 4),
    "table.texture_variation": (0, _ANY),
    "surface.texture_size": (8, 16384),
    "surface.texels_per_pixel": (0.05, 16),
    "surface.max_vertices": (0, _ANY),
    "rig.views": (1, 1000),
    "rig.max_views": (1, 1000),
    "rig.coverage": (0, 1),
    "rig.field_of_view": (1, 150),
    "displace.fraction": (0, 0.2),
    "displace.style": (0, _ANY),
    "displace.content": (0, _ANY),
    "displace.laplacian": (0, _ANY),
    "displace.normals": (0, _ANY),
    "displace.edges": (0, _ANY),
    "displace.reach": (0, 100),
    "displace.sideways": (0.01, 1),
    "displace.faults": (0, 1),
    "output.frames": (1, 100_000),
    "output.fps": (0.1, 240),
    "output.size": (16, 4096),
    "output.checkpoint_seconds": (0, _ANY),
    "capture_views": (1, 10_000),
    "keep_specular": (0, 1),
    "cache_gb": (0, _ANY),
    "threads": (0, _ANY),
}
_SMALLEST_VIEW, _LARGEST_VIEW = 16, 8192


def check_limits(config: Any) -> None:
    """Raise ConfigError, naming the setting, where a PaintConfig holds a number that makes no sense."""
    for name, (low, high) in _LIMITS.items():
        value: Any = config
        for part in name.split("."):
            value = getattr(value, part)
        _check(name, value, low, high)
    for value in config.output.background:
        _check("output.background", value, 0, 1)
    for size in (stage.size for stage in config.schedule.stages):
        if size > _LARGEST_VIEW:
            raise ConfigError(f"--size {size}: views have at most {_LARGEST_VIEW} pixels a side")
        if size // config.recipe.reduce < _SMALLEST_VIEW:
            raise ConfigError(
                f"setting recipe.reduce is {config.recipe.reduce}: of views of {size} pixels, too few are left to"
                f" encode ({_SMALLEST_VIEW} at least); give a larger --size"
            )


def _check(name: str, value: float | None, low: float, high: float) -> None:
    if value is None or (low <= value <= high and math.isfinite(value)):
        return
    bounds = [f"from {low:g}" if low > -_ANY else "", f"to {high:g}" if high < _ANY else ""]
    wanted = " ".join(["a number", *(b for b in bounds if b)])
    raise ConfigError(f"setting {name} is {value:g}: expected {wanted}")
