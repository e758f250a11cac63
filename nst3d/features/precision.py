"""The dtype in which an encoder runs fastest on a device."""

from __future__ import annotations

from pathlib import Path

import torch


def fast_dtype(device: torch.device | str = "cpu") -> torch.dtype:
    """bfloat16 if the device multiplies it natively, otherwise float32.

    Native means AVX512-BF16 on a CPU (every CPU with AMX-BF16 has it, too) and compute capability 8 or higher
    on a CUDA device. On others bfloat16 is emulated and slower than float32.
    """
    device = torch.device(device)
    if device.type == "cuda":
        native = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        native = device.type == "cpu" and _cpu_has_bfloat16()
    return torch.bfloat16 if native else torch.float32


def _cpu_has_bfloat16() -> bool:
    asks = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # missing in older versions of torch
    if asks is not None:
        return bool(asks())
    try:
        return "avx512_bf16" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
