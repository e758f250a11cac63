"""Views that the diffusion teacher edits, by tiny random models."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from nst3d.operators import IdentityView, Resampled
from nst3d.stylize.diffusion.teacher import Diffusion
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.registry import make_teacher
from nst3d.tensors import Image, ImageSize, to_planes

HEIGHT, WIDTH = 40, 56
JADE = Style(text="carved jade")


def picture(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> Image:
    return Image(torch.rand(height, width, 3, generator=torch.Generator().manual_seed(seed)))


def look(picture: Image, view: int = 0, **fields: Any) -> Look:
    return Look(to_planes(picture), torch.ones(picture.shape[:2]), view, **fields)


def teacher(models: Path, name: str = "plain", **options: Any) -> Diffusion:
    found = make_teacher("diffusion", {"model": str(models / name), "steps": 4, **options})
    assert isinstance(found, Diffusion)
    return found


def taught(teacher: Diffusion, looks: Sequence[Look], styles: Sequence[Style] = (JADE,)) -> list[Image]:
    return list(teacher.teach([Image(k.image.permute(1, 2, 0)) for k in looks], looks, styles))


def change(models: Path, styles: Sequence[Style] = (JADE,), name: str = "plain", **options: Any) -> Image:
    return taught(teacher(models, name, **options), [look(picture())], styles)[0]


def views(*seeds: int) -> list[Look]:
    """Looks at one table of pixels, each with a picture of its own, of which all show the whole."""
    size = ImageSize(48, 64)
    shown = [picture(seed, *size) for seed in seeds]
    coarse = partial(Resampled, IdentityView(size))
    return [look(p, k, coarse=coarse) for k, p in enumerate(shown)]
