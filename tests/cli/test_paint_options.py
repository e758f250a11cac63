"""What the short options of nst3d paint make of the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from nst3d.cli import paint
from nst3d.cli.main import main
from nst3d.pipeline.jobs.paint_options import Job, Result


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """The jobs that would be run."""
    jobs: list[Job] = []
    monkeypatch.setattr(paint, "run_job", lambda job, *rest: jobs.append(job) or Result((), {}))
    return jobs


def job(asked: list[Job], *options: str) -> Job:
    assert main(["paint", "a.glb", "--style", "b.png", "--out", "c", "--quiet", *options]) == 0
    return asked.pop()


def test_displacement_follows_size_and_iterations(asked) -> None:
    usual = job(asked, "--displace", "0.03").config
    small = job(
        asked, "--displace", "0.03", "--size", "256", "--iterations", str(usual.schedule.total // 2)
    ).config
    assert [s.size for s in usual.displace.stages] == [128, 224]
    assert [s.size for s in small.displace.stages] == [64, 112]
    steps = [sum(s.iterations for s in c.displace.stages) for c in (usual, small)]
    assert steps == [110, 55]
    assert small.schedule.finest == 256
    few = job(asked, "--displace", "0.03", "--iterations", "1").config
    assert sum(s.iterations for s in few.displace.stages) == 1


def test_displacing_by_nothing_is_a_mistake(capsys) -> None:
    assert main(["paint", "a.glb", "--style", "b.png", "--out", "c", "--displace", "0"]) == 1
    assert "--displace 0: moves nothing; give a share such as 0.03" in capsys.readouterr().err


def test_plain_strings_are_paths() -> None:
    given = Job("a", "b", "c", data="d", cameras="e")  # type: ignore[arg-type]
    assert (given.data, given.cameras) == (Path("d"), Path("e"))
