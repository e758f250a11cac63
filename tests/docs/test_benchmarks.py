"""docs/benchmarks.md: its tables are those of the records, and what does not fit is one clear line."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
MACHINE = {
    "cpu": "A CPU, cores: 2, features: AVX2",
    "threads": 1,
    "gflops": {"float32": {"matmul": 50, "convolution": 60}},
    "gpu": None,
    "torch": "2.13.0",
    "commit": "0a44dbb",
}


@pytest.fixture
def benchmarks(monkeypatch):
    """Imports a file of benchmarks/ by name."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module


@pytest.fixture
def writer(benchmarks) -> ModuleType:
    """write_docs.py."""
    return benchmarks("write_docs")


@pytest.fixture
def record(benchmarks):
    """A record of a benchmark that has no table of its own."""
    return benchmarks("records").Record(
        "speed", "avx2", "python benchmarks/speed.py", "2026-11-30", MACHINE, {"step_ms": 12.5, "rows": 12000}
    )


def test_the_docs_are_those_of_the_records(writer, benchmarks) -> None:
    text = writer.DOCS.read_text(encoding="utf-8")
    assert writer.written(text, benchmarks("records").read_records()) == text


def test_records_say_nothing_of_folders(benchmarks) -> None:
    for path in benchmarks("records").RESULTS.glob("*.json"):
        record = json.loads(path.read_text())
        assert "/" not in record["command"].removeprefix("python benchmarks/"), path
        assert record["machine"]["commit"].isalnum(), f"{path}: measured with changes that are in no commit"


def test_a_table_takes_the_place_between_its_marks(writer, record) -> None:
    text = "Prose.\n\n<!-- begin speed -->\nold\n<!-- end speed -->\n\nMore.\n"
    new = writer.written(text, {"speed": [record, replace(record, kind="amx-bf16")]})
    assert new.startswith(
        "Prose.\n\n<!-- begin speed -->\n\n`python benchmarks/speed.py`: 30 November 2026, A CPU"
    )
    assert new.endswith("<!-- end speed -->\n\nMore.\n")
    assert new.count("| step ms | 12.5 |\n| rows | 12,000 |") == 2
    assert writer.written(new, {"speed": [record, replace(record, kind="amx-bf16")]}) == new


@pytest.mark.parametrize(
    ("text", "names", "told"),
    [
        (
            "<!-- begin speed -->\n<!-- end speed -->",
            (),
            "has no speed-CPU.json; run that benchmark with --save",
        ),
        ("Prose.", ("speed",), "has no place for the record speed; add the lines"),
        ("<!-- begin speed -->\n<!-- end sped -->", ("speed",), "after `begin speed` comes `end sped`"),
        ("<!-- begin speed -->\nProse.", ("speed",), "has `begin` and `end` that do not belong together"),
    ],
)
def test_what_has_no_counterpart_is_one_line(writer, record, text, names, told) -> None:
    with pytest.raises(SystemExit) as left:
        writer.written(text, {name: [record] for name in names})
    assert told in str(left.value)
    assert "\n" not in str(left.value)


def test_a_record_is_kept_by_name_and_kind_of_cpu(benchmarks, record, tmp_path) -> None:
    records = benchmarks("records")
    assert record.write(tmp_path).name == "speed-avx2.json"
    assert records.read_records(tmp_path) == {"speed": [record]}
    (tmp_path / "speed-avx2.json").rename(tmp_path / "speed-amx.json")
    with pytest.raises(SystemExit, match=r"speed-amx\.json: is the record speed-avx2; give it that name"):
        records.read_records(tmp_path)
    (tmp_path / "speed-amx.json").write_text('{"name": "speed"}')
    with pytest.raises(SystemExit, match=r"speed-amx\.json: no record of a benchmark"):
        records.read_records(tmp_path)
