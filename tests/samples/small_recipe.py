"""A recipe that looks at shallow layers alone, so that small views can be painted."""

from __future__ import annotations

from typing import Any

from nst3d.stylize.recipe import Recipe


def shallow(gram: tuple[str, ...] = ("relu1_1", "relu2_1"), **changes: Any) -> Recipe:
    """The default losses at relu2_1 and above; `changes` of terms as in `Recipe.with_terms`."""
    layers = {"gram": gram} | dict.fromkeys(("content", "nnfm", "consistency"), ("relu2_1",))
    recipe = Recipe().with_terms({name: {"layers": found} for name, found in layers.items()})
    return recipe.with_terms(changes)
