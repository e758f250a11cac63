from __future__ import annotations

import torch

from nst3d.losses import Correspondence, Observation
from nst3d.stylize.agreement import ViewMemory

LAYER = "relu3_1"


class Geometry:
    """Correspondences that tell who asked for them, and a count of how often they were made."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []

    def __call__(self, view: int, partner: int, cell: int) -> Correspondence:
        self.asked.append((view, partner, cell))
        return Correspondence(torch.zeros(1, 1, 2), torch.ones(1, 1, dtype=torch.bool))


def memory(neighbours=((1, 2), (0, 2), (0, 1))) -> tuple[ViewMemory, Geometry]:
    geometry = Geometry()
    return ViewMemory(neighbours, geometry, {LAYER: 4, "relu4_1": 8}, (LAYER,)), geometry


def seen(view: int, value: float = 0.0) -> Observation:
    features = {LAYER: torch.full((2, 1, 1), value, requires_grad=True), "other": torch.zeros(1)}
    return Observation(features, view=view)


def test_there_is_no_partner_before_a_neighbour_was_seen() -> None:
    views, _ = memory()
    assert views.find_partner(0) is None
    views.note(seen(0))
    assert views.find_partner(0) is None
    assert views.find_partner(1) is not None


def test_partners_take_turns() -> None:
    views, geometry = memory(((1, 2, 3), (0,), (0,), (0,)))
    for view in (1, 2, 3):
        views.note(seen(view, float(view)))
    met = []
    for _ in range(7):
        partner = views.find_partner(0)
        assert views.find_partner(0).features is partner.features  # the same within a step
        met.append(int(partner.features[LAYER][0, 0, 0]))
        views.note(seen(0))
    assert met == [1, 2, 3, 1, 2, 3, 1]
    assert len(geometry.asked) == len(set(geometry.asked)) == 6  # three partners, two strides, each once
    assert (0, 2, 8) in geometry.asked


def test_a_partner_is_as_it_was_last_and_has_no_gradient() -> None:
    views, _ = memory()
    views.note(seen(1, 0.25))
    views.note(seen(1, 0.75))
    partner = views.find_partner(0)
    assert partner.features[LAYER].max() == 0.75
    assert not partner.features[LAYER].requires_grad
    assert set(partner.features) == {LAYER}
    assert set(partner.correspondences) == {LAYER, "relu4_1"}


def test_choices_are_kept() -> None:
    views, _ = memory()
    views.note(seen(1))
    assert views.find_partner(0).choices == {}
    choices = {"relu4_1": torch.tensor([[3]])}
    views.note_choices(1, choices)
    assert views.find_partner(0).choices["relu4_1"] is choices["relu4_1"]
    assert views.find_partner(2).choices["relu4_1"] is choices["relu4_1"]
