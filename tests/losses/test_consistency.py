from __future__ import annotations

import pytest
import torch

from nst3d.errors import ConfigError
from nst3d.losses import AgreeingNNFMLoss, ConsistencyLoss, Correspondence, NNFMLoss, Observation, Partner
from nst3d.losses.agreement import agree
from nst3d.losses.consistency import consistency_loss


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def straight(height: int, width: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([(x + 0.5) / width * 2 - 1, (y + 0.5) / height * 2 - 1], dim=-1).double()


def everywhere(height: int, width: int) -> torch.Tensor:
    return torch.ones(height, width, dtype=torch.bool)


@pytest.mark.parametrize("measure", ["cosine", "relative"])
def test_a_view_agrees_with_itself_and_with_its_mirror_image(measure) -> None:
    ours = noise(4, 5, 7)
    same = Correspondence(straight(5, 7), everywhere(5, 7))
    mirrored = Correspondence(straight(5, 7) * torch.tensor([-1.0, 1.0]), everywhere(5, 7))
    assert consistency_loss(ours, ours, same, measure) == pytest.approx(0, abs=1e-14)
    assert consistency_loss(ours, ours.flip(2), mirrored, measure) == pytest.approx(0, abs=1e-14)
    assert consistency_loss(ours, ours.flip(2), same, measure) > 0.01


def test_by_hand() -> None:
    ours, theirs = torch.tensor([[[3.0]], [[0.0]]]), torch.tensor([[[3.0]], [[4.0]]])
    link = Correspondence(straight(1, 1), everywhere(1, 1))
    assert consistency_loss(ours, theirs, link) == pytest.approx(1 - 3 / 5)
    assert consistency_loss(ours, theirs, link, "relative") == pytest.approx(16 / 25)


def test_only_points_that_both_see_count() -> None:
    ours, theirs = noise(4, 5, 7), noise(4, 5, 7, seed=1)
    valid = everywhere(5, 7)
    valid[:, :3] = False
    theirs[:, :, 3:] = ours[:, :, 3:]
    link = Correspondence(straight(5, 7), valid)
    assert consistency_loss(ours, theirs, link, "relative") == pytest.approx(0, abs=1e-12)
    assert consistency_loss(ours, theirs, Correspondence(straight(5, 7), ~everywhere(5, 7))) == 0


def test_the_partner_gets_no_gradient() -> None:
    ours, theirs = noise(4, 5, 7).requires_grad_(), noise(4, 5, 7, seed=1).requires_grad_()
    consistency_loss(ours, theirs, Correspondence(straight(5, 7), everywhere(5, 7))).backward()
    assert ours.grad.abs().max() > 0
    assert theirs.grad is None


def test_bilinear_between_positions_and_another_size() -> None:
    theirs = torch.tensor([[[0.0, 1.0, 2.0, 3.0]]]).double()
    link = Correspondence(straight(1, 2), everywhere(1, 2))
    assert link.at(theirs).tolist() == [[[0.5, 2.5]]]
    middle = Correspondence(
        torch.tensor([[[-0.75, 0.0], [0.3, 0.0], [1.0, 0.0], [-9.0, 0.0]]]), everywhere(1, 4)
    )
    assert middle.index(1, 4).tolist() == [[0, 2, 3, 0]]


def test_choices_are_taken_over_where_both_see_and_cover() -> None:
    ours = torch.tensor([[1, 2, 3, -1]])
    theirs = torch.tensor([[7, 8, -1, 9]])
    valid = torch.tensor([[True, False, True, True]])
    assert agree(ours, theirs, Correspondence(straight(1, 4), valid)).tolist() == [[7, 2, 3, -1]]
    assert torch.equal(agree(ours, ours, Correspondence(straight(1, 4), everywhere(1, 4))), ours)


def test_loss_without_and_with_a_partner() -> None:
    ours, theirs = noise(4, 5, 7).requires_grad_(), noise(4, 5, 7, seed=1)
    link = Correspondence(straight(5, 7), everywhere(5, 7))
    partners = {1: Partner({"a": link}, {"a": theirs})}
    loss = ConsistencyLoss(("a",), partners.get)
    alone = loss(Observation({"a": ours}, view=0))
    alone.backward()
    assert alone.detach() == 0
    assert loss(Observation({"a": ours}, view=1)) == consistency_loss(ours, theirs, link)
    with pytest.raises(ConfigError, match="choose cosine or relative"):
        ConsistencyLoss(("a",), partners.get, "square")


def test_agreeing_nnfm_pulls_towards_the_partners_neighbour() -> None:
    nnfm = NNFMLoss({"a": noise(4, 6, 6, seed=2)})
    ours = {"a": noise(4, 5, 7)}
    theirs = torch.full((5, 7), 11)
    link = Correspondence(straight(5, 7), everywhere(5, 7))
    partners = {1: Partner({"a": link}, choices={"strokes/a": theirs})}
    loss = AgreeingNNFMLoss(nnfm, partners.get, tolerance=2.0, name="strokes")
    alone, other = Observation(ours, view=0), Observation(ours, view=1)
    assert loss(alone) == nnfm(Observation(ours))
    assert torch.equal(alone.choices["strokes/a"], nnfm.match(Observation(ours))["a"])
    assert loss(other) == nnfm.loss_for(Observation(ours), {"a": theirs})
    assert torch.equal(other.choices["strokes/a"], theirs)


def test_agreeing_nnfm_keeps_its_own_neighbour_where_the_partners_fits_worse() -> None:
    style = torch.eye(4)[:, None]  # four directions at right angles
    nnfm = NNFMLoss({"a": style})
    ours = {"a": torch.tensor([[1.0, 0.8], [0.0, 0.79], [0.0, 0.0], [0.0, 0.0]])[:, None]}
    theirs = torch.tensor([[1, 1]])
    link = Correspondence(straight(1, 2), everywhere(1, 2))
    partner = Partner({"a": link}, choices={"nnfm/a": theirs})
    view = Observation(ours)
    AgreeingNNFMLoss(nnfm, lambda view: partner)(view)
    assert view.choices["nnfm/a"].tolist() == [[0, 1]]
