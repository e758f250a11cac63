"""An encoder to judge a style by that painting did not use."""

from __future__ import annotations

from collections.abc import Collection

from nst3d.features.kinds import encoder_name
from nst3d.weights.find import find_weights

JUDGES = (
    "vgg16-torchvision",
    "vgg19",
    "vgg19-torchvision",
    "alexnet-torchvision",
    "resnet50-torchvision",
    "resnet50-half",
)
"""Encoders that judge, best first: VGGs, whose features hold texture at all scales, before coarser ones."""


def judge_for(used: Collection[str]) -> str | None:
    """The first of `JUDGES` whose weights are here and whose architecture is none of the encoders that were `used`.

    The same architecture with other weights does not count as another: it shares the blind spots. None if there is
    none. Raises ConfigError for an unknown encoder.
    """
    taken = {_architecture(encoder_name(name)) for name in used}
    free = (name for name in JUDGES if _architecture(name) not in taken)
    return next((name for name in free if find_weights(name) is not None), None)


def why_no_judge(used: Collection[str]) -> str:
    """One line that says why `judge_for` gives None, and what to get."""
    taken = {_architecture(encoder_name(name)) for name in used}
    free = [name for name in JUDGES if _architecture(name) not in taken]
    names = ", ".join(used)
    return (
        f"no encoder is here but those that painted ({names}): run `nst3d weights fetch {free[0]}`, or get one of"
        f" {', '.join(free[1:])}"
    )


def _architecture(name: str) -> str:
    return name.removesuffix("-torchvision").removesuffix("_bn")
