"""The machine's devices and threads, and the resources that a process used."""

from __future__ import annotations

import os
import sys
import time

import numba
import torch

from nst3d.errors import ConfigError


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
