"""Training of translators: terms at values that are known, the history, and that a resumed training is the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nst3d.errors import InputError
from nst3d.networks.critic import Critic
from nst3d.networks.translator import TranslatorShape, draw_weights
from nst3d.tensors import Planes
from nst3d.training.checkpoint import planned_steps, restore_training, save_training
from nst3d.training.cycle import PARTS, CyclePace, CycleTrainer
from nst3d.training.history import History

SIDE = 32


def domains(*reds: float) -> tuple[list[Planes], list[Planes]]:
    """Two pictures of each domain, grey noise but for the red channel."""
    source = torch.Generator().manual_seed(3)
    sets = []
    for red in reds:
        pictures = 0.4 + 0.2 * torch.rand(2, 3, 36, 40, generator=source)
        pictures[:, 0] = red
        sets.append([Planes(p) for p in pictures])
    return sets[0], sets[1]


def trainer(steps: int = 6, **pace: float) -> CycleTrainer:
    made = CyclePace(steps, SIDE, **{"history": 2, "seed": 5, **pace})
    return CycleTrainer(TranslatorShape(2, 1), domains(0.2, 0.8), made)


def test_each_part_has_the_value_that_the_paper_gives_it() -> None:
    made = trainer(cycle=3.0, identity=2.0)
    for network in made.translators:
        torch.nn.init.zeros_(network.model[-2].weight)  # every picture becomes grey, 0.5
    for critic in made._critics:
        torch.nn.init.zeros_(critic.layers[-1].weight)
        torch.nn.init.constant_(critic.layers[-1].bias, 0.25)  # nothing looks real or painted
    made.step()
    found = dict(zip(PARTS, made.losses[0].tolist()))
    source = torch.Generator().manual_seed(5 * 1_000_003)
    first, second = (made._patch(pictures, source) for pictures in made._domains)
    grey = sum(2 * float((p - 0.5).abs().mean()) for p in (first, second))
    assert found["real"] == pytest.approx(2 * 0.75**2)
    assert found["cycle"] == pytest.approx(3 * grey, rel=1e-5)
    assert found["identity"] == pytest.approx(3 * 2 * grey, rel=1e-5)
    assert found["critics"] == pytest.approx(0.75**2 + 0.25**2)


def test_pictures_take_the_other_domains_colour() -> None:
    made = trainer(150, rate=2e-3, cycle=1.0, history=8)
    for _ in range(150):
        made.step()
    painted = made.translators[0](domains(0.2, 0.8)[0][0][None]).detach()
    assert painted[:, 0].mean() > 0.5


def test_a_resumed_training_ends_the_same(tmp_path: Path) -> None:
    whole, first, second = trainer(), trainer(), trainer()
    for _ in range(6):
        whole.step()
    for _ in range(4):
        first.step()
    save_training(tmp_path / "c.safetensors", first, "mark")
    assert planned_steps(tmp_path / "c.safetensors", "mark") == 6
    restore_training(tmp_path / "c.safetensors", second, "mark")
    for _ in range(2):
        second.step()
    ended, other = whole.state(), second.state()
    assert ended.keys() == other.keys()
    assert all(torch.equal(ended[name], other[name]) for name in ended)
    assert len(second.losses) == 6


def test_another_trainings_state_is_refused(tmp_path: Path) -> None:
    made = trainer()
    made.step()
    save_training(tmp_path / "c.safetensors", made, "mark")
    wide = CycleTrainer(TranslatorShape(4, 1), domains(0.2, 0.8), CyclePace(6, SIDE))
    with pytest.raises(InputError, match="not a usable checkpoint"):
        restore_training(tmp_path / "c.safetensors", wide, "mark")


def test_the_rate_is_constant_and_then_falls_to_nothing() -> None:
    made = trainer(10, rate=1.0)
    rates = []
    for made.done in range(11):
        rates.append(made._rate())
    assert rates == pytest.approx([1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0])


@pytest.mark.parametrize(("halvings", "field"), [(2, 34), (3, 70)])
def test_a_critic_sees_as_much_as_it_says(halvings: int, field: int) -> None:
    critic = Critic(2, halvings)
    for layer in critic.layers:  # normalisation sees everything
        if isinstance(layer, torch.nn.InstanceNorm2d):
            layer.forward = lambda x: x
    draw_weights(critic, torch.Generator().manual_seed(0))
    picture = torch.rand(1, 3, 160, 160).requires_grad_()
    judged = critic(picture)
    judged[0, 0, judged.shape[2] // 2, judged.shape[3] // 2].backward()
    seen = picture.grad.abs().sum((0, 1))
    assert int((seen.sum(0) > 0).sum()) == int((seen.sum(1) > 0).sum()) == field


def test_the_history_exchanges_half_of_the_pictures_once_full() -> None:
    history, source = History(3), torch.Generator().manual_seed(0)
    pictures = [torch.full((3, 2, 2), k / 256) for k in range(200)]
    shown = [history.exchanged(picture, source) for picture in pictures]
    assert all(torch.equal(*pair) for pair in zip(shown[:3], pictures))
    older = [k for k in range(3, 200) if not torch.equal(shown[k], pictures[k])]
    assert 70 < len(older) < 130
    assert all(float(shown[k][0, 0, 0]) * 256 < k for k in older)
    assert len(history.kept) == 3
    none = History(0)
    assert all(torch.equal(none.exchanged(p, source), p) for p in pictures[:5])
    assert none.kept == []
