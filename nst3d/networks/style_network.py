"""A trained generator with what is known about it: the names of its styles, and the size it was trained at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nst3d.errors import ConfigError, InputError, cut
from nst3d.files import PathLike
from nst3d.networks.generator import Generator, GeneratorShape
from nst3d.weights.saved import read_told, write_tensors
from nst3d.weights.tensors import checked, read_tensors

_KIND = "nst3d style network 2"
_SIZES = range(16, 8193)


@dataclass(frozen=True, eq=False)
class StyleNetwork:
    """A generator, its styles and its size."""

    generator: Generator
    styles: tuple[str, ...]
    """Names of the styles, in the order of the generator's."""
    size: int
    """Side of the views in which its strokes were trained, in pixels."""

    def shares(self, mix: Mapping[str, float] | Sequence[float]) -> list[float]:
        """The share of each style, with the sum 1, from weights by name or in order.

        ConfigError for unknown names, another number of weights, negative weights, or none above 0.
        """
        known = ", ".join(self.styles)
        if isinstance(mix, Mapping):
            unknown = next((name for name in mix if name not in self.styles), None)
            if unknown is not None:
                raise ConfigError(f"the network has no style {unknown!r}; its styles are: {known}")
            weights = [float(mix.get(name, 0.0)) for name in self.styles]
        else:
            weights = [float(weight) for weight in mix]
        if len(weights) != len(self.styles):
            raise ConfigError(
                f"{len(weights)} weights for a network of {len(self.styles)} styles: give one for each of {known}"
            )
        total = sum(weights)
        if not 0 < total < float("inf") or min(weights) < 0:
            raise ConfigError(f"weights of styles are {weights}: expected 0 or more, at least one above 0")
        return [weight / total for weight in weights]


def save_style_network(path: PathLike, network: StyleNetwork) -> None:
    """Write a network as safetensors, in half precision. OutputError if it cannot be written."""
    shape = network.generator.shape
    told = {
        "kind": _KIND,
        "styles": json.dumps(network.styles),
        "size": str(network.size),
        "widths": json.dumps(shape.widths),
        "blocks": str(shape.blocks),
        "recurrent": json.dumps(shape.recurrent),
    }
    write_tensors(path, {k: v.half() for k, v in network.generator.state_dict().items()}, told)


def load_style_network(path: PathLike) -> StyleNetwork:
    """The network in a file that `save_style_network` wrote, ready to run.

    Nothing in the file is executed. Raises InputError for a damaged file, and for one with anything else.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise InputError(f"{path}: expected a .safetensors file that `nst3d train-style` wrote")
    told = read_told(path)
    if told.get("kind") != _KIND:
        found = f"says that it is {cut(told['kind'])!r}" if "kind" in told else "does not say what it is"
        raise InputError(f"{path}: {found}; expected {_KIND!r}, as `nst3d train-style` writes it")
    shape, styles, size = _described(path, told)
    with torch.device("meta"):  # no memory for what a header claims before the file has been seen to hold it
        generator = Generator(shape)
    tensors = read_tensors(path)
    found_all = {k: checked(path, tensors, k, tuple(v.shape)) for k, v in generator.state_dict().items()}
    generator.load_state_dict(found_all, assign=True)
    return StyleNetwork(generator.eval().requires_grad_(False), styles, size)


def _described(path: Path, told: Mapping[str, str]) -> tuple[GeneratorShape, tuple[str, ...], int]:
    """The shape, the names of the styles and the size in a file's text."""
    try:
        styles = tuple(str(name) for name in json.loads(told["styles"]))
        full, half, quarter = (int(width) for width in json.loads(told["widths"]))
        size = int(told["size"])
        recurrent = json.loads(told.get("recurrent", "false"))  # files of earlier versions do not say
        if size not in _SIZES or not isinstance(recurrent, bool):
            raise ValueError(f"size {size}, recurrent {recurrent}")
        shape = GeneratorShape((full, half, quarter), int(told["blocks"]), len(styles), recurrent)
        return shape, styles, size
    except (KeyError, ValueError, TypeError, RecursionError, ConfigError) as error:
        raise InputError(
            f"{path}: its description is damaged ({cut(str(error))}); expected styles, size, widths and blocks,"
            " as `nst3d train-style` writes them"
        ) from None
