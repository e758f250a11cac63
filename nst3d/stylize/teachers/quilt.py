"""Quilting without any network: the scene is covered with patches of the style, which follow its surface."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch

from nst3d.bounds import Within
from nst3d.errors import ConfigError
from nst3d.images.colour import LUMA
from nst3d.operators.base import ViewOperator
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.exemplars import Exemplar
from nst3d.stylize.teachers.quilting import Quilt, Tones
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.stylize.teachers.row_places import places_of
from nst3d.stylize.teachers.surface_cells import cells_of
from nst3d.tensors import Image

_LEAST = 5
"""Least side of a patch, in pixels."""


@final
class QuiltTeacher:
    """Lays patches of the style on the rows of the scene's table, so that all views show the same ones."""

    def __init__(self, patch: float = 0.125, guide: float = 0.0, reuse: float = 0.2) -> None:
        """`patch` is the side of patches as a share of a view's long side, above 0 and at most 0.5.

        `guide` is how much patches keep the brightness of the scene, from 0, in units of what their seams count.
        `reuse` is how much places of the style are avoided that were taken before, from 0. ConfigError for others.
        """
        Within(0, 0.5, above=True).check("teacher quilt: option patch", patch)
        Within(0).check("teacher quilt: option guide", guide)
        Within(0).check("teacher quilt: option reuse", reuse)
        self._patch, self._guide, self._reuse = patch, guide, reuse

    @torch.no_grad()
    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The views of the covered scene. Each patch is of one style, chosen at random by their weights.

        Unchanged if no view covers anything. ConfigError for a scene without a table.
        """
        if not any(bool((look.coverage > 0).any()) for look in looks):
            return pictures
        views = [_view(look) for look in looks]
        size = max(max(picture.shape[:2]) for picture in pictures)
        places = places_of(views, [look.camera for look in looks])
        if not len(places.rows):
            raise ConfigError(
                "teacher quilt needs views from several sides: give cameras that are farther apart"
            )
        own = _shown(views, pictures, looks)
        cells = cells_of(places)
        exemplars, shares, side = self._cut(styles, size)
        tone = cells.mean(own[places.rows] @ own.new_tensor(LUMA)[:, None])[:, 0]
        tones = Tones(_matched(tone, exemplars), self._guide)
        quilt = Quilt(cells, exemplars, shares, side, tones, self._reuse)
        quilt.cover(looks[0].generator())
        own[places.rows] = quilt.at(cells.of_row, places.positions)
        return [_painted(view, own, look, styles[0].background) for view, look in zip(views, looks)]

    def _cut(self, styles: Sequence[Style], size: int) -> tuple[list[Exemplar], list[float], int]:
        """The styles' pictures to cut patches from, how often each is taken, and the odd side of patches."""
        drawn = [list(zip(style.at(size), style.opacities_at(size))) for style in styles]
        narrow = min(min(picture.shape[1:]) for pictures in drawn for picture, _ in pictures)
        side = max(_LEAST, min(round(self._patch * size), narrow // 2)) | 1
        exemplars = [Exemplar(*each, side) for pictures in drawn for each in pictures]
        shares = [style.weight / len(pictures) for style, pictures in zip(styles, drawn) for _ in pictures]
        return exemplars, shares, side


def _view(look: Look) -> ViewOperator:
    if look.coarse is None:
        raise ConfigError(
            "teacher quilt needs a scene that is a table of colours, which this one is not: take the teacher monge"
        )
    return look.coarse(1)


def _shown(views: Sequence[ViewOperator], pictures: Sequence[Image], looks: Sequence[Look]) -> torch.Tensor:
    """The table (n, 3) of what the pictures show of each row, on average by squared coverage."""
    total = torch.zeros(views[0].num_colours, 4)
    for view, picture, look in zip(views, pictures, looks):
        held = torch.cat([picture.cpu().float(), torch.ones(*picture.shape[:2], 1)], 2)
        total += view.adjoint(Image(held * look.coverage.cpu().float()[..., None]))
    return total[:, :3] / total[:, 3:].clamp_min(1e-9)


def _painted(view: ViewOperator, table: torch.Tensor, look: Look, background: torch.Tensor) -> Image:
    """The view (h, w, 3) of a table; of a region alone, as if there were nothing else but the background."""
    covered = view.coverage
    colours = view.apply(table) / covered.clamp_min(1e-6)
    share = torch.minimum(look.coverage.cpu().float()[..., None], covered)
    return Image(torch.lerp(background.cpu().expand_as(colours), colours, share).to(look.image))


def _matched(tone: torch.Tensor, exemplars: Sequence[Exemplar]) -> torch.Tensor:
    """Brightness (n,) with the mean and spread of the exemplars'."""
    wanted = torch.cat([exemplar.tone.flatten() for exemplar in exemplars])
    spread = wanted.std() / tone.std(correction=0).clamp_min(1e-6)
    return (tone - tone.mean()) * spread + wanted.mean()


def _make(options: Mapping[str, Any]) -> QuiltTeacher:
    return QuiltTeacher(options["patch"], options["guide"], options["reuse"])


register_teacher("quilt", _make, {"patch": 0.125, "guide": 0.0, "reuse": 0.2})
