"""Sweeps: all trials are painted, measured together and shown; what is done is kept."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from tiny_jobs import TINY, job

from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.images.io import read_image
from nst3d.pipeline.evaluation.scores import Score, Scores
from nst3d.pipeline.jobs import sweep
from nst3d.pipeline.jobs.sweep import SweepJob, run_sweep
from nst3d.pipeline.jobs.sweep_page import sweep_page, sweep_sheet, sweep_table
from nst3d.pipeline.jobs.trials import Trial, Tried, folder_names, ranked

SMALL = replace(TINY, output=replace(TINY.output, turntable=False))


@pytest.fixture
def measured(data_dir, monkeypatch):
    """Real weights, so that there are scores."""
    monkeypatch.setenv("NST3D_WEIGHTS", str(data_dir / "weights" / "torchvision"))


def trial_of(inputs, out, scene: str = "cube.obj", **values: float) -> Trial:
    """A trial of stroke and content; a stroke of 0.3 or so fails when it is painted."""
    words = {name: str(value) for name, value in values.items()}
    recipe = SMALL.recipe.with_terms({"content": values.get("content", 0.2)})
    config = replace(SMALL, stroke=values.get("stroke", 1.0), recipe=recipe)
    folder = out / "runs" / folder_names([words])[0]
    return Trial(words, job(inputs, folder, config, scene), f"nst3d paint {folder.name}")


def sweep_of(inputs, out, strokes=(0.7, 2.0), **fields) -> SweepJob:
    return SweepJob(tuple(trial_of(inputs, out, stroke=stroke) for stroke in strokes), out, **fields)


class Counts(list):
    """Keeps what is counted, and presses Ctrl-C after some steps."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.stop_at = stop_at

    def __call__(self, what: str, done: int, total: int) -> None:
        self.append((what, done, total))
        if what == "painting" and done == self.stop_at:
            raise KeyboardInterrupt


def test_all_are_painted_measured_and_drawn(inputs, tmp_path, measured) -> None:
    out, counts, notes = tmp_path / "out", Counts(), []
    result = run_sweep(sweep_of(inputs, out), notes.append, counts)
    assert {p.name for p in out.iterdir()} == {"runs", "report", "sweep.png", "sweep.md"}
    assert {p.name for p in (out / "report").iterdir()} == {"metrics.json", "table.md", "report.html"}
    assert [p.name for p in result.paths] == ["sweep.png", "sweep.md", "report.html"]
    scores = [each.score.value for each in result.tried]
    assert result.best is result.tried[scores.index(max(scores))].trial
    for each in result.tried:
        parts = each.score.style * each.score.content * each.score.steadiness
        assert parts == pytest.approx(each.score.value)
        assert each.picture.shape[2] == 3
        assert max(each.picture.shape[:2]) in range(256, 385)
    painted = [entry for entry in counts if entry[0] == "painting"]
    assert painted[0] == ("painting", 0, 12)
    assert painted[-1] == ("painting", 12, 12)
    assert [done for _, done, _ in painted] == sorted(done for _, done, _ in painted)
    assert len(notes) == len(set(notes))
    lines = result.table.splitlines()
    assert lines[0] == "| stroke | score | 95 % | style | content | steadiness |"
    assert float(lines[2].split("|")[2]) == pytest.approx(max(scores), abs=1e-3)
    sheet = read_image(out / "sweep.png").pixels
    assert sheet.shape[1] > 2 * 180


def test_a_trial_that_fails_is_listed_and_the_others_go_on(inputs, tmp_path, monkeypatch) -> None:
    real = sweep.run_job

    def paint(asked, *rest):
        if asked.config.stroke == 0.5:
            raise InputError("the style is torn")
        if asked.config.stroke == 0.6:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory\n" * 9)
        return real(asked, *rest)

    monkeypatch.setattr(sweep, "run_job", paint)
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    result = run_sweep(sweep_of(inputs, tmp_path / "out", (0.5, 0.6, 1.5)))
    assert result.finished == 1
    first, second = result.failures
    assert first == "stroke=0.5: the style is torn"
    assert second.startswith("stroke=0.6: RuntimeError: DefaultCPUAllocator")
    assert "\n" not in second
    assert result.best is None
    page = (tmp_path / "out" / "sweep.md").read_text()
    assert "- stroke=0.5: the style is torn" in page
    assert "No scores: a score needs" in page
    assert "nst3d paint stroke=1.5" in page
    assert "nst3d paint stroke=0.5" not in page


