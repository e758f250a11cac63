"""A loss made by hand, by a term and by the recipe have the same defaults."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch

from nst3d.losses import (
    LOSSES,
    AgreeingNNFMLoss,
    ConsistencyLoss,
    ContentLoss,
    GramLoss,
    LossInputs,
    MomentsLoss,
    NNFMLoss,
    Search,
    TotalVariationLoss,
)
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.terms import Term


class Coder:
    """The part of an encoder that losses ask for when they are made."""

    unit = 1.0


def defaults(kind: type) -> dict[str, Any]:
    """The defaults of a constructor by name."""
    parameters = inspect.signature(kind).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def made(name: str) -> Any:
    """The loss of a term with nothing but a name."""
    features = {layer: torch.rand(4, 1, 12) for layer in LOSSES.get(name).layers}
    term, kind = Term(name), LOSSES.get(name)
    inputs = LossInputs(
        name,
        term.layers or kind.layers,
        term.all_options,
        Recipe().normalise,
        Coder(),
        lambda layers: features,
        lambda layers: {0: features},
        lambda cells, layers=(): lambda view: None,
    )
    return kind.make(inputs)


@pytest.mark.parametrize("kind", [GramLoss, ContentLoss, MomentsLoss])
def test_distances_are_scaled_as_in_the_recipe(kind) -> None:
    assert defaults(kind)["normalise"] == Recipe().normalise == "relative"


@pytest.mark.parametrize(
    ("name", "kind"), [("gram", GramLoss), ("content", ContentLoss), ("moments", MomentsLoss)]
)
def test_a_term_alone_looks_where_its_loss_does(name, kind) -> None:
    loss = made(name)
    assert isinstance(loss, kind)
    assert loss.layers == LOSSES.get(name).layers
    assert set(loss.weights.values()) == {1.0}
    assert loss.normalise == defaults(kind)["normalise"]


def test_options_of_nnfm_are_its_constructors() -> None:
    options = LOSSES.get("nnfm").options
    assert options == {
        "style_positions": Search().max_style_positions,
        "concatenate": Search().concatenate,
        "agree": defaults(AgreeingNNFMLoss)["tolerance"],
    }
    loss = made("nnfm")
    assert loss.nnfm.search == Search() == NNFMLoss({"a": torch.rand(4, 1, 12)}).search
    assert loss.layers == LOSSES.get("nnfm").layers


def test_options_of_the_others_are_their_constructors() -> None:
    assert dict(LOSSES.get("variation").options) == defaults(TotalVariationLoss)
    assert dict(LOSSES.get("consistency").options) == defaults(ConsistencyLoss)
    assert isinstance(made("variation"), TotalVariationLoss)
    assert made("consistency").layers == LOSSES.get("consistency").layers


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_term_without_options_has_all_of_them(name) -> None:
    assert Term(name).all_options == dict(LOSSES.get(name).options)


def test_the_recipe_s_terms_name_no_option_of_their_own() -> None:
    """Otherwise a term added by hand would differ from the recipe's."""
    for term in Recipe().terms:
        assert (term.layers, dict(term.options), term.region, term.schedule) == ((), {}, None, ())
