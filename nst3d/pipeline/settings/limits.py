"""Which numbers the settings of a recipe can hold, and which settings fit each other."""

from __future__ import annotations

from typing import Any

from nst3d.errors import ConfigError

_SMALLEST_VIEW = 16


def check_recipe(config: Any) -> None:
    """Raise ConfigError where a PaintConfig's recipe makes no sense, alone or with the sizes of the schedule."""
    recipe = config.recipe
    for size in (stage.size for stage in config.schedule.stages):
        if size // recipe.reduce < _SMALLEST_VIEW:
            raise ConfigError(
                f"setting recipe.reduce is {recipe.reduce}: of views of {size} pixels, too few are left to"
                f" encode ({_SMALLEST_VIEW} at least); give a larger `size`"
            )
