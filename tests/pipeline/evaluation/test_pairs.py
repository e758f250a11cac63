"""Blind pairs: the page, what a browser does with it, and the count of the votes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.metrics.bootstrap import sign_test
from nst3d.pipeline.evaluation.assets import fingerprint
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.evaluation.report.pairs import PairsPage, shown_part
from nst3d.pipeline.evaluation.run_folder import read_run
from nst3d.pipeline.evaluation.votes import FORMAT, Tally
from nst3d.pipeline.jobs.compare_pairs import PairsJob, count_votes, write_pairs

VIEWS = 4


@pytest.fixture(scope="module")
def pair(runs) -> tuple[Path, Path]:
    return runs / "one", runs / "two"


@pytest.fixture(scope="module")
def page(pair, tmp_path_factory) -> Path:
    flight = FlightOptions(size=64, frames=24, views=VIEWS)
    return write_pairs(PairsJob(pair, tmp_path_factory.mktemp("pairs"), flight))


def data(page: Path) -> dict:
    """What the page knows."""
    (text,) = re.findall(r"const page = (\{.*\});", page.read_text(encoding="utf-8"))
    return json.loads(text)


def voted(path: Path, prints: Sequence[str], choices: Sequence[str], **more) -> Path:
    votes = [{"view": view, "choice": choice} for view, choice in enumerate(choices)]
    path.write_text(json.dumps({"format": FORMAT, "runs": sorted(prints), "votes": votes} | more))
    return path


def test_each_view_is_there_once_and_sides_are_balanced(page, pair) -> None:
    found = data(page)
    prints = [fingerprint(read_run(run)) for run in pair]
    assert sorted(each["view"] for each in found["pairs"]) == list(range(VIEWS))
    assert [each["left"] for each in found["pairs"]].count(prints[0]) == VIEWS // 2
    assert all({each["left"], each["right"]} == set(prints) for each in found["pairs"])


def test_a_run_s_pictures_are_on_its_side() -> None:
    dark, light = (np.full((4, 8, 8, 3), value, np.float32) for value in (0.1, 0.9))
    page = PairsPage(("aa", "bb"), (dark, light), dark, np.ones((4, 8, 8)), ())
    pairs = page._pairs()
    pictures = {(p[side], p[f"{side}Picture"]) for p in pairs for side in ("left", "right")}
    assert len(pictures) == 2
    assert {name for name, _ in pictures} == {"aa", "bb"}
    assert page._pairs() == pairs
    assert PairsPage(("aa", "bb"), (dark, light), dark, np.ones((4, 8, 8)), (), seed=3)._pairs() != pairs


def test_pictures_are_cropped_to_what_they_show() -> None:
    opacity = np.zeros((100, 200))
    opacity[40:60, 10:50] = 1
    assert shown_part(opacity) == (slice(37, 63), slice(4, 56))
    assert shown_part(np.zeros((100, 200))) == (slice(0, 100), slice(0, 200))


def test_the_page_loads_nothing_and_names_no_run(page, pair) -> None:
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", text)
    assert not re.search(r"https?://|url\(", text)
    assert not any(str(run) in text or f">{run.name}<" in text or f'"{run.name}"' in text for run in pair)


def test_votes_by_keys_are_kept_and_counted(page, pair, browse, tmp_path) -> None:
    """Votes right, same and left, back, and right instead; then the first run wherever it is."""
    keys = ["ArrowRight", "ArrowDown", "ArrowLeft", "Backspace", "ArrowRight"]
    script = f"""<script>
      for (const key of {keys}) document.dispatchEvent(new KeyboardEvent("keydown", {{ key }}));
      element("chooseLeft").click();
      const kept = localStorage.getItem("nst3d pairs " + page.page);
      const shown = ["left", "done"].map((id) => element(id).hidden);
      document.body.insertAdjacentHTML("beforeend", "<pre id=found></pre>");
      element("found").textContent = JSON.stringify([record(), JSON.parse(kept), shown]);
    </script>"""
    copy = tmp_path / "voted.html"
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", script + "</body>"))
    (text,) = re.findall(r'(?s)<pre id="found">(.*?)</pre>', browse(copy))
    record, kept, hidden = json.loads(unescape(text))
    pairs = data(page)["pairs"]
    expected = [pairs[0]["right"], "same", pairs[2]["right"], pairs[3]["left"]]
    assert [vote["choice"] for vote in record["votes"]] == expected
    assert kept == {str(p["view"]): choice for p, choice in zip(pairs, expected)}
    assert hidden == [True, False]
    file = tmp_path / "votes.json"
    file.write_text(json.dumps(record))
    tally = count_votes(pair, [file])
    first = fingerprint(read_run(pair[0]))
    assert (tally.wins, tally.ties) == (expected.count(first), 1)
    assert tally.wins + tally.losses == 3


def test_votes_of_several_people_add_up_in_either_order(pair, tmp_path) -> None:
    one, two = (fingerprint(read_run(run)) for run in pair)
    files = [
        voted(tmp_path / "a.json", (one, two), [one] * 7 + ["same"]),
        voted(tmp_path / "b.json", (two, one), [one] * 3 + [two] * 2),
    ]
    tally = count_votes(pair, files)
    assert tally == Tally(("one", "two"), 10, 2, 1)
    assert tally.p_value == sign_test(10, 2)
    assert "one: 10 wins, 2 losses, 1 ties against two" in tally.text
    assert tally.text.endswith("one is preferred")
    assert count_votes(pair[::-1], files) == Tally(("two", "one"), 2, 10, 1)
    assert "chance alone" in count_votes(pair, files[1:]).text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runs": ["0" * 16, "1" * 16]}, "votes on other runs"),
        ({"format": "another"}, "holds no votes of a page"),
        ({"votes": []}, "holds no votes"),
        ({"votes": [{"view": 0, "choice": "left"}]}, "is no vote"),
        ({"votes": [3]}, "3 is no vote"),
        ({"votes": [{"view": True, "choice": "same"}]}, "is no vote"),
        ({"votes": [{"view": 1, "choice": "same"}] * 2}, "two votes on view 1"),
    ],
)
def test_what_are_no_votes_on_these_runs_is_refused(pair, tmp_path, change, message) -> None:
    prints = [fingerprint(read_run(run)) for run in pair]
    file = voted(tmp_path / "votes.json", prints, ["same"], **change)
    with pytest.raises(InputError, match=message):
        count_votes(pair, [file])


@pytest.mark.parametrize("text", ["[", "[1]", '{"format": 3}'])
def test_a_file_that_is_no_record_is_refused(pair, tmp_path, text) -> None:
    (tmp_path / "votes.json").write_text(text)
    with pytest.raises(InputError, match=r"votes\.json: (?:expected votes|holds no votes)"):
        count_votes(pair, [tmp_path / "votes.json"])


def test_a_file_that_is_huge_or_no_text_is_refused(pair, tmp_path) -> None:
    file = tmp_path / "votes.json"
    with file.open("wb") as stream:
        stream.truncate(2**30)
    with pytest.raises(InputError, match="larger than 16 MiB"):
        count_votes(pair, [file])
    for content in (b"\xff\xfe\x00", b"[" * 100_000):
        file.write_bytes(content)
        with pytest.raises(InputError, match="expected votes saved by a page of pairs, found no valid JSON"):
            count_votes(pair, [file])


def test_runs_with_nothing_to_choose_are_refused(runs, pair, tmp_path) -> None:
    shutil.copytree(runs / "one", tmp_path / "again")
    with pytest.raises(ConfigError, match="same painting, byte by byte"):
        write_pairs(PairsJob((runs / "one", tmp_path / "again"), tmp_path / "pairs"))
    with pytest.raises(ConfigError, match="different scenes"):
        write_pairs(PairsJob((runs / "one", runs / "photo"), tmp_path / "pairs"))
    with pytest.raises(ConfigError, match="two runs, not 1"):
        write_pairs(PairsJob((runs / "one",), tmp_path / "pairs"))
    assert not (tmp_path / "pairs").exists()
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        write_pairs(PairsJob(pair, tmp_path))
