"""The pictures of a small network that paints in the style of any picture, MicroAST."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

from nst3d.errors import ConfigError
from nst3d.networks.microast import Masked, MicroAST, Moves, Signal, load_microast, mixed
from nst3d.stylize.look import Look
from nst3d.stylize.style import Style
from nst3d.stylize.teachers.identity import Identity
from nst3d.stylize.teachers.registry import Teacher, register_teacher
from nst3d.tensors import Image, to_image, to_planes


@final
class MicroASTTeacher:
    """Paints all views with one map of features, so that they agree.

    What the views do not cover has no say in it. Several styles are mixed by their weights.
    """

    def __init__(self, network: MicroAST, strength: float = 1.0) -> None:
        """`strength` is the share of the style, 0 to 1; at 0 the views are only encoded and decoded."""
        if not 0 <= strength <= 1:
            raise ConfigError(f"teacher microast: option strength is {strength}: expected 0 to 1")
        self._network, self._strength = network, strength

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        """The painted pictures; styles are taken at the size of the largest. Unchanged if no view covers anything."""
        return self.prepared(pictures, looks, styles).teach(pictures, looks, styles)

    def prepared(self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]) -> Teacher:
        """A teacher with the maps that bring these pictures to these styles."""
        if not any(bool((look.coverage > 0).any()) for look in looks):
            return Identity()
        network = self._network.to(pictures[0].device)
        size = max(max(picture.shape[:2]) for picture in pictures)
        signal = mixed([_signal(network, style, size) for style in styles], [s.weight for s in styles])
        views: list[Masked] = [(to_planes(p), look.coverage) for p, look in zip(pictures, looks)]
        return _Moved(network, network.moves(views, signal, self._strength))


@final
class _Moved:
    def __init__(self, network: MicroAST, moves: Moves) -> None:
        self._network, self._moves = network, moves

    def teach(
        self, pictures: Sequence[Image], looks: Sequence[Look], styles: Sequence[Style]
    ) -> Sequence[Image]:
        painted = (self._network.paint(to_planes(picture), self._moves) for picture in pictures)
        return [Image(to_image(planes).clamp(0, 1)) for planes in painted]


def _signal(network: MicroAST, style: Style, size: int) -> Signal:
    return network.signal(list(zip(style.at(size), style.opacities_at(size))))


def _make(options: Mapping[str, Any]) -> MicroASTTeacher:
    return MicroASTTeacher(load_microast(), options["strength"])


register_teacher("microast", _make, {"strength": 1.0})
