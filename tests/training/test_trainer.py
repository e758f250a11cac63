"""Training on tiny pictures: the loss falls, a resumed training ends like an unbroken one, patches show the scene."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from nst3d.errors import ConfigError, InputError
from nst3d.networks.generator import GeneratorShape, random_generator
from nst3d.stylize.guide import Guide
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.tensors import Image, Mask, Planes
from nst3d.training.checkpoint import planned_steps, restore_training, save_training
from nst3d.training.patches import Patches
from nst3d.training.shot import Before, Shot
from nst3d.training.steadiness import unsteadiness
from nst3d.training.trainer import Lesson, Pace, Trainer

SIDE = 32
SHIFT = (3, 2)
"""How far the content of the second frame of a pair lies to the right of and below that of the first."""


class Colour(Guide):
    """Wants the mean colour of a style, and counts what it judges."""

    def __init__(self, wanted: torch.Tensor) -> None:
        self.background, self.seen = wanted, []

    def judge(self, look: Look) -> tuple[torch.Tensor, dict[str, float]]:
        self.seen.append(look.view)
        loss = (look.image.mean((1, 2)) - self.background).square().sum()
        return loss, {"colour": float(loss.detach())}


def style(*rgb: float) -> Style:
    pixels = torch.tensor(rgb) + 0.1 * torch.rand(16, 16, 3, generator=torch.Generator().manual_seed(1))
    return Style((Image(pixels.clamp(0, 1)),))


def shots(count: int = 3, size: tuple[int, int] = (40, 48)) -> list[Shot]:
    generator = torch.Generator().manual_seed(2)
    return [
        Shot(Planes(torch.rand(3, *size, generator=generator)), Mask(torch.ones(size))) for _ in range(count)
    ]


def moved(flow: tuple[float, float], size: tuple[int, int] = (48, 60)) -> Shot:
    """A frame whose content moved by SHIFT, with a flow to the one before."""
    scene = torch.rand(3, size[0] + SHIFT[1], size[1] + SHIFT[0], generator=torch.Generator().manual_seed(3))
    before = Planes(scene[:, SHIFT[1] :, SHIFT[0] :])
    back = torch.tensor(flow, dtype=torch.float32).repeat(*size, 1)
    mask = Mask(torch.ones(size))
    return Shot(Planes(scene[:, : size[0], : size[1]]), mask, Before(before, back, mask))


def trainer(
    steps: int = 30,
    styles: int = 1,
    frames: list[Shot] | None = None,
    temporal: float = 0,
    recurrent: bool = False,
) -> Trainer:
    colours = [(0.9, 0.2, 0.1), (0.1, 0.3, 0.8)][:styles]
    lessons = [
        Lesson(Patches(frames or shots(), s, SIDE, 5), Colour(s.background))
        for s in (style(*c) for c in colours)
    ]
    generator = random_generator(GeneratorShape((4, 6, 8), blocks=1, styles=styles, recurrent=recurrent), 0)
    return Trainer(generator, lessons, Pace(steps, batch=2, rate=0.05, temporal=temporal))


def test_a_recurrent_network_learns_to_remember() -> None:
    """Its memory is trained, and a resumed training ends like an unbroken one."""
    unbroken, broken, resumed = (trainer(8, 1, [moved(SHIFT)], 1.0, recurrent=True) for _ in range(3))
    for _ in range(8):
        unbroken.step()
    for _ in range(3):
        broken.step()
    resumed.restore(broken.state(), broken.done)
    for _ in range(5):
        resumed.step()
    for name, value in unbroken.generator.state_dict().items():
        assert torch.equal(value, resumed.generator.state_dict()[name]), name
    assert unbroken.generator.memory.out.weight.abs().max() > 0
    untrained = trainer(recurrent=True).generator.memory.gates.weight
    assert not torch.equal(unbroken.generator.memory.gates.weight, untrained)


@pytest.mark.parametrize("styles", [1, 2])
def test_the_loss_falls_in_thirty_steps(styles) -> None:
    trained = trainer(30 * styles, styles)
    losses = [trained.step()[0] for _ in range(30 * styles)]
    assert sum(losses[-6:]) < 0.1 * sum(losses[:6])


def test_every_patch_is_seen_before_one_comes_again() -> None:
    trained = trainer()
    for _ in range(5):
        trained.step()
    seen = trained._lessons[0].guide.seen
    assert sorted(seen[:5]) == sorted(seen[5:]) == list(range(5))


def test_a_resumed_training_ends_like_an_unbroken_one(tmp_path: Path) -> None:
    unbroken, broken, resumed = (trainer(6, styles=2) for _ in range(3))
    for _ in range(6):
        unbroken.step()
    for _ in range(3):
        broken.step()
    save_training(tmp_path / "c.safetensors", broken, "mark")
    assert planned_steps(tmp_path / "c.safetensors", "mark") == 6
    restore_training(tmp_path / "c.safetensors", resumed, "mark")
    assert resumed.done == 3
    for _ in range(3):
        resumed.step()
    for name, value in unbroken.generator.state_dict().items():
        assert torch.equal(value, resumed.generator.state_dict()[name]), name


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    save_training(path, trainer(), "mark")
    with pytest.raises(InputError, match="other styles, pictures or settings"):
        planned_steps(path, "another mark")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"c\.safetensors"):
        restore_training(path, trainer(), "mark")


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path) -> None:
    save_training(tmp_path / "c.safetensors", trainer(styles=2), "mark")
    with pytest.raises(InputError, match="not a usable checkpoint"):
        restore_training(tmp_path / "c.safetensors", trainer(styles=1), "mark")


def test_patches_lie_where_the_scene_is() -> None:
    coverage = torch.zeros(96, 96)
    coverage[:48, 48:] = 1
    patches = Patches(
        [Shot(Planes(torch.rand(3, 96, 96) * coverage), Mask(coverage))], style(0.5, 0.5, 0.5), SIDE, 40
    )
    shares = [float(patches.coverage(n).mean()) for n in range(40)]
    assert sum(share >= 0.3 for share in shares) >= 38  # by chance alone it would be a third
    assert patches.content(0).shape == (3, SIDE, SIDE)


def test_patches_show_the_background_of_the_style_and_move_towards_its_palette() -> None:
    wanted = style(0.9, 0.2, 0.1)
    patches = Patches(shots(), wanted, SIDE, 30)
    reds = [float(patches.shown(n)[0].mean()) for n in range(30)]
    assert min(reds) < 0.6
    assert max(reds) > 0.8  # grey noise is 0.5, the palette 0.95
    assert all(float(patches.content(n)[0].mean()) < 0.6 for n in range(30))
    empty = Shot(Planes(torch.zeros(3, 40, 40)), Mask(torch.zeros(40, 40)))
    torch.testing.assert_close(empty.over(wanted.background)[:, 3, 4], wanted.background)


def test_pictures_smaller_than_a_patch_are_refused() -> None:
    with pytest.raises(ConfigError, match="no picture to train on has 64 x 64 pixels"):
        Patches(shots(), style(0.5, 0.5, 0.5), 64, 5)


def test_the_rate_rises_and_falls_to_nothing() -> None:
    trained = trainer(100)
    rates = []
    for trained.done in range(100):
        rates.append(trained._rate())
    assert rates[0] < rates[9]
    assert max(rates) <= 0.05
    assert 0 < rates[-1] < 1e-3 * max(rates)


def test_an_exactly_warped_pair_is_steady() -> None:
    patches = Patches([moved((-3.0, -2.0))], style(0.5, 0.5, 0.5), SIDE, 20)
    for number in range(20):
        before = patches.before(number)
        assert before.colour.shape == (3, SIDE, SIDE)
        assert before.trust.mean() > 0.7  # the place follows the motion, as far as the frame goes
        shown = patches.shown(number)
        assert float(unsteadiness(shown, before.colour, before.back, before.trust)) < 1e-10
        assert float(unsteadiness(shown, before.colour, before.back + 5, before.trust)) > 1e-3


def test_both_frames_of_a_pair_are_moved() -> None:
    frame, before = (torch.rand(3, 8, 8, requires_grad=True) for _ in range(2))
    still, everywhere = torch.zeros(8, 8, 2), Mask(torch.ones(8, 8))
    unsteadiness(Planes(frame), Planes(before), still, everywhere).backward()
    torch.testing.assert_close(frame.grad, -before.grad)
    nowhere = unsteadiness(Planes(frame), Planes(before), still, Mask(torch.zeros(8, 8)))
    assert float(nowhere.detach()) == 0


def test_a_training_on_pairs_of_frames_is_resumed_like_an_unbroken_one(tmp_path: Path) -> None:
    unbroken, broken, resumed, alone = (
        trainer(4, frames=[moved((-3.0, -2.0))], temporal=weight) for weight in (9, 9, 9, 0)
    )
    for _ in range(4):
        _, parts = unbroken.step()
        alone.step()
    assert parts["temporal"] > 0
    for _ in range(2):
        broken.step()
    save_training(tmp_path / "c.safetensors", broken, "mark")
    restore_training(tmp_path / "c.safetensors", resumed, "mark")
    for _ in range(2):
        resumed.step()
    for name, value in unbroken.generator.state_dict().items():
        assert torch.equal(value, resumed.generator.state_dict()[name]), name
    assert not torch.equal(unbroken.generator.last.weight, alone.generator.last.weight)
