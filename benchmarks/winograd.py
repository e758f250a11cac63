"""The encoder in float32, with Winograd's algorithm and with torch's convolutions.

CPU time forward and backward of an image through VGG-19 to relu4_2, the least of several turns, and how far the two
gradients point apart. `--avx2` allows torch and numba no more than most laptops have, so that a server can stand in for
one.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable

AVX2 = {
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+fma",
}
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2")


def main() -> None:
    """Measure at three sizes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--avx2", action="store_true", help="use AVX2 only")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each way")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if args.avx2 and "NUMBA_CPU_NAME" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | AVX2)
    measure(args)


def measure(args: argparse.Namespace) -> None:
    """Both ways in turn at each size; printed as a report."""
    import torch
    from common import report

    from nst3d.features import frozen_conv, load_encoder
    from nst3d.pipeline.runtime.machine import use_threads

    use_threads(args.threads)
    encoder = load_encoder(dtype=torch.float32)
    numbers: dict[str, object] = {
        "instructions": "AVX2" if args.avx2 else torch.backends.cpu.get_cpu_capability()
    }
    for size in (128, 256, 384):
        image = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))

        def gradient(image: torch.Tensor = image) -> torch.Tensor:
            x = image.clone().requires_grad_()
            sum(f.square().mean() for f in encoder(x, LAYERS).values()).backward()  # type: ignore[union-attr]
            assert x.grad is not None
            return x.grad.flatten().double()

        least, found = {}, {}
        for way, capabilities in {"winograd": ("AVX2", "AVX512"), "torch": ()}.items():
            frozen_conv._CAPABILITIES = capabilities  # type: ignore[assignment]
            frozen_conv.fast_dtype = lambda: torch.float32  # type: ignore[assignment]
            least[way] = least_cpu_ms(gradient, args.repeats)
            found[way] = gradient()
            numbers[f"{size}, {way}"] = f"{least[way]:.0f} ms"
        apart = 1 - torch.nn.functional.cosine_similarity(found["torch"], found["winograd"], dim=0).item()
        numbers[f"{size}, ratio"] = round(least["torch"] / least["winograd"], 2)
        numbers[f"{size}, 1 - cosine"] = f"{apart:.1e}"
    report("VGG-19 to relu4_2, forward and backward, float32", numbers)


def least_cpu_ms(call: Callable[[], object], repeats: int) -> float:
    """The least CPU time of a call, milliseconds."""
    call()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times) * 1e3


if __name__ == "__main__":
    main()
