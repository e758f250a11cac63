"""Fills networks from files whose publishers call the tensors by other names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from nst3d.errors import InputError
from nst3d.weights.tensors import checked

_COUNTER = "num_batches_tracked"
_NUMBERED = "position_ids"
"""Ends the names of tensors that count 0, 1, 2 …"""


@dataclass(frozen=True)
class Scheme:
    """How a publisher calls a network's tensors."""

    parts: Mapping[str, str]
    """Parts of our names, and what stands there in the file's, replaced in this order.

    "{q,k,v}" stands for several tensors, which are joined along their first axis.
    """
    turned: frozenset[str] = frozenset()
    """Those of our names whose matrices are transposed in the file."""

    def names(self, own: str) -> tuple[str, ...]:
        """The file's names of the tensor that is `own` here."""
        name = own
        for part, other in self.parts.items():
            name = name.replace(part, other)
        if "{" not in name:
            return (name,)
        before, _, rest = name.partition("{")
        choices, _, after = rest.partition("}")
        return tuple(f"{before}{choice}{after}" for choice in choices.split(","))


@dataclass(frozen=True)
class Stored:
    """The tensors of a file, which are asked for by our names; errors have the file's."""

    path: Path
    tensors: Mapping[str, torch.Tensor]
    scheme: Scheme

    def __contains__(self, own: str) -> bool:
        return all(name in self.tensors for name in self.scheme.names(own))

    def shape(self, own: str, axes: int) -> tuple[int, ...]:
        """The shape of a tensor of so many axes. InputError if it is missing or has others."""
        names = self.scheme.names(own)
        for name in names:
            if name not in self.tensors:
                raise InputError(f"{self.path}: has no {name}: these are not the expected weights")
        found = tuple(self.tensors[names[0]].shape)
        while len(found) > axes and found[0] == 1:
            found = found[1:]
        if len(found) != axes or 0 in found:
            raise InputError(f"{self.path}: {names[0]} has the shape {found}, expected {axes} axes")
        return found[::-1] if own in self.scheme.turned else found

    def count(self, pattern: str) -> int:
        """How many of the names that a `pattern` gives with 0, 1, … in place of "*" are there, without a gap."""
        number = 0
        while pattern.replace("*", str(number)) in self:
            number += 1
        return number

    def fill(self, network: nn.Module, complete: tuple[str, ...] = ()) -> None:
        """Give a network, which may be on the device "meta", its tensors, float32 on the CPU.

        InputError for one that is missing, of another shape or not finite, and for one that is left over in the file
        under a name that begins with one of `complete`; others are left out.
        """
        self._check_complete(network, complete)
        own: dict[str, torch.Tensor] = {}
        for name, tensor in network.state_dict().items():
            if name.endswith(_COUNTER):
                own[name] = torch.zeros((), dtype=torch.long)
            else:
                own[name] = self._tensor(name, tuple(tensor.shape))
        network.load_state_dict(own, assign=True)

    def _check_complete(self, network: nn.Module, complete: tuple[str, ...]) -> None:
        read = {name for own in network.state_dict() for name in self.scheme.names(own)}
        for name in self.tensors:
            if name.startswith(complete) and name not in read and not name.endswith(_NUMBERED):
                raise InputError(f"{self.path}: has {name}, too, so it is of another network")

    def _tensor(self, own: str, shape: tuple[int, ...]) -> torch.Tensor:
        names, turned = self.scheme.names(own), own in self.scheme.turned
        wanted = shape[::-1] if turned else (shape[0] // len(names), *shape[1:])
        parts = [checked(self.path, self._plain(name, wanted), name, wanted) for name in names]
        joined = parts[0] if len(parts) == 1 else torch.cat(parts)
        return joined.T.contiguous() if turned else joined

    def _plain(self, name: str, shape: tuple[int, ...]) -> Mapping[str, torch.Tensor]:
        """The tensor of that name without further axes of one before those of `shape`; none if it is missing."""
        found = self.tensors.get(name)
        if found is None:
            return {}
        while found.ndim > len(shape) and len(found) == 1:
            found = found[0]
        return {name: found}
