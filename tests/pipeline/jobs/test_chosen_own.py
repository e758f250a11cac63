"""Jobs whose words choose among the styles that a teacher alone knows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conditional_samples import random_net
from tiny_jobs import TINY, job

from nst3d import run_job
from nst3d.cli.main import main
from nst3d.cli.paint_arguments import AllArguments, adjusted
from nst3d.errors import ConfigError
from nst3d.networks.multistyle import STYLES
from nst3d.pipeline.jobs import worded
from nst3d.pipeline.jobs.worded import with_choice
from nst3d.pipeline.kinds.paint_job import Job
from nst3d.pipeline.settings.config import TeachOptions
from nst3d.pipeline.settings.direction import Direction, StyleEntry
from nst3d.pipeline.settings.direction_file import read_direction

MULTISTYLE = replace(TINY, teach=TeachOptions("multistyle")).with_iterations(0)
EMBERS, CRIMSON = "multistyle 20 embers", "multistyle 4 crimson canvas"


class Reader:
    """Compares a few words; stands for the network that reads sentences."""

    known = ("fire", "fauvist", "frost", "swirling")

    def row(self, text: str) -> np.ndarray:
        found = np.array([*(word in text.lower() for word in self.known), 0.1], float)
        return found / np.linalg.norm(found)

    def left_out(self, text: str) -> int:
        return 0


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worded, "load_sentences", Reader)
    monkeypatch.setattr("nst3d.stylize.teachers.multistyle.load_multistyle", lambda: random_net(STYLES))


def in_words(inputs: Path, out: Path, text: str = "fire", **others: object) -> Job:
    asked = job(inputs, out, MULTISTYLE, "photo.png", overwrite=True)
    return replace(asked, **{"styles": (), "texts": (text,), **others})


def test_words_choose_among_the_teachers_styles_and_config_has_them(inputs, tmp_path: Path) -> None:
    made = run_job(in_words(inputs, tmp_path / "one"))
    (note,) = (text for text in made.metrics["notes"] if "'fire' chose" in text)
    assert note.startswith("the words 'fire' chose styles of the teacher multistyle by their captions, as it")
    assert "multistyle 20 embers 100% (alike 1.00)" in note
    written = yaml.safe_load((tmp_path / "one" / "config.yaml").read_text())["direction"]
    assert written["styles"][EMBERS] == {"weight": 1.0, "scale": 1.0, "taught": True}
    assert written["paint"][0]["style"] == {EMBERS: 1.0}

    again = read_direction(tmp_path / "one" / "config.yaml")
    run_job(in_words(inputs, tmp_path / "two", texts=(), direction=again))
    by_number = replace(MULTISTYLE, teach=TeachOptions("multistyle", options={"styles": "20"}))
    run_job(in_words(inputs, tmp_path / "three", texts=(), config=by_number))
    run_job(in_words(inputs, tmp_path / "other", "frost"))
    one, two, three, other = (
        (tmp_path / name / "painted.png").read_bytes() for name in ("one", "two", "three", "other")
    )
    assert one == two == three
    assert one != other


def test_an_option_or_a_folder_of_the_user_counts_more(inputs, tmp_path: Path) -> None:
    """Words then choose pictures, as they do for other teachers; CLIP follows them where it is asked for."""
    notes: list[str] = []
    given = replace(MULTISTYLE, teach=TeachOptions("multistyle", options={"styles": "7"}))
    for others in ({"config": given}, {"library": inputs}):
        asked = in_words(inputs, tmp_path, "swirling", words="choose", **others)
        found = with_choice(asked, notes.append).directed.styles.values()
        assert all(style.images and not style.taught for style in found)
    assert all("chose pictures by" in note for note in notes)
    asked = in_words(inputs, tmp_path, words="clip")
    assert with_choice(asked, notes.append) is asked


def test_words_by_region_with_weights_and_beside_pictures(inputs, tmp_path: Path) -> None:
    picture = inputs / "style.png"
    styles = {
        "hot": StyleEntry(text="fire", weight=3, avoid="fauvist"),
        "red": StyleEntry(text="fauvist"),
        "both": StyleEntry((picture,), text="fire"),
    }
    asked = in_words(inputs, tmp_path, texts=(), direction=Direction(styles))
    found = with_choice(asked, lambda text: None).directed
    assert found.styles == {
        EMBERS: StyleEntry(taught=True),
        CRIMSON: StyleEntry(taught=True),
        "both": StyleEntry((picture,)),
    }
    assert found.paint[0].style == pytest.approx({EMBERS: 4, CRIMSON: 1, "both": 1})


def test_steps_need_something_that_judges_them(inputs, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="multistyle paints alone, and nothing could judge the steps after it"
    ):
        run_job(in_words(inputs, tmp_path, config=replace(TINY, teach=TeachOptions("multistyle"))))


def test_the_command_takes_no_steps_unless_something_judges_them() -> None:
    words, picture = {"text": ("fire",)}, {"style": (Path("a.jpg"),)}
    given: list[tuple[dict[str, Any], bool]] = [
        ({}, False),
        (words, False),
        ({"sound": Path("a.mp3")}, False),
        (words | picture, True),
        (words | {"words": "clip"}, True),
        (words | {"library": Path("pictures")}, True),
        (words | {"teacher_option": ("styles=7",)}, True),
        (words | {"iterations": 5}, True),
    ]
    for more, steps in given:
        asked = AllArguments(Path("a.glb"), Path("out"), teacher="multistyle", **more)
        assert bool(adjusted(asked).schedule.total) == steps, more


@pytest.mark.parametrize("styles", ["7", "3:1", "3:0.5,12:1.5"])
def test_the_option_is_text_whatever_it_looks_like(styles: str) -> None:
    """In YAML, 3:1 is 181."""
    asked = AllArguments(
        Path("a.glb"), Path("out"), teacher="multistyle", teacher_option=(f"styles={styles}",)
    )
    assert adjusted(asked).teach.options == {"styles": styles}


def test_the_command_says_what_was_chosen(inputs, tmp_path: Path, capsys) -> None:
    line = ["paint", inputs / "photo.png", "--out", tmp_path / "out", "--teacher", "multistyle", "--size", 48]
    assert main([str(word) for word in [*line, "--text", "fire", "--quiet"]]) == 0
    assert "multistyle 20 embers 100%" in capsys.readouterr().err
