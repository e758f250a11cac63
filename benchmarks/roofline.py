"""How near the encoder comes to what the CPU can do: its rate in float32 and bfloat16, against the fastest there is.

    python benchmarks/roofline.py [--sizes N ...] [--out DIR]

VGG-19 as deep as the default recipe needs, forward, and with the gradient to its picture. Floating-point operations are
those of direct convolutions, by the shapes of features; Winograd's algorithm takes fewer, and can be above the roof.
`share` is of that roof, the fastest direct convolution or product of matrices: on AMD, torch's float32 products are
slower, as their library leaves AVX-512 out. Times are the least of several calls, of CPU on one thread and of the wall
on more (OMP_NUM_THREADS). Each convolution alone has a place under the roof, too: its operations by byte that it must
read and write at least. `--out` gets roofline.svg. Last, one line of JSON.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from common import parser_for, report

from nst3d.features.encoder import Encoder
from nst3d.features.layers import conv_shape, layer_names, stride_of
from nst3d.features.precision import fast_dtype
from nst3d.features.speed import peak_rates
from nst3d.features.weights import load_encoder
from nst3d.pipeline.settings.config import PaintConfig

SIDE = 256
"""Of the picture in whose sizes each convolution alone is measured."""


def least_s(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """The least time of a call, tried for so long after two that do not count."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    call(), call()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 5:
        start = clock()
        call()
        times.append(clock() - start)
    return min(times)


def operations(encoder: Encoder, size: int, layers: tuple[str, ...]) -> float:
    """Floating-point operations of the convolutions forward: a multiplication and an addition are two."""
    names = layer_names("vgg19")
    depth = max(map(names.index, layers))
    convolved = [name for name in names[: depth + 1] if name.startswith("conv")]
    with torch.no_grad():
        features = encoder(torch.zeros(3, size, size), convolved)
    return float(sum(f.numel() * 2 * 9 * conv_shape(name)[1] for name, f in features.items()))


def encoder_rates(encoder: Encoder, size: int, layers: tuple[str, ...]) -> dict[str, float]:
    """The encoder's GFLOP/s forward, and forward and backward, on a square picture."""
    picture = torch.rand(3, size, size, generator=torch.Generator().manual_seed(0))
    leaf = picture.clone().requires_grad_()

    def forward() -> None:
        with torch.no_grad():
            encoder(picture, layers)

    def both() -> None:
        leaf.grad = None
        sum(map(torch.sum, encoder(leaf, layers).values())).backward()

    found: dict[str, float] = {}
    once = operations(encoder, size, layers)
    for name, call, count in (("forward", forward, once), ("both", both, 2 * once)):
        seconds = least_s(call)
        found |= {f"{name}_gflop": round(count / 1e9, 2), f"{name}_ms": round(seconds * 1e3, 1)}
        found[f"{name}_gflops"] = round(count / seconds / 1e9)
    return found


@torch.no_grad()
def convolutions(deepest: str, dtype: torch.dtype) -> Iterator[dict[str, Any]]:
    """Each convolution alone: operations by byte of input, output and weights, and GFLOP/s."""
    names = layer_names("vgg19")
    for layer in names[: names.index(deepest) + 1]:
        if not layer.startswith("conv"):
            continue
        out, inside = conv_shape(layer)
        side = SIDE // stride_of(layer)
        image = torch.rand(1, inside, side, side).to(dtype, memory_format=torch.channels_last)
        weight = torch.rand(out, inside, 3, 3).to(dtype, memory_format=torch.channels_last)

        def call(image: torch.Tensor = image, weight: torch.Tensor = weight) -> torch.Tensor:
            return F.conv2d(image, weight, padding=1)

        moved = (image.numel() + weight.numel() + call().numel()) * image.element_size()
        count = 2 * 9 * inside * call().numel()
        rate = count / least_s(call, 0.3) / 1e9
        yield {"layer": layer, "flop_per_byte": round(count / moved, 1), "gflops": round(rate)}


def bandwidth() -> float:
    """Bytes that are read and written by the second, GB/s, copying what fits in no cache."""
    source = torch.ones(1 << 26)
    target = torch.empty_like(source)
    return 2 * source.numel() * 4 / least_s(lambda: target.copy_(source)) / 1e9


def main() -> None:
    """Measure both precisions."""
    parser = parser_for(__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[160, 320, 512], help="sides of pictures")
    parser.add_argument("--out", type=Path, help="folder for the plot")
    given = parser.parse_args()
    config = PaintConfig()
    encoder = load_encoder("vgg19")
    layers = tuple(config.recipe.layers(encoder.own))
    names = layer_names("vgg19")
    deepest = max(layers, key=names.index)
    numbers: dict[str, Any] = {"layers": ", ".join(layers), "copy_gb_s": round(bandwidth())}
    for dtype in dict.fromkeys((fast_dtype(), torch.float32)):
        name = str(dtype).removeprefix("torch.")
        encoder = load_encoder("vgg19", dtype=dtype)
        found = list(convolutions(deepest, dtype))
        product = peak_rates(dtype, seconds=1)["matmul"] / 1e9
        roof = round(max(product, *(row["gflops"] for row in found)))
        rows = []
        for size in given.sizes:
            row = {"size": size} | encoder_rates(encoder, size, layers)
            rows.append(row | {"share": round(row["both_gflops"] / roof, 2)})
            print(name, rows[-1], flush=True)
        numbers |= {f"{name}_roof": roof, f"{name}_encoder": rows, f"{name}_convolutions": found}
    if given.out:
        from plots import roofline_plot

        roofline_plot(given.out / "roofline.svg", numbers)
    report("roofline", numbers, given.save)


if __name__ == "__main__":
    main()
