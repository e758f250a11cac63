"""The machine's devices and threads, and the resources that a process used."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numba
import torch

from nst3d.errors import ConfigError
from nst3d.features.precision import fast_dtype
from nst3d.features.speed import peak_rates

_FLAGS = {"avx2": "AVX2", "avx512f": "AVX-512", "avx512_bf16": "AVX512-BF16", "amx_bf16": "AMX-BF16"}


def resolve_device(name: str) -> torch.device:
    """The device named by a setting; auto: the first CUDA device if there is one, otherwise the CPU."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device: torch.device | None
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device {name!r} is not known: choose auto, cpu or cuda")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(
            "device 'cuda' is not available: no NVIDIA driver, or a CPU build of torch; use cpu"
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device {name!r} does not exist: this machine has {torch.cuda.device_count()}")
    return device


def use_threads(count: int) -> None:
    """Let torch and numba use at most `count` CPU threads in this process; 0 leaves them as they are."""
    if count:
        torch.set_num_threads(min(count, os.cpu_count() or 1))
        numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))


def peak_memory_gb() -> float | None:
    """The peak resident memory of this process, GB; None if the system does not report it."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e9, 3)


def cpu_features() -> tuple[str, ...]:
    """What makes encoders fast on this processor, from the least to the most: "AVX2", "AMX-BF16"."""
    flags = _cpu_fields().get("flags", "").split()
    return tuple(label for flag, label in _FLAGS.items() if flag in flags)


def describe_cpu() -> str:
    """The processor's name, the cores that this process may use, and what makes encoders fast on it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    model = _cpu_fields().get("model name") or platform.processor() or platform.machine()
    return f"{model}, cores: {usable}, features: {', '.join(cpu_features()) or 'none of interest'}"


def _cpu_fields() -> dict[str, str]:
    """What Linux says of the first core, by name; nothing on other systems."""
    info = Path("/proc/cpuinfo")
    fields: dict[str, str] = {}
    for line in info.read_text().splitlines() if info.is_file() else []:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    return fields


@cache
def measured_gflops() -> Mapping[str, Mapping[str, int]]:
    """What one of this machine's cores does, GFLOP/s by precision: "matmul" and "convolution", see `peak_rates`.

    The precisions are those in which encoders run here: bfloat16 is left out where it is not native. Measured once in
    a process, in about 0.25 s.
    """
    precisions = dict.fromkeys((torch.float32, fast_dtype("cpu")))
    return {
        str(precision).removeprefix("torch."): {k: round(r / 1e9) for k, r in peak_rates(precision).items()}
        for precision in precisions
    }


def made_with() -> dict[str, Any]:
    """What a result was made with: the versions of nst3d and torch, the processor, its speed, and the threads."""
    try:
        version = importlib.metadata.version("nst3d")
    except importlib.metadata.PackageNotFoundError:
        version = "from source"
    return {
        "nst3d": version,
        "torch": torch.__version__,
        "machine": describe_cpu(),
        "threads": torch.get_num_threads(),
        "gflops": measured_gflops(),
    }


def made_in_words(made: Mapping[str, Any]) -> dict[str, str]:
    """What `made_with` says as texts by name, for people."""
    rates = (
        f"{name} {rate} ({precision})"
        for precision, of in made["gflops"].items()
        for name, rate in of.items()
    )
    named = {name: str(made[name]) for name in ("nst3d", "torch", "machine", "threads")}
    return named | {"GFLOP/s of a core": ", ".join(rates)}


class Clock:
    """Wall-clock seconds of each part of a job in this process, excluding earlier runs that it resumes."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._start = self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """Record the part that has just ended; `wall_s` is the total so far."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 2)
        self.laps["wall_s"] = round(now - self._start, 2)
        self._last = now
