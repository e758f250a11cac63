"""Evaluating finished runs."""

from __future__ import annotations

import json
import shutil

import pytest
from tiny_jobs import TINY, job

from nst3d import EvalResult
from nst3d.errors import ConfigError, InputError, OutputError
from nst3d.pipeline.evaluation.flight import FlightOptions, numbers_of
from nst3d.pipeline.evaluation.run_folder import read_run
from nst3d.pipeline.jobs.evaluate import EvalJob, run_eval
from nst3d.pipeline.jobs.paint import run_job
from nst3d.pipeline.kinds.paint_job import Job

SMALL = FlightOptions(size=48, frames=24, clip=2, views=2, gaps=(1,))


def test_decoys_come_last_and_all_rows_are_there(evaluated) -> None:
    assert isinstance(evaluated, EvalResult)
    names = [each.row.name for each in evaluated.judged]
    assert names == ["unpainted", "one", "two", "decoy: blurred", "decoy: one colour"]
    assert {score.name for score in evaluated.scores.scores[-2:]} == set(names[-2:])
    assert all(score.low <= score.value <= score.high for score in evaluated.scores.scores)


def test_what_differs_from_the_baseline_is_listed_with_its_sign(evaluated) -> None:
    found = json.loads(evaluated.paths[0].read_text())
    assert found["baseline"] == "one"
    by_name = {each["metric"]: each for each in found["differences"]}
    assert {each["run"] for each in found["differences"]} == {"two"}
    style, content = by_name["style_gram"], by_name["lpips_alex"]
    assert (style["verdict"], content["verdict"]) == ("worse", "better")
    assert style["low"] > 0 > content["high"]
    assert "| two | lpips_alex | -" in evaluated.table


def test_a_steady_texture_is_steady_and_the_unpainted_scene_is_itself(evaluated) -> None:
    unpainted, one, *_ = evaluated.judged
    assert unpainted.value("ssim") == pytest.approx(1)
    assert unpainted.value("lpips_alex") == pytest.approx(0, abs=1e-6)
    assert 0 < one.value("geometric_rmse_1") < 0.2
    assert one.value("style_gram") < unpainted.value("style_gram")


def test_missing_weights_are_null_with_a_reason_in_json_and_table(evaluated) -> None:
    found = json.loads(evaluated.paths[0].read_text())
    fid = found["rows"][1]["metrics"]["fid_inception"]
    assert fid["value"] is None
    assert "inception-fid" in fid["reason"]
    assert found["protocol"]["gaps"] == [1, 2]
    table = evaluated.paths[1].read_text()
    assert "| fid_inception ↓ | – | – |" in table
    assert "- fid_inception: weights inception-fid not found" in table
    values = found["rows"][1]["metrics"]["geometric_rmse_1"]["values"]
    assert len(values) == 2


def test_the_run_s_own_losses_and_costs_are_reported(evaluated, runs) -> None:
    lines = (runs / "one" / "losses.csv").read_text().splitlines()
    assert lines[0].startswith("step,stage,loss,")
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3", "4", "5", "6"]
    metrics = json.loads((runs / "one" / "metrics.json").read_text())
    assert {"nst3d", "torch", "machine", "threads"} <= metrics.keys()
    for name in ("paint_s", "steps_per_s"):
        assert evaluated.judged[1].value(name) == metrics[name]
        assert evaluated.judged[0].value(name) is None


def test_machines_can_be_compared_by_the_rate_of_a_core(evaluated, runs) -> None:
    for found in (
        json.loads(path.read_text()) for path in (evaluated.paths[0], runs / "one" / "metrics.json")
    ):
        for rates in found["gflops"].values():
            assert all(rate > 0 for rate in (rates["matmul"], rates["convolution"]))
    assert "GFLOP/s of a core: matmul " in evaluated.paths[2].read_text()


def test_frames_are_timed_where_they_are_rendered(evaluated) -> None:
    sorts = {each.row.sort: each.value("rendered_frames_per_s") for each in evaluated.judged}
    assert sorts["decoy"] is None
    assert min(sorts["unpainted"], sorts["run"]) > 0


def test_a_resumed_run_has_the_losses_of_all_its_steps(inputs, tmp_path) -> None:
    from tiny_jobs import Listener

    out = tmp_path / "out"
    assert run_job(job(inputs, out), [Listener(stop_after=2)]).interrupted
    run_job(Job(inputs / "cube.obj", (inputs / "style.png",), out, TINY, resume=True))
    lines = (out / "losses.csv").read_text().splitlines()[1:]
    assert [int(line.split(",")[0]) for line in lines] == [1, 2, 3, 4, 5, 6]


