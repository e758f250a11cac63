"""Universal style transfer in the scene's own table: features are lifted into it, moved there, and rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

import torch

from nst3d.errors import ConfigError
from nst3d.features.precision import fast_dtype
from nst3d.networks.any_pair import AnyPair
from nst3d.networks.best_pairs import best_pairs
from nst3d.networks.transport import monge_map, pooled_statistics
from nst3d.operators.base import ViewOperator
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.feature_table import lifted, moved, shown
from nst3d.stylize.teachers.registry import register_teacher
from nst3d.stylize.teachers.style_features import encoded_styles, mixed_statistics
from nst3d.tensors import Image, Planes, to_image, to_planes

_LEVEL = 3
"""relu3_1, whose features hold both colours and marks, as StyleRF's."""


@final
class Lifted:
    """Moves one table of features in place of those of each view, so that views cannot disagree about them.

    Liu et al. 2023, "StyleRF: zero-shot 3D style transfer of neural radiance fields", where the map is only close to
    one of the views; here views are linear in the table, and it is exact.
    """

    def __init__(self, pair: AnyPair, strength: float = 1.0) -> None:
        """`strength` is the share of the way, 0 to 1, that features move. ConfigError for another."""
        if not 0 <= strength <= 1:
            raise ConfigError(f"teacher lifted: option strength is {strength}: expected 0 to 1")
        self._pair, self._strength = pair, strength

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The pictures decoded from the moved table; the styles are mixed by their weights.

        Unchanged if no view covers anything. ConfigError for a scene without a table.
        """
        if not any(bool((look.coverage > 0).any()) for look in looks):
            return pictures
        pair, size = self._pair, max(max(picture.shape[:2]) for picture in pictures)
        views = [_coarse(look, pair.stride) for look in looks]
        features = [pair.encode(to_planes(picture)) for picture in pictures]
        target = mixed_statistics(encoded_styles(pair, styles, size), styles)
        move = monge_map(pooled_statistics(zip(features, (look.coverage for look in looks))), target)
        plain = _plain(pair, styles[0].background)
        tables = [lifted(views, features, plain[0]), plain]
        blends = [torch.lerp(table, moved(move, table), self._strength) for table in tables]
        return [
            Image(to_image(pair.decode(blend, (look.image.shape[1], look.image.shape[2]))).clamp(0, 1))
            for blend, look in zip(shown(views, blends[0], blends[1][0]), looks)
        ]


def _coarse(look: Look, stride: int) -> ViewOperator:
    if look.coarse is None:
        raise ConfigError(
            "teacher lifted needs a scene that is a table of colours, which this one is not: take the teacher monge"
        )
    return look.coarse(stride)


def _plain(pair: AnyPair, colour: torch.Tensor) -> torch.Tensor:
    """The features of a plain background, (1, c) float32."""
    side = 8 * pair.stride
    features = pair.encode(Planes(colour.cpu()[:, None, None].expand(3, side, side)))
    return features[:, 4, 4][None].float()


def _make(options: Mapping[str, Any]) -> Lifted:
    return Lifted(best_pairs(dtype=fast_dtype())[_LEVEL], options["strength"])


register_teacher("lifted", _make, {"strength": 1.0})
