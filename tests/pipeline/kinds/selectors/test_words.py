"""Parts that words choose: by what views show of them, and by their names."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.networks.sentences import has_sentences, load_sentences
from nst3d.pipeline.kinds.selectors import words as module
from nst3d.pipeline.kinds.selectors.part_looks import OTHERS, Looks, alone, fitting, looks_of
from nst3d.pipeline.kinds.selectors.part_names import (
    NamedPart,
    name_likenesses,
    nameless,
    near_names,
    words_in,
)
from nst3d.pipeline.kinds.selectors.words import WordParts
from nst3d.stylize.layout import Layout
from nst3d.stylize.picture_stage import picture_stage
from nst3d.tensors import ImageSize

COLOURS = {"red": [1.0, 0, 0], "green": [0, 1.0, 0], "blue": [0, 0, 1.0]}


class Painter:
    """Sees how red, green and blue pictures are, of what is not grey, and a little of any other thing."""

    side = 32

    def pictures(self, squares):
        rows = torch.nn.functional.normalize(torch.relu(squares - 0.5).sum((2, 3)), dim=1)
        return torch.nn.functional.normalize(torch.nn.functional.pad(rows, (0, 1), value=0.2), dim=1)

    def text(self, text):
        return torch.tensor([*COLOURS.get(text, [0, 0, 0]), float(text in OTHERS)])


def striped():
    """A picture of three stripes of 16 columns, the stripes' columns of rows, and its stage."""
    picture = torch.cat([torch.tensor(c).expand(24, 16, 3) for c in COLOURS.values()], 1)
    layout = Layout.of_images([ImageSize(24, 48)])
    stripe = torch.arange(48).expand(24, 48).reshape(-1) // 16
    columns = torch.nn.functional.one_hot(stripe, 3).float()
    return picture_stage(picture.reshape(-1, 3), layout, 1.0), columns


def word_parts(notes, named=nameless, matcher=Painter, places=60) -> WordParts:
    stage, columns = striped()
    return WordParts(
        lambda: stage,
        named,
        lambda count: torch.nn.functional.pad(columns, (0, count - 3)),
        lambda: places,
        notes.append,
        matcher,
    )


@pytest.mark.parametrize(
    ("text", "chosen"), [("red", [0]), ("blue", [2]), ("red, green", [0, 1]), (" green ,", [1])]
)
def test_the_part_that_looks_like_the_words_is_chosen(text, chosen) -> None:
    notes: list[str] = []
    column = word_parts(notes).region(text)
    assert torch.equal(column[:, 0], striped()[1][:, chosen].sum(1))
    assert notes[0].startswith(f"region words:{text.split(',')[0].strip()}: of 3 parts CLIP chose cluster:")
    assert "nothing looks much" not in notes[0]


def test_what_looks_like_nothing_is_chosen_with_a_doubt() -> None:
    notes: list[str] = []
    column = word_parts(notes).region("a zebra")
    assert 0 < column.sum() < len(column)
    assert "nothing looks much like it: 0.5 would be a sign of it" in notes[0]


def test_a_part_with_a_name_stands_for_the_same_cluster() -> None:
    """And it is named, so that the note can be copied into a region."""
    notes: list[str] = []
    red = striped()[1][:, :1]
    part = NamedPart("node:a box", "a box", 1 / 3, lambda: red, lambda: red)
    assert torch.equal(word_parts(notes, lambda: [part]).region("red"), red)
    assert notes == ["region words:red: of 3 parts CLIP chose node:a box (1.00)"]


def test_parts_are_looked_at_once_for_several_words() -> None:
    loads = []
    parts = word_parts([], matcher=lambda: loads.append(1) or Painter())
    parts.region("red, blue")
    parts.region("green")
    assert loads == [1]


def test_likeness_and_choice_by_hand() -> None:
    """Against the likeliest other words, and, over parts, above chance."""
    cosines = torch.tensor([0.30, 0.295, 0.26, 0.28])
    others = torch.tensor([0.28, 0.28, 0.20, 0.29])

    class Given:
        side = 8

        def text(self, text):
            return (
                torch.tensor([1.0, 0]) if text == "it" else torch.tensor([0, 1.0 - 0.1 * (text != OTHERS[0])])
            )

    looks = Looks(["a", "b", "c", "d"], torch.stack([cosines, others], 1), torch.eye(4))
    found = fitting(looks, Given(), "it")
    # c is as likely as exp(-4) of a, less than an eighth of all; d is rather an object.
    assert list(found) == ["a", "b"]
    assert found["a"] == pytest.approx(1 / (1 + math.exp(-2)), abs=1e-5)
    assert found["b"] == pytest.approx(1 / (1 + math.exp(-1.5)), abs=1e-5)


