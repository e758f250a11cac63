"""Features of pictures that are asked for again, so that each is encoded once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import torch

from nst3d.features.encoder import Encoder
from nst3d.tensors import Features, Planes

Found = Mapping[str, torch.Tensor]


class Remembered:
    """What was found of pictures, kept from the second time that a picture is asked for.

    Most pictures are asked for once, and would only take memory. A picture is known by its bytes, so that equal copies
    are one picture, and one that was changed is another.
    """

    def __init__(self, most: int) -> None:
        """Keep at most `most` bytes; what does not fit is found again each time."""
        self._left, self._kept, self._asked = most, dict[bytes, Found](), set[bytes]()
        self._last: tuple[bytes, Found] = (b"", {})

    def of(self, picture: torch.Tensor, names: Sequence[str], find: Callable[[], Found]) -> Found:
        """What `find` gives for these names of a picture, or gave before."""
        content = picture.detach().contiguous().cpu()
        key = hashlib.blake2b(repr((tuple(content.shape), content.dtype, tuple(names))).encode())
        key.update(content.view(torch.uint8).numpy().data)
        name = key.digest()
        if name in self._kept:
            return self._kept[name]
        found = self._last[1] if self._last[0] == name else find()
        size = sum(each.nbytes for each in found.values())
        if name in self._asked and size <= self._left:
            self._kept[name] = found
            self._left -= size
        self._asked.add(name)
        self._last = name, found
        return found


class RememberedEncoder:
    """An encoder that encodes a picture at most twice."""

    def __init__(self, encoder: Encoder, most: int) -> None:
        """Keep at most `most` bytes of features."""
        self._encoder, self._memory, self.unit = encoder, Remembered(most), encoder.unit

    @torch.no_grad()
    def __call__(self, image: Planes, layers: Sequence[str]) -> Mapping[str, Features]:
        """The encoder's features of an image, without gradients."""
        return self._memory.of(image, layers, lambda: self._encoder(image, layers))

    def stride(self, layer: str) -> int:
        """The encoder's."""
        return self._encoder.stride(layer)

    def own(self, layers: Sequence[str]) -> tuple[str, ...]:
        """The encoder's."""
        return self._encoder.own(layers)
