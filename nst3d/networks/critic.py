"""A network that tells real pictures of a domain from painted ones, patch by patch."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

_SLOPE = 0.2
_SIDE = 4


class Critic(nn.Module):
    """Isola et al. 2017, "Image-to-image translation with conditional adversarial networks": PatchGAN.

    Convolutions of 4 × 4 with leaky rectifiers, `halvings` of stride 2 and two of stride 1, with instance normalisation
    but in the first and last. Each value that it gives sees 34 × 34 pixels with 2 halvings, 70 × 70 with 3.
    """

    def __init__(self, width: int, halvings: int) -> None:
        """`width`: channels of the first layer, which double from layer to layer, up to eight times as many."""
        super().__init__()
        widths = [width * min(2**k, 8) for k in range(halvings + 1)]
        layers: list[nn.Module] = [nn.Conv2d(3, width, _SIDE, 2, 1), nn.LeakyReLU(_SLOPE)]
        for k, (inside, out) in enumerate(pairwise(widths), start=1):
            convolution = nn.Conv2d(inside, out, _SIDE, 2 if k < halvings else 1, 1)
            layers += [convolution, nn.InstanceNorm2d(out), nn.LeakyReLU(_SLOPE)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, _SIDE, 1, 1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """How real parts of pictures (n, 3, h, w) in [0, 1] are: (n, 1, h', w'), 1 for real and 0 for painted ones."""
        found: torch.Tensor = self.layers(2 * pictures - 1)
        return found
