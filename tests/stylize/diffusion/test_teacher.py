"""The diffusion teacher, on tiny random models: what it does with views, not what a real model would paint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from edited_views import HEIGHT, JADE, WIDTH, change, look, picture, taught, teacher, views

from nst3d.errors import ConfigError
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import TEACHERS, lessons_of, teacher_notes, teacher_ready
from nst3d.tensors import Image, to_planes


@pytest.mark.parametrize("name", ["plain", "velocity"])
def test_pictures_keep_their_size_and_range(models: Path, name: str) -> None:
    looks = [look(picture(0), 0), look(picture(1, 33, 70), 1)]
    found = taught(teacher(models, name), looks)
    assert [tuple(p.shape) for p in found] == [(HEIGHT, WIDTH, 3), (33, 70, 3)]
    assert all(float(p.min()) >= 0 and float(p.max()) <= 1 for p in found)
    assert all(torch.equal(a, b) for a, b in zip(found, taught(teacher(models, name), looks)))


def test_other_seeds_and_rounds_have_other_noise(models: Path) -> None:
    own = teacher(models)
    first, seeded, later = (
        taught(own, [look(picture(), **fields)])[0] for fields in ({}, {"seed": 1}, {"step": 1})
    )
    assert not torch.equal(first, seeded)
    assert not torch.equal(first, later)


def test_words_count_by_their_weights(models: Path) -> None:
    jade, wood = JADE, Style(text="wood")
    alone, mixed, other = (
        change(models, styles) for styles in ([jade], [jade, replace(wood, weight=1e-9)], [wood])
    )
    torch.testing.assert_close(alone, mixed, atol=1e-4, rtol=0)
    assert float((alone - other).abs().max()) > 1e-3
    avoiding = change(models, [replace(jade, avoid="wood")])
    assert float((alone - avoiding).abs().max()) > 1e-3


def test_words_to_avoid_that_are_those_wanted_cancel(models: Path) -> None:
    """w + s (w − w) does not depend on s."""
    same = [Style(text="wood", avoid="wood")]
    torch.testing.assert_close(
        change(models, same, guidance=1.0), change(models, same, guidance=9.0), atol=1e-4, rtol=0
    )


def test_what_is_not_covered_stays(models: Path) -> None:
    own = look(picture())
    coverage = own.coverage.clone()
    coverage[:, :20] = 0
    found = taught(teacher(models), [replace(own, coverage=coverage)])[0]
    assert torch.equal(found[:, :20], picture()[:, :20])
    assert float((found - picture())[:, 20:].abs().mean()) > 0.02


def test_strength_falls_from_round_to_round(models: Path) -> None:
    own = teacher(models, strength=0.8, last=0.2)
    strengths = [own.in_round(k, 3)._editing.strength for k in range(3)]
    assert strengths == pytest.approx([0.8, 0.5, 0.2])
    assert own.in_round(0, 1)._editing.strength == 0.8
    assert [lesson._editing.strength for lesson in lessons_of(own, 3)] == strengths


def test_views_of_the_same_come_out_the_same(models: Path) -> None:
    """As they begin with the same noise; with noise of their own they do not."""
    one, other = taught(teacher(models), views(0, 0))
    torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
    one, other = taught(teacher(models), [replace(k, coarse=None) for k in views(0, 0)])
    assert float((one - other).abs().mean()) > 0.02


def test_views_in_a_grid_see_each_other(models: Path) -> None:
    looks = [look(picture(k), k) for k in range(3)]
    own = teacher(models, grid=2)
    found = taught(own, looks)
    assert [tuple(p.shape) for p in found] == [(HEIGHT, WIDTH, 3)] * 3
    others = taught(own, [looks[0], look(picture(9), 1), looks[2]])
    assert float((found[0] - others[0]).abs().max()) > 1e-3  # another neighbour
    alone = [taught(teacher(models), [each])[0] for each in (looks[0], look(picture(0), 0))]
    assert torch.equal(*alone)


def test_an_instructed_model_sees_what_was_there_before(models: Path) -> None:
    now = look(picture())
    own = teacher(models, "instructed", way="instruct")
    first, other = (
        taught(own, [replace(now, content=lambda seed=seed: to_planes(picture(seed)))])[0] for seed in (0, 3)
    )
    assert torch.equal(first, taught(own, [now])[0])  # without a content, what it is now
    assert float((first - other).abs().max()) > 1e-3
    weaker = teacher(models, "instructed", way="instruct", picture=0.0)
    assert not torch.equal(first, taught(weaker, [now])[0])


def test_a_controlnet_sees_depth(models: Path) -> None:
    own = teacher(models, way="controlnet", control=str(models / "control"))
    depth = torch.linspace(1, 3, WIDTH).expand(HEIGHT, WIDTH)
    now = look(picture())
    one, other, far = (
        taught(own, [replace(now, depth=lambda d=d: d)])[0] for d in (depth, depth.flip(1), 100 * depth)
    )
    assert float((one - other).abs().max()) > 1e-3
    torch.testing.assert_close(one, far, atol=1e-3, rtol=0)  # the picture of depth has no unit
    with pytest.raises(ConfigError, match="depth"):
        taught(own, [now])


def test_adain_needs_a_picture_and_moves_the_start(models: Path) -> None:
    dark = Style((Image(0.1 * picture(5)),), text="wood")
    plain, moved = (change(models, [dark], adain=share) for share in (0.0, 1.0))
    assert float((plain - moved).abs().mean()) > 1e-3
    with pytest.raises(ConfigError, match="picture"):
        change(models, adain=0.5)


def test_latents_of_one_table_agree(models: Path) -> None:
    apart, joined = (taught(teacher(models, blend=share), views(0, 1)) for share in (0.0, 1.0))
    gaps = [float((one - other).abs().mean()) for one, other in (apart, joined)]
    assert gaps[1] < 0.2 * gaps[0]
    with pytest.raises(ConfigError, match="blend"):
        taught(teacher(models, blend=1.0), [look(picture())])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"way": "instruct"}, "InstructPix2Pix"),
        ({"way": "paint"}, "expected 'img2img'"),
        ({"way": "controlnet"}, "control=FOLDER"),
        ({"strength": 1.5}, "expected a number from 0 to 1"),
        ({"steps": 0}, "expected a number from 1 to 1000"),
    ],
)
def test_what_does_not_fit_is_refused(models: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        teacher(models, **options)


def test_what_it_should_be_told_about_styles(models: Path) -> None:
    own = {"model": str(models / "plain")}
    assert TEACHERS.get("diffusion").reads_words
    assert not teacher_ready("diffusion", own, [JADE])
    (note,) = teacher_ready("diffusion", own, [Style(text="jade " * 100)])
    assert "the last 25 are left out" in note
    with pytest.raises(ConfigError, match="words"):
        teacher_ready("diffusion", own, [Style((picture(),))])
    assert not teacher_notes("diffusion", own, 128)
    assert "`size=128`" in teacher_notes("diffusion", own, 512)[0]
