"""What benchmarks share: the data folder, medians, and how a report is printed."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# As on the command line: idle threads soon sleep, so that other processes disturb the figures less.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

import torch

from nst3d.pipeline.runtime.events import Handler, Stepped

ROOT = Path(__file__).resolve().parent.parent


def data_dir() -> Path:
    """The folder of real meshes and paintings: NST3D_DATA, or shared/data beside the checkout."""
    folder = Path(os.environ.get("NST3D_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        sys.exit(f"no data at {folder}: set NST3D_DATA to a folder with meshes/ and styles/")
    return folder


class Stopwatch(Handler):
    """Notes when each step of a paint job ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def step(self, event: Stepped) -> None:
        """Note the time."""
        self.ends.append(time.perf_counter())

    def median_ms(self, skip: int) -> float:
        """The median step, the first `skip` left out: they compile views and kernels."""
        gaps = [b - a for a, b in zip(self.ends[skip:], self.ends[skip + 1 :])]
        return statistics.median(gaps) * 1e3


def median_ms(call: Callable[[], Any], repeats: int, warmup: int = 3) -> float:
    """The median time of a call, milliseconds."""
    for _ in range(warmup):
        call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e3


def machine() -> dict[str, Any]:
    """Processor, cores, torch and commit, to be recorded beside numbers."""
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").is_file():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((x.split(":", 1)[1].strip() for x in lines if x.startswith("model name")), name)
    head = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(head, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "cpu": name,
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "commit": commit,
    }


def report(title: str, numbers: dict[str, Any]) -> None:
    """A table for people, then one line of JSON for machines."""
    print(f"\n{title}")
    for name, value in (numbers | machine()).items():
        print(f"  {name:<24} {value}")
    print(json.dumps(numbers | machine()))
