"""A stand-in for the package tinycudann, for machines without CUDA: its classes' names, sizes and order of weights.

Written from the description of the package's order, in plain loops over levels, corners and layers: matrices row by
row, without biases, widths padded to multiples of 16; inputs of a network padded with ones, features of a grid with
zeros; network first, then the grid's levels. Sums are exact, answers are rounded to half precision, as there.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

PADDED = 16
_HARMONIC = 0.28209479177387814


def up(number: int) -> int:
    return -(-number // PADDED) * PADDED


class _Module(torch.nn.Module):
    def __init__(self, count: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1337)
        self.params = torch.nn.Parameter(torch.rand(count, generator=generator) * 2e-4 - 1e-4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[1] == self.n_input_dims
        with torch.no_grad():
            weights = self.params.half().double()
            return self.of(x.float().double(), weights)[:, : self.n_output_dims].half()


class Encoding(_Module):
    def __init__(
        self, n_input_dims: int, encoding_config: dict, seed: int = 1337, dtype: object = None
    ) -> None:
        self.n_input_dims, self.config = n_input_dims, encoding_config
        count = 0
        if encoding_config["otype"] == "HashGrid":
            self.levels = _levels(encoding_config)
            self.n_output_dims = len(self.levels) * encoding_config["n_features_per_level"]
            count = sum(rows for _, _, rows in self.levels) * encoding_config["n_features_per_level"]
        elif encoding_config["otype"] == "SphericalHarmonics":
            self.n_output_dims = encoding_config["degree"] ** 2
        else:
            self.n_output_dims = 2 * n_input_dims * encoding_config["n_frequencies"]
        super().__init__(count)

    def of(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        kind = self.config["otype"]
        if kind == "HashGrid":
            return _grid(self.config, self.levels, x, weights)
        if kind == "SphericalHarmonics":
            return _harmonics(2 * x - 1)
        octaves = range(self.config["n_frequencies"])
        phases = [math.pi * 2**k * x + shift for k in octaves for shift in (0, math.pi / 2)]
        return torch.cat(phases, dim=1).sin()


class Network(_Module):
    def __init__(self, n_input_dims: int, n_output_dims: int, network_config: dict, seed: int = 1337) -> None:
        self.n_input_dims, self.n_output_dims, self.config = n_input_dims, n_output_dims, network_config
        super().__init__(_size(n_input_dims, n_output_dims, network_config))

    def of(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        filled = torch.ones(len(x), up(self.n_input_dims), dtype=x.dtype)
        filled[:, : self.n_input_dims] = x
        return _network(self.config, self.n_output_dims, filled, weights)


class NetworkWithInputEncoding(_Module):
    def __init__(
        self,
        n_input_dims: int,
        n_output_dims: int,
        encoding_config: dict,
        network_config: dict,
        seed: int = 1337,
    ) -> None:
        self.n_input_dims, self.n_output_dims = n_input_dims, n_output_dims
        self.config, self.encoding = network_config, encoding_config
        self.levels = _levels(encoding_config)
        self.features = len(self.levels) * encoding_config["n_features_per_level"]
        rows = sum(rows for _, _, rows in self.levels)
        self.own = _size(self.features, n_output_dims, network_config)
        super().__init__(self.own + rows * encoding_config["n_features_per_level"])

    def of(self, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        filled = torch.zeros(len(x), up(self.features), dtype=x.dtype)
        filled[:, : self.features] = _grid(self.encoding, self.levels, x, weights[self.own :]).half()
        return _network(self.config, self.n_output_dims, filled, weights[: self.own])


def _levels(config: dict) -> list[tuple[float, int, int]]:
    """Scale, resolution and rows of each level."""
    assert config["n_features_per_level"] in (1, 2, 4, 8)
    found = []
    for level in range(config["n_levels"]):
        exponent = np.float32(level) * np.log2(np.float32(config["per_level_scale"]))
        scale = np.exp2(exponent) * np.float32(config["base_resolution"]) - np.float32(1)
        resolution = int(np.ceil(scale)) + 1
        rows = resolution**3
        while rows % 8:
            rows += 1
        found.append((float(scale), resolution, min(rows, 2 ** config["log2_hashmap_size"])))
    return found


def _grid(config: dict, levels: list, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    width, first, out = config["n_features_per_level"], 0, []
    for scale, resolution, rows in levels:
        table = weights[first : first + rows * width].view(rows, width)
        first += rows * width
        # The package has places in single precision.
        place = (x.float() * np.float32(scale) + 0.5).double()
        cell = place.floor().long()
        inside = place - cell
        total = torch.zeros(len(x), width, dtype=torch.float64)
        for corner in range(8):
            share, at = torch.ones(len(x), dtype=torch.float64), []
            for axis in range(3):
                upper = corner >> axis & 1
                share = share * (inside[:, axis] if upper else 1 - inside[:, axis])
                at.append(cell[:, axis] + upper)
            if resolution**3 <= rows:
                index = at[0] + at[1] * resolution + at[2] * resolution * resolution
            else:
                index = at[0] ^ at[1] * 2654435761 % 2**32 ^ at[2] * 805459861 % 2**32
            total += share[:, None] * table[index % rows]
        out.append(total)
    return torch.cat(out, dim=1)


def _size(inputs: int, outputs: int, config: dict) -> int:
    width, hidden = config["n_neurons"], config["n_hidden_layers"]
    return width * up(inputs) + (hidden - 1) * width * width + up(outputs) * width


def _network(config: dict, outputs: int, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    width, first = config["n_neurons"], 0
    sizes = [width] * config["n_hidden_layers"] + [up(outputs)]
    for number, size in enumerate(sizes):
        matrix = weights[first : first + size * x.shape[1]].view(size, x.shape[1])
        first += matrix.numel()
        x = x @ matrix.T
        last = number == len(sizes) - 1
        kind = config["output_activation" if last else "activation"]
        x = {"ReLU": torch.relu, "Sigmoid": torch.sigmoid, "None": lambda y: y}[kind](x)
        x = x.half().double()
    assert first == len(weights)
    return x


def _harmonics(d: torch.Tensor) -> torch.Tensor:
    """Sixteen functions of a direction, the first constant; the others polynomials like harmonics."""
    x, y, z = d.unbind(dim=1)
    one = torch.full_like(x, _HARMONIC)
    second = [-0.4886 * y, 0.4886 * z, -0.4886 * x]
    third = [
        1.0925 * x * y,
        -1.0925 * y * z,
        0.9462 * z * z - 0.3154,
        -1.0925 * x * z,
        0.5463 * (x * x - y * y),
    ]
    fourth = [
        y * (y * y - 3 * x * x),
        x * y * z,
        y * (1 - 5 * z * z),
        z * (5 * z * z - 3),
        x * (1 - 5 * z * z),
    ]
    fourth += [z * (x * x - y * y), x * (3 * y * y - x * x)]
    return torch.stack([one, *second, *third, *fourth], dim=1)


def install(patch: pytest.MonkeyPatch) -> None:
    """Let nerfstudio build its modules with the stand-in, and ours take it for the package on any device."""
    import sys

    import nerfstudio.field_components.encodings as encodings
    import nerfstudio.field_components.mlp as mlp

    from nst3d.integrations.nerfstudio.model import tcnn

    for module in (encodings, mlp):
        patch.setattr(module, "tcnn", sys.modules[__name__])
        patch.setattr(module, "TCNN_EXISTS", True)
    patch.setattr(tcnn, "lacks", lambda device: "")
