"""Valid ranges of a recipe's settings, and their consistency."""

from __future__ import annotations

from typing import Any

from nst3d.errors import ConfigError

_SMALLEST_VIEW = 16


def check_recipe(config: Any) -> None:
    """Raise ConfigError if a PaintConfig's recipe is invalid, by itself or with the sizes in the schedule."""
    recipe = config.recipe
    for size in (stage.size for stage in config.schedule.stages):
        if size // recipe.reduce < _SMALLEST_VIEW:
            raise ConfigError(
                f"setting recipe.reduce is {recipe.reduce}: views of {size} pixels become too small to"
                f" encode ({_SMALLEST_VIEW} pixels at least); give a larger `size`"
            )
