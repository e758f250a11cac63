"""Random weights of MicroAST, in files of the official form."""

from __future__ import annotations

from pathlib import Path

import torch

PARTS = ("content_encoder", "style_encoder", "modulator", "decoder")


def residual(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.conv{k}": (64, 64, 3, 3) for k in (1, 2)}


ENCODER = {
    "enc1.0": (16, 3, 9, 9),
    "enc1.2": (32, 1, 3, 3),
    "enc1.4": (32, 32, 1, 1),
    "enc1.6": (64, 1, 3, 3),
    "enc1.8": (64, 64, 1, 1),
    **residual("enc1.10"),
    **residual("enc2.0"),
}
MODULATOR = {f"{kind}{k}.0": (64, 1, 3, 3) for kind in ("weight", "bias") for k in (1, 2)}
DECODER = {
    **residual("dec1"),
    **residual("dec2"),
    "dec3.1": (32, 2, 3, 3),
    "dec3.3": (32, 32, 1, 1),
    "dec3.6": (16, 2, 3, 3),
    "dec3.8": (16, 16, 1, 1),
    "dec3.10": (3, 16, 9, 9),
}
SHAPES = dict(zip(PARTS, (ENCODER, ENCODER, MODULATOR, DECODER)))


def write_random(folder: Path, seed: int = 0) -> Path:
    """Weights of the published shapes, in files of the official form."""
    draw = torch.Generator().manual_seed(seed)
    for part, layers in SHAPES.items():
        tensors = {}
        for name, shape in layers.items():
            spread = (2 / (shape[1] * shape[2] * shape[3])) ** 0.5
            tensors[f"{name}.conv_layer.weight"] = torch.randn(shape, generator=draw) * spread
            tensors[f"{name}.conv_layer.bias"] = torch.rand(shape[0], generator=draw) * 0.1
        torch.save(tensors, folder / f"{part}_iter_160000.pth.tar")
    return folder


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Noise (3, h, w)."""
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))
