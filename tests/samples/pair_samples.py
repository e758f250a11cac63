"""Small random weights in the form of the distilled pairs."""

from __future__ import annotations

from pathlib import Path

import torch


def random_weights(folder: Path, level: int, **change: torch.Tensor) -> None:
    """Weights of a level in files of the official form."""
    names = [n for n in ("11", "12", "21", "22", "31", "32", "33", "34", "41") if n <= f"{level}1"]
    widths = [24 if level == 1 else {"1": 16, "2": 32, "3": 64, "4": 128}[n[0]] for n in names]
    there = {"conv0.weight": torch.rand(3, 3, 1, 1), "conv0.bias": torch.rand(3)}
    back = {}
    for name, inside, out in zip(names, [3, *widths], widths):
        there |= {
            f"conv{name}.weight": torch.randn(out, inside, 3, 3) / 9,
            f"conv{name}.bias": torch.zeros(out),
        }
    for name, inside, out in zip(reversed(names), reversed(widths), [*reversed(widths[:-1]), 3]):
        back |= {
            f"conv{name}.weight": torch.randn(out, inside, 3, 3) / 9,
            f"conv{name}.bias": torch.zeros(out),
        }
    torch.save({"model": there | change, "epoch": 20}, folder / f"{level}SE.pth")
    torch.save({"model": back, "epoch": 20}, folder / f"{level}SD.pth")
