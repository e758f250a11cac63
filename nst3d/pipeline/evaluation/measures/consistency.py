"""How steady a row is from frame to frame, by geometry and by optical flow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nst3d.metrics.geometric import geometric, geometric_pairs, geometric_protocol
from nst3d.metrics.literature import literature, stylos, warping_error
from nst3d.metrics.measured import Measured
from nst3d.metrics.motion import Motions, flow_pairs, motions_of
from nst3d.metrics.pairs import Pair, Protocol, pair_of
from nst3d.metrics.steady import (
    Energies,
    detail_energy,
    detail_loss,
    detail_loss_beside,
    energies_of,
)
from nst3d.pipeline.evaluation.measures.pictures import style_pictures
from nst3d.pipeline.evaluation.rows import Row
from nst3d.pipeline.evaluation.tools import Tools
from nst3d.tensors import to_image


class Consistency:
    """Both protocols, at several distances of frames."""

    def __init__(self, tools: Tools, gaps: Sequence[int], as_stylos: bool = False) -> None:
        self._tools, self._gaps, self._as_stylos = tools, gaps, as_stylos
        self._motions: dict[tuple[int, int], Motions] = {}
        self._energies: dict[tuple[int, int], list[Energies | None]] = {}

    def of(self, row: Row) -> Iterator[Measured]:
        """Errors by geometry and by flow, and how much detail is lost or flickers."""
        for gap in self._gaps:
            yield from geometric(row.take.clip, gap, self._tools.perceptual("alex"))
            yield from self._by_flow(row, gap)
            yield self._detail(row, gap)
        yield from self._still(row)
        flow = self._tools.flow
        if self._as_stylos and flow.tool is not None:
            yield from stylos(row.take.clip, flow.tool, self._tools.perceptual("vgg", None))
        elif self._as_stylos:
            yield Measured("stylos_rmse_short", "consistency", "lower", reason=flow.reason)

    def brief(self, row: Row) -> Iterator[Measured]:
        """The loss of detail alone, of which the score is made."""
        for gap in self._gaps:
            yield self._detail(row, gap)
        yield from self._still(row)

    def _still(self, row: Row) -> Iterator[Measured]:
        """The detail that a single picture lacks, which cannot flicker."""
        (own, bare), note = (row.take.clip, row.unpainted.clip), "missing detail alone: a single picture"
        if len(own) == 1:
            alone, unpainted = (
                [pair_of(clip.frames[0], clip.frames[0], own.opacities[0] > 0.5)] for clip in (own, bare)
            )
            yield detail_loss(alone, unpainted, Protocol("still", 0, note=note), _wanted(row))

    def _by_flow(self, row: Row, gap: int) -> Iterator[Measured]:
        motions = self._motion(row, gap)
        if motions is None:
            reason = self._tools.flow.reason
            yield Measured(f"literature_rmse_{gap}", "consistency", "lower", reason=reason)
            return
        yield from literature(row.take.clip, motions, self._tools.perceptual("vgg"))
        yield warping_error(row.take.clip, motions)

    def _detail(self, row: Row, gap: int) -> Measured:
        """Loss of detail by geometry, or otherwise by flow."""
        own, bare = row.take.clip, row.unpainted.clip
        wanted, protocol = _wanted(row), geometric_protocol(own, gap)
        if protocol.reason is None:
            pairs, unpainted = geometric_pairs(own, gap), geometric_pairs(bare, gap)
            return detail_loss_beside(pairs, self._unpainted(row, gap, unpainted), protocol, wanted)
        motions = self._motion(row, gap)
        if motions is None:
            return Measured(f"flow_detail_loss_{gap}", "consistency", "lower", reason=self._tools.flow.reason)
        by_flow = Protocol(
            "flow", gap, own.lacks_pairs(gap), f"{motions.method} flow between unpainted frames"
        )
        pairs, unpainted = flow_pairs(own, motions), flow_pairs(bare, motions)
        return detail_loss_beside(pairs, self._unpainted(row, gap, unpainted), by_flow, wanted)

    def _unpainted(self, row: Row, gap: int, pairs: Iterator[Pair | None]) -> list[Energies | None]:
        """The detail of the unpainted pairs, found once for all rows."""
        key = id(row.unpainted), gap
        if key not in self._energies:
            self._energies[key] = energies_of(pairs)
        return self._energies[key]

    def _motion(self, row: Row, gap: int) -> Motions | None:
        """The motion of the unpainted frames, found once for all rows; None without a method to find it."""
        flow, key = self._tools.flow.tool, (id(row.unpainted), gap)
        if flow is not None and key not in self._motions:
            self._motions[key] = motions_of(row.unpainted.clip, gap, flow)
        return self._motions.get(key)


def _wanted(row: Row) -> tuple[float, ...]:
    """The detail of a row's styles, by octave; of the scene, if they are words alone."""
    if not row.styles:
        views = row.unpainted.views
        return detail_energy((frame, mask > 0.5) for frame, mask in zip(views.frames, views.opacities))
    return detail_energy(
        (to_image(picture).numpy(), None if mask is None else mask.numpy() > 0.5)
        for picture, mask in style_pictures(row)
    )
