from __future__ import annotations

import torch

from nst3d.losses import IMAGE, Correspondence, Observation
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
    made = ViewMemory(neighbours, geometry)
    made.require({LAYER: 4}, (LAYER,))
    made.require({"relu4_1": 8})
    return made, geometry


def picture(value: float) -> torch.Tensor:
    return torch.full((3, 4, 4), value)


def encoded(image: torch.Tensor) -> dict[str, torch.Tensor]:
    return {IMAGE: image, LAYER: image[:2, ::4, ::4] * 2, "other": torch.zeros(1)}


def seen(view: int, value: float = 0.0, choices=None) -> Observation:
    return Observation(encoded(picture(value).requires_grad_()), view=view, choices=choices or {})


def note(views: ViewMemory, *arguments) -> None:
    views.note(views.extract(seen(*arguments)))


def test_there_is_no_partner_before_a_neighbour_was_seen() -> None:
    views, _ = memory()
    assert views.find_partner(0) is None
    note(views, 0)
    assert views.find_partner(0) is None
    assert views.find_partner(1) is not None


def test_partners_take_turns() -> None:
    views, geometry = memory(((1, 2, 3), (0,), (0,), (0,)))
    for view in (1, 2, 3):
        note(views, view, float(view))
    met = []
    for _ in range(7):
        partner = views.find_partner(0)
        assert views.find_partner(0).features is partner.features  # the same within a step
        met.append(int(partner.features[LAYER][0, 0, 0] / 2))
        note(views, 0)
    assert met == [1, 2, 3, 1, 2, 3, 1]
    assert len(geometry.asked) == len(set(geometry.asked)) == 6  # three partners, two strides, each once
    assert (0, 2, 8) in geometry.asked


def test_a_partner_is_as_it_was_last_and_has_no_gradient() -> None:
    views, _ = memory()
    note(views, 1, 0.25)
    note(views, 1, 0.75)
    partner = views.find_partner(0)
    assert partner.features[LAYER].max() == 1.5
    assert not partner.features[LAYER].requires_grad
    assert set(partner.features) == {LAYER}
    assert set(partner.correspondences) == {LAYER, "relu4_1"}


def test_choices_are_kept() -> None:
    views, _ = memory()
    note(views, 1)
    assert views.find_partner(0).choices == {}
    choices = {"nnfm/relu4_1": torch.tensor([[3]])}
    note(views, 1, 0.0, choices)
    assert views.find_partner(0).choices["nnfm/relu4_1"] is choices["nnfm/relu4_1"]
    assert views.find_partner(2).choices["nnfm/relu4_1"] is choices["nnfm/relu4_1"]


def test_looking_for_a_partner_changes_nothing() -> None:
    views, _ = memory()
    note(views, 1, 1.0)
    note(views, 2, 2.0)
    first = [views.find_partner(0).features[LAYER] for _ in range(5)]
    assert all(f is first[0] for f in first)


def test_a_restored_memory_is_the_same() -> None:
    views, _ = memory(((1, 2, 3), (0,), (0,), (0,)))
    for view in (3, 1, 2, 1):
        note(views, view, float(view), {"nnfm/relu4_1": torch.tensor([[view]])})
    note(views, 0)
    again, _ = memory(((1, 2, 3), (0,), (0,), (0,)))
    again.restore(views.state(), encoded)
    for view in range(4):
        one, other = views.find_partner(view), again.find_partner(view)
        assert torch.equal(one.features[LAYER], other.features[LAYER])
        assert set(one.features) == set(other.features) == {LAYER}
        assert one.choices.keys() == other.choices.keys()
        assert all(torch.equal(one.choices[k], other.choices[k]) for k in one.choices)


def test_what_is_forgotten_is_in_no_state() -> None:
    geometry = Geometry()
    views = ViewMemory(((1,), (0,)), geometry, budget_bytes=10)
    views.require({LAYER: 4}, (LAYER,))
    note(views, 0)
    note(views, 1)
    assert [view for view, _ in views.state()["views"]] == [1]
