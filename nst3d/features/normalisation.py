"""How networks normalise the images that they take."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Normalisation:
    """Input normalisation of a network: (image - mean) * scale, with channels in `order`."""

    mean: tuple[float, float, float]
    """RGB, in units of the [0, 1] image."""
    scale: tuple[float, float, float]
    """RGB, applied after the mean is subtracted."""
    order: tuple[int, int, int] = (0, 1, 2)
    """Image channel (0 red, 1 green, 2 blue) of each input channel of the network."""

    @property
    def unit(self) -> float:
        """How many times larger the input is than a standardised image, and so roughly the features."""
        return sum(self.scale) / sum(IMAGENET.scale)

    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """An image (..., 3, h, w) as the network takes it."""
        column = (-1, 1, 1)
        centred = image - image.new_tensor(self.mean).view(column)
        return (centred * image.new_tensor(self.scale).view(column))[..., list(self.order), :, :]


OXFORD = Normalisation(
    mean=(123.68 / 255, 116.779 / 255, 103.939 / 255), scale=(255.0, 255.0, 255.0), order=(2, 1, 0)
)
"""The original Oxford weights: BGR from 0 to 255, minus the training set's mean colour."""

CAFFE = Normalisation(mean=(123 / 255, 117 / 255, 104 / 255), scale=(255.0, 255.0, 255.0), order=(2, 1, 0))
"""Networks trained with Caffe: BGR from 0 to 255, minus its rounded mean colour."""

IMAGENET = Normalisation(mean=(0.485, 0.456, 0.406), scale=(1 / 0.229, 1 / 0.224, 1 / 0.225))
"""torchvision's weights: RGB, standardised by ImageNet's mean and standard deviation."""

CLIP = Normalisation(
    mean=(0.48145466, 0.4578275, 0.40821073), scale=(1 / 0.26862954, 1 / 0.26130258, 1 / 0.27577711)
)
"""OpenAI's CLIP, and those of open_clip: RGB, standardised by the mean and standard deviation of its training set."""
