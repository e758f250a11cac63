"""The encoder in float32, with Winograd's algorithm and with torch's convolutions.

CPU time forward and backward of an image through VGG-19 to relu4_2, the least of several turns, and how far the two
gradients point apart. `--avx2` allows torch and numba no more than most laptops have, so that a server can stand in for
one.
"""

from __future__ import annotations

from typing import Any

import torch
from common import least_cpu_ms, parser_for, report

from nst3d.features import frozen_conv, load_encoder
from nst3d.pipeline.runtime.machine import use_threads

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu4_2")
SIZES = (128, 256, 384)


def main() -> None:
    """Measure both ways in turn at each size."""
    parser = parser_for(__doc__)
    parser.add_argument("--repeats", type=int, default=7, help="turns of each way")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    use_threads(given.threads)
    encoder = load_encoder(dtype=torch.float32)
    rows, own = [], frozen_conv._CAPABILITIES
    for size in SIZES:
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
            least[way] = least_cpu_ms(gradient, given.repeats)
            found[way] = gradient()
        apart = 1 - torch.nn.functional.cosine_similarity(found["torch"], found["winograd"], dim=0).item()
        row: dict[str, Any] = {"pixels": size} | {f"{way}_ms": round(ms) for way, ms in least.items()}
        rows.append(
            row | {"ratio": round(least["torch"] / least["winograd"], 2), "apart": float(f"{apart:.0e}")}
        )
        print(rows[-1], flush=True)
    frozen_conv._CAPABILITIES = own  # by which the report measures this machine
    numbers = {"instructions": torch.backends.cpu.get_cpu_capability(), "sizes": rows}
    report("VGG-19 to relu4_2, forward and backward, float32", numbers, given.save)


if __name__ == "__main__":
    main()