def test_a_picture_has_no_steadiness_but_all_the_rest(runs, weights, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(weights))
    result = run_eval(EvalJob((runs / "photo",), tmp_path / "report", flight=SMALL))
    photo = result.judged[1]
    reasons = {m.name: m.reason for m in photo.measured}
    assert "1 frames have no pair" in reasons["geometric_rmse_1"] or "no depth" in reasons["geometric_rmse_1"]
    assert photo.value("lpips_alex") > 0
    assert [score.name for score in result.scores.scores][-1].startswith("decoy")


def test_numbers_that_are_none_are_left_out(runs, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    shutil.copytree(runs / "photo", tmp_path / "odd")
    (tmp_path / "odd" / "metrics.json").write_text('{"paint_s": NaN, "wall_s": true, "prepare_s": 2}')
    result = run_eval(EvalJob((tmp_path / "odd",), tmp_path / "report", flight=SMALL))
    assert [result.judged[1].value(name) for name in ("paint_s", "wall_s", "prepare_s")] == [None, None, 2]


def test_without_weights_there_is_no_score_but_a_reason(runs, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("NST3D_WEIGHTS", str(tmp_path))
    result = run_eval(EvalJob((runs / "photo",), tmp_path / "report", flight=SMALL))
    assert not result.scores.scores
    assert "lpips" in result.scores.reason
    assert result.judged[1].value("ssim") is not None


def test_frames_are_numbered_from_the_first_and_spread() -> None:
    options = FlightOptions(frames=96, clip=16, views=4)
    numbers = numbers_of(96, options)
    assert numbers.clip == tuple(range(16))
    assert numbers.views == (0, 24, 48, 72)
    assert numbers_of(3, options) == ((0, 1, 2), (0, 1, 2))


def test_runs_of_different_scenes_are_not_compared(runs, tmp_path) -> None:
    with pytest.raises(ConfigError, match="different scenes cannot be compared"):
        run_eval(EvalJob((runs / "one", runs / "photo"), tmp_path / "report"))
    assert not (tmp_path / "report").exists()


def test_a_painted_nerf_is_a_run_in_the_folder(runs, tmp_path) -> None:
    shutil.copytree(runs / "one", tmp_path / "run")
    (tmp_path / "run" / "painted.glb").unlink()
    own = tmp_path / "run" / "fox" / "nerfacto" / "made" / "config.yml"
    own.parent.mkdir(parents=True)
    own.write_text("a run of nerfstudio")
    assert read_run(tmp_path / "run").painted == own


def test_what_is_no_finished_run_is_named(runs, tmp_path) -> None:
    with pytest.raises(InputError, match=r"has no config\.yaml; give the folder of a run"):
        read_run(tmp_path)
    shutil.copytree(runs / "one", tmp_path / "half")
    (tmp_path / "half" / "metrics.json").unlink()
    with pytest.raises(InputError, match="not finished"):
        read_run(tmp_path / "half")
    (tmp_path / "half" / "metrics.json").write_text("[1]")
    with pytest.raises(InputError, match="expected the numbers of a run, found list"):
        read_run(tmp_path / "half")
    (tmp_path / "half" / "metrics.json").write_text("{}")
    (tmp_path / "half" / "painted.glb").unlink()
    with pytest.raises(InputError, match="has no painted scene"):
        read_run(tmp_path / "half")
    (tmp_path / "half" / "config.yaml").write_text("scene: gone.glb\nstyle: gone.png")
    (tmp_path / "half" / "painted.glb").write_bytes(b"")
    with pytest.raises(InputError, match=r"gone\.png is not there any more"):
        read_run(tmp_path / "half")
    with pytest.raises(ConfigError, match="no run"):
        run_eval(EvalJob((), tmp_path / "report"))


def test_gaps_that_no_frames_have_are_refused() -> None:
    with pytest.raises(ConfigError, match="no two of `clip` = 5 frames are that far apart"):
        FlightOptions(clip=5)
    with pytest.raises(ConfigError, match="no two of `frames` = 4 frames"):
        FlightOptions(frames=4)
    with pytest.raises(ConfigError, match="`gaps` is empty"):
        FlightOptions(gaps=())
    with pytest.raises(ConfigError, match="setting size is 10: expected a number from 48"):
        FlightOptions(size=10)


def test_a_run_is_not_its_own_report(runs) -> None:
    before = (runs / "one" / "metrics.json").read_bytes()
    with pytest.raises(ConfigError, match=r"own metrics\.json would be replaced"):
        run_eval(EvalJob((runs / "one",), runs / "one", overwrite=True))
    assert (runs / "one" / "metrics.json").read_bytes() == before


def test_what_is_there_is_not_replaced(runs, tmp_path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    with pytest.raises(OutputError, match="not empty"):
        run_eval(EvalJob((runs / "one",), tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