def test_where_all_fail_the_first_error_is_told(inputs, tmp_path, monkeypatch) -> None:
    def paint(asked, *rest):
        raise InputError(f"torn at {asked.config.stroke}")

    monkeypatch.setattr(sweep, "run_job", paint)
    with pytest.raises(ConfigError, match=r"all 2 combinations failed; the first: torn at 0\.7"):
        run_sweep(sweep_of(inputs, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def stamps(out) -> dict[str, int]:
    """When each run of a sweep was finished."""
    return {path.parent.name: path.stat().st_mtime_ns for path in out.glob("runs/*/metrics.json")}


@pytest.mark.parametrize("stop_at", [7, 9])
def test_ctrl_c_keeps_what_is_painted_and_resume_ends_it(inputs, tmp_path, monkeypatch, stop_at) -> None:
    """After its first step, and between its two stages."""
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    asked = sweep_of(inputs, tmp_path / "out", (0.7, 1.0, 2.0))
    stopped = run_sweep(asked, progress=Counts(stop_at))
    assert stopped.interrupted
    assert (stopped.finished, stopped.total) == (1, 3)
    assert not (tmp_path / "out" / "sweep.png").exists()
    before = stamps(tmp_path / "out")["stroke=0.7"]
    with pytest.raises(OutputError, match="not empty"):
        run_sweep(asked)
    result = run_sweep(replace(asked, resume=True))
    assert result.finished == 3
    assert stamps(tmp_path / "out")["stroke=0.7"] == before
    whole = run_sweep(sweep_of(inputs, tmp_path / "whole", (0.7, 1.0, 2.0)))
    for one, other in zip(result.tried, whole.tried):
        painted = one.trial.job.out / "painted.glb", other.trial.job.out / "painted.glb"
        assert painted[0].read_bytes() == painted[1].read_bytes()


def test_resume_paints_again_what_has_other_settings_or_is_not_whole(inputs, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    asked = sweep_of(inputs, tmp_path / "out", (0.7, 1.0, 2.0))
    run_sweep(asked)
    before = stamps(tmp_path / "out")
    first, second, third = asked.trials
    (second.job.out / "metrics.json").unlink()
    other = replace(first.job, config=replace(first.job.config, start="content", threads=1))
    changed = (replace(first, job=other), second, third)
    result = run_sweep(replace(asked, trials=changed, resume=True))
    assert result.finished == 3
    after = stamps(tmp_path / "out")
    assert [name for name in after if after[name] == before[name]] == ["stroke=2.0"]
    run_sweep(replace(asked, overwrite=True))
    assert not set(stamps(tmp_path / "out").values()) & set(after.values())


def test_a_run_begun_after_its_numbers_were_written_is_not_finished(inputs, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    asked = sweep_of(inputs, tmp_path / "out", (0.7,))
    run_sweep(asked)
    os.utime(tmp_path / "out" / "runs" / "stroke=0.7" / "metrics.json", (1, 1))
    run_sweep(replace(asked, resume=True))
    assert stamps(tmp_path / "out")["stroke=0.7"] > 10**9


def test_pictures_are_swept_too(inputs, tmp_path, measured) -> None:
    trials = tuple(trial_of(inputs, tmp_path / "out", "photo.png", content=c) for c in (0.1, 5.0))
    result = run_sweep(SweepJob(trials, tmp_path / "out"))
    assert [each.picture.shape[:2] for each in result.tried] == [(192, 256)] * 2
    assert "steadiness" in result.table  # how much of the style's detail there is
    assert result.tried[0].score.content < result.tried[1].score.content


def test_missing_files_are_found_before_anything_is_painted(inputs, tmp_path) -> None:
    good, bad = sweep_of(inputs, tmp_path / "out").trials
    gone = replace(bad, job=replace(bad.job, styles=(inputs / "gone.png",)))
    with pytest.raises(InputError, match=r"gone\.png: no such file"):
        run_sweep(SweepJob((good, gone), tmp_path / "out"))
    with pytest.raises(ConfigError, match="no trial"):
        run_sweep(SweepJob((), tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_folders_have_names_that_every_system_takes() -> None:
    same = [{"style": "a/wave.jpg"}, {"style": "b/wave.jpg"}, {"stroke": "0.7", "content": "0.1"}]
    one, other, plain = folder_names(same)
    assert one != other
    assert one.startswith("style=wave.jpg~")
    assert plain == "stroke=0.7,content=0.1"
    odd = [
        {"region": 'box:-1,0 and not "roof"|<x>?*'},
        {"palette": "#102030,#f0e0d0" * 30},
        {"direction": "../.."},
    ]
    for name in folder_names(odd):
        assert not set('/\\:*?"<>|\n') & set(name)
        assert len(name) < 140


def scored(value: float, **values: str) -> Tried:
    return Tried(Trial(values, None, "nst3d paint"), score=Score("a", value, 0, 1, value, 1, 1))


def test_best_first_then_those_without_a_score_then_failures() -> None:
    failed = Tried(scored(0, x="3").trial, "torn")
    bare = Tried(scored(0, x="4").trial)
    low, high = scored(0.2, x="1"), scored(0.6, x="2")
    assert ranked([failed, bare, low, high]) == [high, low, bare, failed]
    table = sweep_table([failed, bare, low, high], Scores((), ("a", "b", "c")))
    assert [line.split(" | ")[0] for line in table.splitlines()[2:]] == ["| 2", "| 1", "| 4"]


def test_sheets_of_two_settings_are_grids_and_others_are_sorted() -> None:
    grid = [scored(0.1, x=x, y=y) for x in "12" for y in "abc"]
    scores = Scores((), ("a", "b", "c"))
    two = sweep_sheet(grid, scores)
    assert two.shape[1] > 3 * 180 > two.shape[0] / 2
    three = sweep_sheet([scored(0.1, x=x, y=y, z=z) for x in "12" for y in "ab" for z in "pq"], scores)
    assert three.shape[1] < 4 * 290
    row = sweep_sheet([scored(0.1, x=str(k)) for k in range(8)], scores)
    assert row.shape[1] > 8 * 256 > row.shape[0]
    many = sweep_sheet([scored(0.1, x=str(k)) for k in range(9)], scores)
    assert many.shape[1] < 4 * 290


def test_the_page_has_a_command_for_each() -> None:
    page = sweep_page(
        [scored(0.2, x="1|2"), scored(0.6, x="2")], Scores((), ("a", "b", "c")), "nst3d eval", "a.glb"
    )
    assert page.index("x=2\n\n    nst3d paint") < page.index("x=1|2\n\n    nst3d paint")
    assert "| 1\\|2 | 0.200 |" in page
    assert "nst3d eval" in page
