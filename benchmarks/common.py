"""What benchmarks share: the data folder, medians, and how a report is printed."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

# As on the command line: idle threads soon sleep, so that other processes disturb the figures less.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")

import torch
from records import Record

from nst3d.pipeline.runtime.events import Handler, Stepped
from nst3d.pipeline.runtime.machine import cpu_features, made_with

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


AVX2_ALONE = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+fma",
}
"""What makes torch and numba use no more than most laptops have."""


class _Avx2(argparse.Action):
    """Start again with AVX2 alone, as libraries choose their instructions when they are loaded."""

    def __call__(self, parser: Any, namespace: argparse.Namespace, values: Any, option: Any = None) -> None:
        if not avx2_alone():
            os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | AVX2_ALONE)
        torch.cpu._is_avx512_bf16_supported = lambda: False  # type: ignore[attr-defined]
        setattr(namespace, self.dest, True)


def cpu_times_ms(call: Callable[[], Any], repeats: int) -> list[float]:
    """The CPU times of a call, milliseconds, after one that does not count."""
    call()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append((time.process_time() - start) * 1e3)
    return times


def least_cpu_ms(call: Callable[[], Any], repeats: int) -> float:
    """The least CPU time of a call, milliseconds."""
    return min(cpu_times_ms(call, repeats))


def avx2_alone() -> bool:
    """Whether this process may use AVX2 alone."""
    return AVX2_ALONE.items() <= os.environ.items()


def parser_for(description: str | None) -> argparse.ArgumentParser:
    """A parser that knows `--save`, for `report`, and `--avx2`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--save",
        nargs="?",
        const=Path(sys.argv[0]).stem,
        metavar="NAME",
        help="keep the numbers in benchmarks/results/NAME-CPU.json, from which write_docs.py writes docs/benchmarks.md",
    )
    parser.add_argument(
        "--avx2", nargs=0, action=_Avx2, help="use AVX2 alone, as most laptops have no more", default=False
    )
    return parser


def machine() -> dict[str, Any]:
    """Processor, threads, their speed, torch and commit, to be recorded beside numbers."""
    made = made_with()
    return {
        "cpu": made["machine"] + (", of which AVX2 alone was allowed" if avx2_alone() else ""),
        "threads": made["threads"],
        "gflops": made["gflops"],
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": made["torch"],
        "commit": _commit(),
    }


def _commit() -> str:
    """The commit of the checkout, with a plus if code was changed since."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "nst3d", "benchmarks/*.py"], check=False)
    return head.stdout.strip() + ("+" if changed.returncode == 1 else "")


def report(title: str, numbers: dict[str, Any], save: str | None = None) -> None:
    """A table for people, then one line of JSON for machines, which is also kept as the record `save`."""
    about = machine()
    print(f"\n{title}")
    for name, value in (numbers | about).items():
        if not isinstance(value, list):  # rows, which a benchmark prints as they come
            print(f"  {name:<24} {value}")
    print(json.dumps(numbers | about))
    if save:
        kind = "avx2" if avx2_alone() else (cpu_features() or ("other",))[-1].lower()
        record = Record(save, kind, _command(), f"{date.today():%Y-%m-%d}", about, numbers)
        print(f"kept as {record.write().relative_to(ROOT)}; python benchmarks/write_docs.py writes the docs")


def _command() -> str:
    """The command line as others would give it: without the machine's own folders, and without --save and --out."""
    words, given = [f"python benchmarks/{Path(sys.argv[0]).name}"], sys.argv[1:]
    while given:
        word, *given = given
        if word in ("--out", "--save"):
            given = given[1:] if given and not given[0].startswith("-") else given
        elif not word.startswith(("--out=", "--save=")):
            words.append(Path(word).name if Path(word).is_absolute() else word)
    return " ".join(words)