@pytest.mark.parametrize("shared", [0.4, 0.6])
def test_a_part_that_shares_half_with_a_better_one_adds_nothing(shared) -> None:
    rows = torch.nn.functional.normalize(torch.tensor([[1.0, 0, 0, 0.1], [0.999, 0.01, 0, 0.1]]), dim=1)
    shown = torch.tensor([[1.0, 0, 0], [shared, 1 - shared, 2]])
    found = fitting(Looks(["small", "large"], rows, shown), Painter(), "red")
    assert list(found) == (["small", "large"] if shared < 0.5 else ["small"])


def test_parts_that_do_not_show_or_are_twins_are_left_out() -> None:
    stage, columns = striped()
    parts = {
        "red": lambda: columns[:, :1],
        "nothing": lambda: torch.zeros(len(columns), 1),
        "twin": lambda: columns[:, :1],
        "two": lambda: columns[:, :2].sum(1, keepdim=True),
    }
    looks = looks_of(stage, parts, Painter())
    assert looks.names == ["red", "two"]
    assert torch.allclose(looks.rows[0] * 1.04**0.5, torch.tensor([1.0, 0, 0, 0.2]), atol=1e-5)
    assert torch.allclose(looks.rows[1] * 1.04**0.5, torch.tensor([0.5**0.5, 0.5**0.5, 0, 0.2]), atol=1e-2)


def test_a_part_alone_is_its_box_on_grey() -> None:
    content = torch.rand(3, 40, 60)
    mask = torch.zeros(40, 60)
    mask[10:30, 20:40] = 1
    square = alone(content, mask, 24)
    assert square.shape == (1, 3, 24, 24)
    assert torch.allclose(square[0, :, 2:22, 2:22], content[:, 10:30, 20:40], atol=1e-6)
    assert (square[0, :, :2] == 0.5).all()
    assert (square[0, :, :, 22:] == 0.5).all()


@pytest.mark.parametrize("text", ["", " , ", "12", "roof, 7"])
def test_what_are_no_words(text) -> None:
    with pytest.raises(ConfigError, match="expected what to choose, as words:roof"):
        word_parts([]).region(text)


def test_without_clip_and_names_it_is_said_what_to_fetch(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(
        MissingDependencyError, match="weights clip-vit-b-32 not found: run `nst3d weights"
    ) as told:
        word_parts([], matcher=lambda: None).region("roof")
    assert "\n" not in str(told.value)
    assert "compare words with names" not in str(told.value)
    monkeypatch.setattr(module, "has_sentences", lambda: False)
    part = NamedPart("node:roof", "roof", 1.0, lambda: None, lambda: None)
    with pytest.raises(MissingDependencyError, match="region words:roof: weights clip-vit-b-32 not found"):
        word_parts([], lambda: [part], lambda: None).region("roof")


class Letters:
    """Reads single words as what they begin with."""

    def row(self, text):
        row = np.zeros(26, np.float32)
        for word in text.split():
            row[ord(word[0]) - ord("a")] += 1
        return row / np.linalg.norm(row)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("RoofTiles_02.001", "roof tiles"),
        ("rock_01", "rock"),
        ("007", ""),
        ("DACH.L", "dach l"),
        ("Türe", "türe"),
    ],
)
def test_words_in_names(name, words) -> None:
    assert words_in(name) == words


def test_likeness_of_names_by_hand() -> None:
    """The mean of the whole name's cosine and its best word's."""
    found = name_likenesses(Letters(), "roof", ["roof", "roof_metal", "metal", "03"])
    assert found == pytest.approx([1, (0.5**0.5 + 1) / 2, 0, -1], abs=1e-6)


def test_names_that_are_chosen() -> None:
    assert near_names(np.array([0.7, 0.3, 0.95, 0.8, 0.61])) == [2, 3]
    assert near_names(np.array([0.59])) == []
    assert near_names(np.array([])) == []


def test_real_words_choose_real_names() -> None:
    if not has_sentences():
        pytest.skip("the network that reads sentences is not here: see docs/words_and_sounds.md")
    names = ["masonry", "RoofTiles_02", "glass_lamp", "rock_01", "defaultMat.003"]
    for words, best in (("roof", 1), ("stone", 3), ("lamp", 2)):
        assert near_names(name_likenesses(load_sentences(), words, names)) == [best]
    assert near_names(name_likenesses(load_sentences(), "water", names)) == []
