"""How good the assets of runs are."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from tiny_jobs import TINY, job

from nst3d.pipeline.evaluation.assets import equal_run, same_files, table_of
from nst3d.pipeline.evaluation.flight import FlightOptions
from nst3d.pipeline.evaluation.run_folder import read_run
from nst3d.pipeline.jobs.evaluate import EvalJob, run_eval
from nst3d.pipeline.jobs.paint import run_job

SMALL = FlightOptions(size=64, frames=24, clip=2, views=2, gaps=(1,))


def reasons(judged) -> dict[str, str | None]:
    return {measured.name: measured.reason for measured in judged.measured}


def test_a_mesh_has_texels_and_colours_and_says_where_it_cannot_have_seams(evaluated) -> None:
    unpainted, one, _, blurred, _ = evaluated.judged
    assert 0.3 < one.value("texels_per_pixel") < 3
    assert one.value("texel_spread") == pytest.approx(1, abs=0.3)
    assert "creases only" in reasons(one)["seam_error"]
    assert unpainted.value("out_of_gamut") >= 0
    assert 0 <= one.value("clipped") <= 1
    assert 0.9 < one.value("coverage") <= 1
    assert one.value("grain") >= 0
    assert unpainted.value("grain") is None
    assert "out_of_gamut" not in reasons(blurred)


def test_colours_outside_of_the_style_s_are_counted(evaluated, inputs, runs) -> None:
    unpainted, *_ = evaluated.judged
    table = table_of(read_run(runs / "one").scene)
    assert table.colours.shape[1] == 3
    assert unpainted.value("out_of_gamut") > 0.01  # colours of other noise


def test_runs_of_the_same_settings_are_compared_byte_by_byte(runs, tmp_path) -> None:
    shutil.copytree(runs / "one", tmp_path / "again")
    one, two, again = (read_run(p) for p in (runs / "one", runs / "two", tmp_path / "again"))
    assert equal_run(one, [one, two]) is None
    assert equal_run(one, [one, two, again]) is again
    assert same_files(one, again)
    again.painted.write_bytes(again.painted.read_bytes() + b" ")
    assert not same_files(one, again)


def test_a_second_painting_is_the_same_asset(runs, inputs, tmp_path) -> None:
    from dataclasses import replace

    config = replace(TINY, output=replace(TINY.output, turntable=False))
    run_job(job(inputs, tmp_path / "second", config))
    result = run_eval(
        EvalJob((runs / "one", tmp_path / "second", runs / "two"), tmp_path / "report", flight=SMALL)
    )
    assert [each.value("determinism") for each in result.judged[1:4]] == [1, 1, None]
    assert "needs another run" in reasons(result.judged[3])["determinism"]


def test_a_picture_has_colours_and_no_texels(runs, tmp_path) -> None:
    result = run_eval(EvalJob((runs / "photo",), tmp_path / "report", flight=SMALL))
    photo = result.judged[1]
    assert photo.value("out_of_gamut") is not None
    assert reasons(photo)["texels_per_pixel"] == "a picture has no surface"
    assert "metrics.json has no coverage" in reasons(photo)["coverage"]
    table = table_of(runs / "photo" / "painted.png")
    assert table.positions is None
    assert np.ptp(table.colours) <= 1
