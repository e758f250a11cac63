"""Records of benchmarks: what was measured, on which machine, at which commit, by which command."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
"""One file for each benchmark and kind of CPU."""


@dataclass(frozen=True)
class Record:
    """One benchmark on one machine."""

    name: str
    """What docs/benchmarks.md calls it."""
    kind: str
    """The kind of CPU, by the best instructions for encoders that it has or was allowed: avx512-bf16, avx2."""
    command: str
    date: str
    """2026-11-30."""
    machine: dict[str, Any]
    """As `common.machine` describes it."""
    numbers: dict[str, Any]

    def write(self, folder: Path = RESULTS) -> Path:
        """Write it in place of an earlier one of the same kind of CPU; the file."""
        folder.mkdir(exist_ok=True)
        path = folder / f"{self.name}-{self.kind}.json"
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return path


def read_records(folder: Path = RESULTS) -> dict[str, list[Record]]:
    """All records by name, those of one name by kind of CPU. Leaves with a line for a file that is none."""
    found: dict[str, list[Record]] = {}
    for path in sorted(folder.glob("*.json")):
        try:
            record = Record(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            sys.exit(f"{path}: no record of a benchmark ({error}); measure again with --save, or remove it")
        if path.stem != f"{record.name}-{record.kind}":
            sys.exit(f"{path}: is the record {record.name}-{record.kind}; give it that name")
        found.setdefault(record.name, []).append(record)
    return found
