"""The diffusion teacher's views attend to each other, to a style, and to words by step and layer."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from edited_views import HEIGHT, JADE, look, picture, taught, views

from nst3d.errors import ConfigError
from nst3d.stylize.diffusion.attention import Heads, Layer, Recorder
from nst3d.stylize.diffusion.companions import Companions
from nst3d.stylize.diffusion.editing import Editing
from nst3d.stylize.diffusion.image_prompt import Adapter, load_adapter
from nst3d.stylize.diffusion.networks import Networks, load_networks
from nst3d.stylize.diffusion.teacher import Diffusion
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import teacher_ready
from nst3d.tensors import Image

BOTH = Style((picture(7),), text="carved jade")
"""A style with a picture and words."""
EACH: list[dict[str, Any]] = [
    {"views_attend": 0.5},
    {"inject": 1.0},
    {"inject": 1.0, "adain": 1.0},
    {"words_fine": 0.0, "source": "wood"},
    {"words_from": 0.3},
    {"words_to": 0.3},
    {"adapter": "adapter"},
]
IDS = [" ".join(map(str, options)) for options in EACH]


@cache
def networks(folder: Path, control: str) -> Networks:
    return load_networks(str(folder), "option model", control)


@cache
def adapted(folder: str, networks: Networks) -> Adapter:
    return load_adapter(folder, "option adapter", networks)


def teacher(models: Path, name: str = "plain", **options: Any) -> Diffusion:
    """As `make_teacher` makes it, with networks that are read once."""
    own = Editing(**{"steps": 4, **options})
    read = networks(models / name, own.control)
    return Diffusion(read, own, adapted(own.adapter, read) if own.adapter else None)


def change(models: Path, styles: Sequence[Style] = (JADE,), **options: Any) -> Image:
    return taught(teacher(models, **options), [look(picture())], styles)[0]


def placed(models: Path, options: dict[str, Any]) -> dict[str, Any]:
    return options | ({"adapter": str(models / "adapter")} if "adapter" in options else {})


@pytest.mark.parametrize("options", EACH, ids=IDS)
def test_each_option_changes_views_and_the_same_call_gives_the_same(
    models: Path, options: dict[str, Any]
) -> None:
    own = teacher(models, **placed(models, options))
    looks = [look(picture(k), k) for k in range(2)]
    found, again, plain = (taught(each, looks, [BOTH]) for each in (own, own, teacher(models)))
    assert all(torch.equal(a, b) for a, b in zip(found, again))
    assert all(float((a - b).abs().max()) > 1e-3 for a, b in zip(found, plain))


def test_what_is_off_changes_no_bit(models: Path) -> None:
    off = {
        "views_attend": 0.0,
        "inject": 0.0,
        "inject_query": 0.2,
        "words_from": 1.0,
        "words_to": 0.0,
        "adapter": str(models / "adapter"),
        "adapter_weight": 0.0,
    }
    assert torch.equal(change(models, [BOTH], **off), change(models, [BOTH]))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain", {}),
        ("plain", {"grid": 2}),
        ("velocity", {}),
        ("instructed", {"way": "instruct"}),
        ("plain", {"way": "controlnet", "control": "control"}),
    ],
)
def test_all_work_together_in_every_way_and_keep_what_is_not_covered(
    models: Path, name: str, options: dict[str, Any]
) -> None:
    every: dict[str, Any] = {"words_coarse": 0.5, "inject": 0.5, "views_attend": 0.5, "adain": 0.5}
    if name != "instructed":  # whose network has other layers than the adapter was made for
        every["adapter"] = str(models / "adapter")
    if "control" in options:
        options = options | {"control": str(models / "control")}
    depth = torch.linspace(1, 3, picture().shape[1]).expand(HEIGHT, -1)
    looks = [look(picture(k), k, depth=lambda: depth, content=lambda: look(picture(9)).image) for k in (0, 1)]
    coverage = torch.ones(picture().shape[:2])
    coverage[:, :20] = 0
    looks = [replace(each, coverage=coverage) for each in looks]
    own = teacher(models, name, **every, **options)
    before = dict(own._networks.unet.attn_processors)
    found = taught(own, looks, [BOTH])
    for k, painted in enumerate(found):
        assert torch.equal(painted[:, :20], picture(k)[:, :20])
        assert float((painted - picture(k))[:, 20:].abs().mean()) > 0.01
    assert all(own._networks.unet.attn_processors[key] is old for key, old in before.items())


def test_anchors_make_views_agree(models: Path) -> None:
    """Views of one table with other pictures and the same noise, by a network whose self-attention counts for more."""
    own = load_networks(str(models / "plain"), "option model")
    for name, module in own.unet.named_modules():
        if name.endswith(".attn1"):
            for part, factor in ((module.to_q, 3), (module.to_k, 3), (module.to_v, 20)):
                part.weight.mul_(factor)
    gaps = []
    for share in (0.0, 0.5, 1.0):
        editing = Editing(steps=3, views_attend=share, anchors=2)
        found = torch.stack(taught(Diffusion(own, editing), views(0, 1, 2, 3)))
        gaps.append(float((found - found.mean(0)).square().mean()))
    assert gaps[2] < gaps[1] < 0.7 * gaps[0]


def test_a_single_view_is_its_own_anchor(models: Path) -> None:
    alone = change(models, views_attend=0.7)
    torch.testing.assert_close(alone, change(models), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        # Four layers of two anchors; two of the style, of the content, and of the content of the view before.
        ({"views_attend": 0.5, "anchors": 2, "inject": 0.5}, 4 * 2 + 3 * 2),
        ({"inject": 0.5, "inject_query": 0.0}, 2),
    ],
)
def test_memory_does_not_grow_with_the_number_of_views(
    models: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], wanted: int
) -> None:
    """Layers whose keys and values, or queries, are alive at once: those of one step, whatever the number of views."""
    alive: weakref.WeakSet[Heads] = weakref.WeakSet()
    most: list[int] = []

    def record(self: Recorder, layer: Layer, heads: Heads, found: torch.Tensor) -> torch.Tensor:
        recorded(self, layer, heads, found)
        if layer.name in self.kept:
            alive.add(self.kept[layer.name])
        most[-1] = max(most[-1], len(alive))
        return found

    recorded = Recorder.attended
    monkeypatch.setattr(Recorder, "attended", record)
    for count in (2, 4):
        most.append(0)
        taught(teacher(models, **options), [look(picture(k), k) for k in range(count)], [BOTH])
    assert most == [wanted] * 2
    assert not alive


def test_views_begin_with_the_statistics_of_the_inverted_picture(models: Path) -> None:
    one, half, whole = (change(models, [BOTH], inject=1.0, adain=share) for share in (0.0, 0.5, 1.0))
    assert float((one - whole).abs().max()) > float((one - half).abs().max()) > 1e-3


def test_a_source_of_the_same_words_changes_nothing(models: Path) -> None:
    same = change(models, words_coarse=0.0, words_fine=0.3, words_from=0.4, source="carved jade")
    torch.testing.assert_close(same, change(models), atol=1e-4, rtol=0)


def test_words_that_act_at_the_last_step_alone(models: Path) -> None:
    """Before it the network reads the source, as if these were the words."""
    steps = 4
    late = change(models, steps=steps, strength=1.0, words_from=1 / steps, source="wood")
    wood, jade = (change(models, [Style(text=text)], strength=1.0) for text in ("wood", "carved jade"))
    gaps = [float((late - each).abs().mean()) for each in (wood, jade)]
    assert 0 < gaps[0] < gaps[1]


def test_a_style_that_is_a_picture_needs_no_words(models: Path) -> None:
    pictured = [Style((picture(7),))]
    for options in ({"inject": 1.0}, {"adapter": "adapter"}):
        options = placed(models, options)
        assert not teacher_ready("diffusion", {"model": str(models / "plain"), **options}, pictured)
        found, other = (change(models, styles, **options) for styles in (pictured, [Style((picture(8),))]))
        assert float((found - other).abs().max()) > 1e-4
    with pytest.raises(ConfigError, match="words"):
        change(models, pictured, adapter=str(models / "adapter"), adapter_weight=0.0)


def test_pictures_are_injected_by_their_weights(models: Path) -> None:
    one, mixed, other = (
        change(models, [JADE, *styles], inject=1.0)
        for styles in (
            [Style((picture(7),))],
            [Style((picture(7),)), Style((picture(8),), weight=1e-9)],
            [Style((picture(8),))],
        )
    )
    torch.testing.assert_close(one, mixed, atol=1e-4, rtol=0)
    assert float((one - other).abs().max()) > 1e-3


def test_queries_are_those_of_what_was_there_before_painting(models: Path) -> None:
    now = look(picture())
    before = replace(now, content=lambda: look(picture(3)).image)
    for query, differs in ((1.0, True), (0.0, False)):
        own = teacher(models, inject=1.0, inject_query=query)
        one, other = (taught(own, [each], [BOTH])[0] for each in (now, before))
        assert torch.equal(one, other) != differs


def test_rounds_keep_the_adapter(models: Path) -> None:
    own = teacher(models, adapter=str(models / "adapter"), strength=0.8, last=0.8)
    one, other = (taught(each, [look(picture())], [BOTH])[0] for each in (own, own.in_round(1, 2)))
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("options", "styles", "words"),
    [
        ({"words_from": 0.2, "words_to": 0.2}, [BOTH], "less than words_from"),
        ({"words_to": 0.7}, [BOTH], "set words_to lower"),
        ({"source": "wood"}, [BOTH], "set words_from"),
        ({"inject": 1.0}, [JADE], "option inject needs a style with a picture"),
        ({"adapter": "adapter"}, [JADE], "option adapter needs a style with a picture"),
        ({"views_attend": 2.0}, [BOTH], "expected a number from 0 to 1"),
        ({"anchors": 0}, [BOTH], "expected a number from 1 to 16"),
    ],
)
def test_what_cannot_be_is_refused_before_a_scene_is_read(
    models: Path, options: dict[str, Any], styles: Sequence[Style], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        teacher_ready("diffusion", {"model": str(models / "plain"), **placed(models, options)}, styles)


def test_long_words_of_the_source_are_told(models: Path) -> None:
    own = {"model": str(models / "plain"), "source": "jade " * 100, "words_fine": 0.5}
    (note,) = teacher_ready("diffusion", own, [BOTH])
    assert "the last 25 are left out" in note


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: object) -> Image:
        raise KeyError

    monkeypatch.setattr("nst3d.stylize.diffusion.teacher.denoised", fails)


def test_a_teacher_that_fails_leaves_the_network_as_it_was(models: Path, failing: None) -> None:
    own = teacher(models, views_attend=1.0)
    before = dict(own._networks.unet.attn_processors)
    with pytest.raises(KeyError):
        taught(own, [look(picture())])
    assert all(own._networks.unet.attn_processors[key] is old for key, old in before.items())


def test_nothing_asked_for_is_no_rule() -> None:
    assert not Companions().rules
    assert not Editing().words_vary
    assert not Editing(adapter="a", adapter_weight=0.0).pictured
