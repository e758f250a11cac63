"""Which numbers the settings of a recipe can hold, and which settings fit each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nst3d.bounds import Within
from nst3d.errors import ConfigError

RECIPE: dict[str, Within] = {
    "content": Within(0),
    "content_forward_facing": Within(0),
    "gram": Within(0),
    "moments": Within(0),
    "nnfm": Within(0),
    "style_positions": Within(1),
    "variation": Within(0),
    "consistency": Within(0),
    "agree": Within(0),
    "style_scale": Within(0.05, 8),
    "reduce": Within(1, 8),
    "palette_before": Within(0, 1),
    "palette_after": Within(0, 1),
}
_SMALLEST_VIEW = 16
_LAYERS = ("content", "gram", "moments", "nnfm", "consistency")


def check_recipe(config: Any) -> None:
    """Raise ConfigError where a PaintConfig's recipe makes no sense, alone or with the sizes of the schedule."""
    recipe = config.recipe
    for name, bounds in RECIPE.items():
        value = getattr(recipe, name)
        if value is not None:
            bounds.check(f"setting recipe.{name}", value)
    for size in (stage.size for stage in config.schedule.stages):
        if size // recipe.reduce < _SMALLEST_VIEW:
            raise ConfigError(
                f"setting recipe.reduce is {recipe.reduce}: of views of {size} pixels, too few are left to"
                f" encode ({_SMALLEST_VIEW} at least); give a larger `size`"
            )
    for loss in _losses_without_layers(recipe):
        raise ConfigError(f"setting recipe.{loss}_layers is empty: name layers, or give {loss} the weight 0")


def _losses_without_layers(recipe: Any) -> Iterator[str]:
    return (loss for loss in _LAYERS if getattr(recipe, loss) and not getattr(recipe, f"{loss}_layers"))
