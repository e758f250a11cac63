"""How much a painting computes, and how to make it smaller for slow machines."""

from __future__ import annotations

from nst3d.features.kinds import encoder_kind
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.schedule import Schedule

RUNGS = ((0.875, 0.9), (0.75, 0.8), (0.625, 0.75), (0.5, 2 / 3), (0.5, 0.45), (0.375, 0.45))
"""Fractions of size and of steps, down to the least that still shows the style. Size goes first: steps make the
strokes, whose share of a view stays the same when it is smaller."""

OVERHEAD = 1.75
"""Duration of a whole painting relative to that of its convolutions: targets, nearest neighbours, views and layers that
wait for memory take their time, too. 1.5 was measured at 512 pixels, 2.0 at 256."""


def encoder_flops(recipe: Recipe, schedule: Schedule, num_views: int) -> float:
    """Floating-point operations of the encoder in a whole painting of square views; epochs are of `num_views`.

    Fitting stages do not encode.
    """
    each = num_views if schedule.optimiser == "lbfgs" else schedule.views_per_step
    stages = [stage for stage in schedule.over(num_views).stages if not stage.fit]
    pixels = sum(stage.size**2 * stage.iterations * each for stage in stages) / recipe.reduce**2
    kind = encoder_kind(recipe.encoder)
    return pixels * kind.flops_per_pixel(recipe.layers(kind.own))
