"""How much of the unpainted scene is left in a row."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nst3d.metrics.edges import edge_score
from nst3d.metrics.image import grey_ssim, ssim
from nst3d.metrics.lpips import Lpips, LpipsNet
from nst3d.metrics.measured import Better, Measured
from nst3d.metrics.self_similarity import self_similarity_distance
from nst3d.pipeline.evaluation.measures.pictures import covering, style_pictures
from nst3d.pipeline.evaluation.rows import Row
from nst3d.pipeline.evaluation.tools import Tools
from nst3d.tensors import Array, to_image

Compare = Callable[[Array, Array, Array], float | None]
"""Of a view, its unpainted one, and the mask of what that shows."""


def content(row: Row, tools: Tools) -> Iterator[Measured]:
    """Similarity of each view to the unpainted one."""
    yield _of_views("ssim", "higher", row, lambda own, bare, mask: ssim(own, bare))
    yield _of_views("grey_ssim", "higher", row, lambda own, bare, mask: grey_ssim(own, bare))
    yield _of_views("edge_f_score", "higher", row, _edges)
    for net, lpips in tools.lpips.items():
        yield from _of_styles(net, row, tools)
        found = lpips.tool
        if found is None:
            yield from (_missing(f"{name}_{net}", lpips.reason) for name in ("lpips", "grey_lpips"))
            continue
        yield _of_views(f"lpips_{net}", "lower", row, _shown_distance(found))
        yield _of_views(f"grey_lpips_{net}", "lower", row, _grey_distance(found))
    judge = tools.judge.tool
    if judge is None:
        yield _missing("self_similarity", tools.judge.reason)
        return
    yield _of_views(
        "self_similarity",
        "lower",
        row,
        lambda own, bare, mask: self_similarity_distance(judge, own, bare, mask),
        f"in {tools.judge_name}, which no run optimised",
    )


def _of_styles(net: LpipsNet, row: Row, tools: Tools) -> Iterator[Measured]:
    """LPIPS from the unpainted views to the styles' pictures in their place, in which nothing of the scene is left."""
    lpips = tools.lpips[net].tool
    if row.sort != "unpainted" or lpips is None or not row.styles:
        return
    views, styles = row.unpainted.views, [to_image(picture).numpy() for picture, _ in style_pictures(row)]
    values = [
        lpips.masked_distance(bare, covering(styles[k % len(styles)], bare.shape[:2]), mask)
        for k, (bare, mask) in enumerate(zip(views.frames, views.opacities))
    ]
    if any(value is not None for value in values):
        note = "the style's picture in place of the scene: the score's unit of content"
        yield Measured(f"lpips_{net}_of_style", "content", "neither", tuple(values), note=note)


def brief(row: Row, tools: Tools) -> Iterator[Measured]:
    """The first LPIPS that can be measured, of which the score is made, and grey SSIM, which needs no weights."""
    yield _of_views("grey_ssim", "higher", row, lambda own, bare, mask: grey_ssim(own, bare))
    for net in ("vgg", "alex"):
        found = tools.lpips[net]
        if found.tool is not None:
            yield _of_views(f"lpips_{net}", "lower", row, _shown_distance(found.tool))
            yield from _of_styles(net, row, tools)
            return
        yield _missing(f"lpips_{net}", found.reason)


def _shown_distance(lpips: Lpips) -> Compare:
    return lambda own, bare, mask: lpips.masked_distance(bare, own, mask)


def _grey_distance(lpips: Lpips) -> Compare:
    return lambda own, bare, mask: lpips.grey_distance(bare, own)


def _edges(own: Array, bare: Array, mask: Array) -> float | None:
    score = edge_score(own, bare, mask)
    return None if score is None else score.f_score


def _of_views(name: str, better: Better, row: Row, compare: Compare, note: str = "") -> Measured:
    """What a comparison says of each view that shows the scene."""
    own, bare = row.take.views, row.unpainted.views
    values = tuple(
        compare(one, other, mask) if mask.any() else None
        for one, other, mask in zip(own.frames, bare.frames, bare.opacities)
    )
    if all(value is None for value in values):
        return _missing(name, "no view shows anything to compare")
    return Measured(name, "content", better, values, note=note)


def _missing(name: str, reason: str | None) -> Measured:
    return Measured(name, "content", "neither", reason=reason)
