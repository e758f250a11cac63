"""Optimised frames: held to what is carried to them, and still where nothing moves."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from nst3d.features.weights import load_encoder
from nst3d.flow.carried import Carried
from nst3d.flow.warp import warped
from nst3d.stylize.clips.frame_optimiser import FrameOptimiser, following_schedule, fresh_schedule
from nst3d.stylize.clips.optimised import OptimisedFrames
from nst3d.stylize.clips.palette import PaletteFrames
from nst3d.stylize.clips.steady import Moment
from nst3d.stylize.clips.temporal_guide import TemporalGuide
from nst3d.stylize.look import Look
from nst3d.stylize.recipe import Recipe
from nst3d.stylize.style import Style
from nst3d.tensors import Image, ImageSize, Planes

SIZE = ImageSize(32, 48)


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def look(image: torch.Tensor) -> Look:
    return Look(Planes(image), torch.ones(image.shape[1:]))


@pytest.fixture(scope="module")
def optimiser() -> FrameOptimiser:
    recipe = Recipe().with_terms({"consistency": 0.0, "nnfm": {"weight": 2.0, "agree": 0.0}})
    return FrameOptimiser(recipe, load_encoder(dtype=torch.float32), [Style((Image(drawn(9, 40, 40, 3)),))])


class Still:
    """No motion."""

    name = "still"

    def between(self, here, there):
        return torch.zeros(*here.shape[:2], 2)


def frames_of(optimiser: FrameOptimiser, steady: float, iterations: int = 4) -> OptimisedFrames:
    content = PaletteFrames(optimiser.styles[0])
    return OptimisedFrames(optimiser, content, content, Still() if steady else None, iterations, steady)


def picture_bytes(seed: int = 0) -> np.ndarray:
    coarse = drawn(seed, 1, 3, 4, 6)
    fine = torch.nn.functional.interpolate(coarse, SIZE, mode="bilinear")[0]
    return (fine.permute(1, 2, 0) * 255).byte().numpy()


def test_the_temporal_loss_of_an_exactly_warped_pair_is_zero() -> None:
    before, back = Planes(drawn(0, 3, 16, 24)), torch.tensor([1.3, -0.6]).expand(16, 24, 2)
    moved = warped(before, back)
    guide = TemporalGuide(Carried(moved, torch.ones(16, 24)), torch.zeros(3))
    assert guide.judge(look(moved))[0] == 0
    assert guide.judge(look(before))[0] > 0.01


def test_the_temporal_loss_is_a_mean_over_all_pixels_of_those_that_are_trusted() -> None:
    trust = torch.zeros(8, 8)
    trust[:2] = 0.5
    image = torch.zeros(3, 8, 8, requires_grad=True)
    guide = TemporalGuide(Carried(Planes(torch.full((3, 8, 8), 0.4)), trust), torch.zeros(3))
    loss, _ = guide.judge(look(image))
    assert float(loss.detach()) == pytest.approx(0.16 * 0.5 / 4)
    loss.backward()
    assert image.grad is not None
    assert (image.grad[:, :2] < 0).all()
    assert not image.grad[:, 2:].any()


def test_frames_are_painted_coarse_then_fine_and_the_next_at_their_own_size() -> None:
    assert [(s.size, s.iterations) for s in fresh_schedule(ImageSize(108, 192), 200).stages] == [
        (96, 150),
        (192, 50),
    ]
    assert [(s.size, s.iterations) for s in fresh_schedule(SIZE, 8).stages] == [(48, 8)]  # too small to halve
    assert [(s.size, s.iterations) for s in following_schedule(SIZE, 8).stages] == [(48, 8)]


def test_a_frame_is_held_only_where_it_is_trusted(optimiser) -> None:
    content = PaletteFrames(optimiser.styles[0]).paint(Planes(drawn(1, 3, *SIZE)))
    trust = torch.zeros(SIZE)
    trust[:, :24] = 1
    held = optimiser.held(Carried(content, trust), 1e6)
    painted = optimiser.paint(content, content, following_schedule(SIZE, 8), held)
    change = (painted - content).abs().mean(0)
    assert change[:, :20].mean() < 0.3 * change[:, 28:].mean()


def moments(frames: OptimisedFrames, given) -> list[Moment]:
    done: list[Moment] = []
    frames.begin(given)
    for frame in given:
        picture = frames.paint(frame, done[::-1])
        done.append(Moment(frame, picture, picture))
    return done


def test_a_still_clip_stays_still(optimiser) -> None:
    frame = picture_bytes()
    done = moments(frames_of(optimiser, 0.85, iterations=3), [frame] * 4)
    for before, after in itertools.pairwise(done):
        assert (after.picture - before.picture).square().mean().sqrt() < 0.02
    assert (done[-1].picture - done[0].picture).square().mean().sqrt() < 0.06


def test_steadier_frames_take_over_more(optimiser) -> None:
    given = [picture_bytes(), picture_bytes()]
    little, much = (moments(frames_of(optimiser, steady), given) for steady in (0.1, 0.95))
    assert torch.equal(little[0].picture, much[0].picture)
    changes = [(m[1].picture - m[0].picture).square().mean() for m in (little, much)]
    assert changes[1] < 0.8 * changes[0]


def test_a_frame_on_its_own_is_painted_anew(optimiser) -> None:
    done = moments(frames_of(optimiser, 0.0, iterations=1), [picture_bytes()] * 2)
    assert torch.equal(done[0].picture, done[1].picture)


def test_a_frame_looks_past_a_nearer_one_that_hides_something(optimiser) -> None:
    """Nothing of a frame that looks different is carried; it comes from the one before that."""
    frame, flash = picture_bytes(), np.full((*SIZE, 3), 255, np.uint8)
    pictures = [Planes(torch.full((3, *SIZE), level)) for level in (0.9, 0.3)]
    near = [Moment(flash, pictures[0], pictures[0]), Moment(frame, pictures[1], pictures[1])]
    found = frames_of(optimiser, 0.85)._carried(frame, near)
    assert found is not None
    assert (found.picture - 0.3).abs().mean() < 0.05


def test_a_later_pass_starts_from_both(optimiser) -> None:
    """Half of what is carried, half of its own picture from the last pass."""
    starts: list[torch.Tensor] = []
    kept = replace(optimiser)
    object.__setattr__(kept, "paint", lambda content, start, *rest: starts.append(start) or start)
    frame = picture_bytes()
    carried_on, own = (Planes(torch.full((3, *SIZE), level)) for level in (0.2, 0.8))
    frames = frames_of(kept, 0.85)
    frames.begin([frame])
    frames.paint(frame, [Moment(frame, carried_on, carried_on)], own)
    assert torch.allclose(starts[0], torch.tensor(0.5), atol=1e-4)
    frames.paint(frame, [], own)
    assert torch.equal(starts[1], own)
