"""A network that hears what music is like, in 50 tags (Pons & Serra 2019, "musicnn"; trained on MagnaTagATune)."""

from __future__ import annotations

from pathlib import Path
from typing import final

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.files import PathLike
from nst3d.weights.find import need_weights
from nst3d.weights.tensors import checked
from nst3d.weights.tf_checkpoint import read_checkpoint

TAGS = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano", "ambient",
    "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male", "singing", "vocals", "no vocals",
    "harpsichord", "loud", "quiet", "flute", "woman", "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man",
    "classic", "choir", "voice", "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip
"""What it tells, in the order of its outputs."""
FRAMES = 187
"""Spectra of a piece of sound that it hears, 3 seconds of them."""
_BANDS = 96
_CHANNELS = 128
_POOLS = (((4, 1), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((2, 2), (2, 2)), ((4, 4), (4, 4)))
"""Size and step of what is pooled after each convolution, in spectra and bands."""
_EPSILON = 1e-3
"""TensorFlow's, in normalisations."""
_OF_NORMS = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


@final
class Tagger(nn.Module):
    """Five convolutions, each normalised and pooled, and what they say of each tag."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (1, *[_CHANNELS] * (len(_POOLS) - 1))
        self.norms = nn.ModuleList(nn.BatchNorm2d(c, eps=_EPSILON) for c in (1, *[_CHANNELS] * len(_POOLS)))
        self.convs = nn.ModuleList(nn.Conv2d(c, _CHANNELS, 3, padding=1) for c in inputs)
        self.last = nn.Linear(2 * _CHANNELS, len(TAGS))

    @torch.no_grad()
    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        """How likely each tag is (b, 50), 0 to 1, for spectra (b, 187, 96): log10(1 + 10,000 · mel power)."""
        x = self.norms[0](spectra[:, None])
        for conv, norm, (size, step) in zip(self.convs, self.norms[1:], _POOLS):
            x = F.max_pool2d(norm(F.relu(conv(x))), size, step)
        flat = x.permute(0, 2, 3, 1).flatten(1)  # channels last, as TensorFlow has them
        likely: torch.Tensor = self.last(flat).sigmoid()
        return likely


def load_tagger(path: PathLike | None = None) -> Tagger:
    """The network, frozen, from the folder `path` or, None, found like all weights.

    Raises MissingDependencyError if its files are not there, InputError for damaged or other ones.
    """
    data, index = need_weights("musicnn", path)
    tensors = read_checkpoint(data, index)
    tagger = Tagger()
    state = tagger.state_dict()
    for own, tensor in state.items():
        name, order = _published(own)
        if name:
            shape = tuple(tensor.shape[order.index(axis)] for axis in range(len(order)))
            state[own] = checked(Path(index), tensors, name, shape or tuple(tensor.shape)).permute(
                order or (0,)
            )
    tagger.load_state_dict(state)
    return tagger.eval().requires_grad_(False)


def _published(own: str) -> tuple[str, tuple[int, ...]]:
    """The name of a tensor in the checkpoint, and the order of its axes, () if that is the same; "": a counter."""
    module, _, rest = own.partition(".")
    number, _, part = rest.rpartition(".")
    if module == "norms":
        name = "batch_normalization" + (f"_{number}" if number != "0" else "")
        return (f"{name}/{_OF_NORMS[part]}" if part in _OF_NORMS else ""), ()
    name = f"{int(number) + 1}CNN" if module == "convs" else "dense"
    if part == "bias":
        return f"{name}/bias", ()
    return f"{name}/kernel", ((3, 2, 0, 1) if module == "convs" else (1, 0))
