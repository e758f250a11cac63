"""What of a recipe shapes a mesh that is displaced."""

from __future__ import annotations

from nst3d.pipeline.kinds.mesh.shape_guide import shape_recipe
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.shape.options import DisplaceOptions


def test_all_losses_that_aim_at_the_style_count_and_no_others() -> None:
    painting = Recipe().with_terms(
        {"gram": 0.0, "covariance": 2.0, "sliced": 1.0, "edges": 3.0, "consistency": 1.0}
    )
    found = shape_recipe(painting, DisplaceOptions(style=0.5, content=0.25))
    assert {term.name: term.weight for term in found.terms} == {
        "content": 0.25,
        "gram": 0.0,
        "nnfm": 1.0,
        "covariance": 1.0,
        "sliced": 0.5,
    }
