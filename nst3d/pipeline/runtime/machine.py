"""The machine's devices and threads, and the resources that a process used."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
import time
from pathlib import Path

import numba
import torch

from nst3d.errors import ConfigError

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


def describe_cpu() -> str:
    """The processor's name, the cores that this process may use, and what makes encoders fast on it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = fields.get("flags", "").split()
    features = ", ".join(label for flag, label in _FLAGS.items() if flag in flags)
    model = fields.get("model name") or platform.processor() or platform.machine()
    return f"{model}, cores: {usable}, features: {features or 'none of interest'}"


def made_with() -> dict[str, str]:
    """What a result was made with: the versions of nst3d and torch, and the processor."""
    try:
        version = importlib.metadata.version("nst3d")
    except importlib.metadata.PackageNotFoundError:
        version = "from source"
    return {"nst3d": version, "torch": torch.__version__, "machine": describe_cpu()}


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
