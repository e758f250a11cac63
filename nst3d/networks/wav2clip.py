"""A network that hears what CLIP would see.

Wu et al. 2022, "Wav2CLIP: learning robust audio representations from CLIP". It was trained on ten seconds of sound at
a time, to give the features that CLIP's ViT-B/32 has of the video beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import final

import torch
import torch.nn.functional as F
from torch import nn

from nst3d.errors import InputError
from nst3d.files import PathLike
from nst3d.limits import claim, one_asset
from nst3d.weights.find import need_weights
from nst3d.weights.tensors import checked, read_tensors

RATE = 16_000
"""Samples per second of the sounds that it hears."""
LONGEST = 10
"""Seconds that it was trained on at a time."""
_WINDOW, _HOP = 512, 353
"""Samples of a spectrum, and from one to the next."""
_NOTHING, _STILL = 1e-7, 1e-9
"""What is added to a spectrum's power before its logarithm, and to the deviation that it is divided by."""
_STAGES = 4
_BLOCKS = 2
"""Blocks of each stage, as in a ResNet-18."""
_ENCODER, _TRANSFORM = "audio_encoder.", "audio_transform.sequential."
_UNUSED = ("fc.", "spectrogram.")
"""How names begin of the encoder's tensors that are not needed: a classifier, and the window."""
_COUNTER = "num_batches_tracked"


class Block(nn.Module):
    """Two convolutions beside a shortcut (He et al. 2016)."""

    def __init__(self, inside: int, out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inside, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.conv2, self.bn2 = nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or inside != out:
            self.downsample = nn.Sequential(
                nn.Conv2d(inside, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, inside, h, w) to (b, out, h', w')."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


@final
class Wav2Clip(nn.Module):
    """A residual network over spectra, and two layers from its features to CLIP's."""

    def __init__(self, width: int, hidden: int, joined: int) -> None:
        """`width`: channels of the first stage; `hidden`: of the layer between; `joined`: of CLIP's features."""
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        inside = width
        for stage in range(_STAGES):
            out = width * 2**stage
            first = Block(inside, out, 2 if stage else 1)
            self.add_module(
                f"layer{stage + 1}", nn.Sequential(first, *(Block(out, out, 1) for _ in range(1, _BLOCKS)))
            )
            inside = out
        self.first, self.last = nn.Linear(inside, hidden), nn.Linear(hidden, joined)

    @property
    def joined(self) -> int:
        """Channels of its features."""
        return self.last.out_features

    @torch.no_grad()
    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        """Features (joined,), of length 1, of a sound (n,), 16,000 samples a second and 512 or more."""
        x = log_spectra(samples)[None, None]
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for stage in range(_STAGES):
            x = self.get_submodule(f"layer{stage + 1}")(x)
        row: torch.Tensor = self.last(F.relu(self.first(x.mean((2, 3)))))[0]
        return F.normalize(row, dim=0)


def log_spectra(samples: torch.Tensor) -> torch.Tensor:
    """Logarithms of the power (257, t) of a sound (n,), less their mean, by their deviation.

    Windows of 512 samples, Hann's, every 353, the ends mirrored.
    """
    window = torch.hann_window(_WINDOW)
    spectra = torch.stft(
        samples.float(), _WINDOW, _HOP, window=window, pad_mode="reflect", return_complex=True
    )
    power = (spectra.abs().square() + _NOTHING).log()
    return (power - power.mean()) / (power.std() + _STILL)


@one_asset()
def load_wav2clip(path: PathLike | None = None) -> Wav2Clip:
    """The network, frozen, from the file or folder `path` or, None, found like all weights.

    Sizes are those of its tensors. Raises MissingDependencyError if it is not found, InputError for a file that is
    damaged, holds code, or is of another network; TooLargeError for one that needs more memory than is allowed.
    """
    (file,) = need_weights("wav2clip", path)
    tensors = read_tensors(file, inside="state_dict")
    claim(sum(4 * tensor.numel() for tensor in tensors.values()), str(file))
    network = Wav2Clip(
        _rows(file, tensors, f"{_ENCODER}conv1.weight", 4),
        _rows(file, tensors, f"{_TRANSFORM}0.weight", 2),
        _rows(file, tensors, f"{_TRANSFORM}3.weight", 2),
    )
    state = network.state_dict()
    names = {own: _published(own) for own in state if not own.endswith(_COUNTER)}
    _check_all_known(file, tensors, set(names.values()))
    own_state = {own: checked(file, tensors, name, tuple(state[own].shape)) for own, name in names.items()}
    network.load_state_dict(state | own_state)
    return network.eval().requires_grad_(False)


def _published(own: str) -> str:
    """The name of a tensor in the file."""
    module, _, part = own.partition(".")
    if module in ("first", "last"):
        return f"{_TRANSFORM}{0 if module == 'first' else 3}.{part}"
    return f"{_ENCODER}{own}"


def _rows(file: Path, tensors: Mapping[str, torch.Tensor], name: str, axes: int) -> int:
    """The first size of a tensor."""
    if name not in tensors or tensors[name].ndim != axes or not len(tensors[name]):
        raise InputError(f"{file}: has no {name} of {axes} axes: this is no Wav2CLIP")
    return len(tensors[name])


def _check_all_known(file: Path, tensors: Mapping[str, torch.Tensor], known: set[str]) -> None:
    """Raise InputError if the parts that are needed have more tensors: another network."""
    for name in tensors:
        if not name.startswith((_ENCODER, _TRANSFORM)) or name in known or name.endswith(_COUNTER):
            continue
        if not name.removeprefix(_ENCODER).startswith(_UNUSED):
            raise InputError(f"{file}: has {name}, which a Wav2CLIP with a ResNet-18 has not")
