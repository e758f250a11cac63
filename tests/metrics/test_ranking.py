"""Paintings before what only looks consistent: on planes with strokes, seen by moving cameras."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from painted_planes import flickering, flight, photograph, strokes
from random_vgg import random_vgg

from nst3d.features import VGG
from nst3d.metrics.decoys import blurred_decoy, flat_decoy
from nst3d.metrics.footage import Footage
from nst3d.metrics.geometric import geometric_pairs, geometric_protocol
from nst3d.metrics.measured import Measured
from nst3d.metrics.ranking import Ranked, Row, ranking
from nst3d.metrics.steady import detail_energy, detail_loss
from nst3d.metrics.style import style_distance
from nst3d.tensors import Array, Planes

FRAMES = 4


def bare() -> Array:
    """A texture without detail: grey, a little darker towards a side."""
    return np.broadcast_to(np.linspace(0.55, 0.7, 256, dtype=np.float32)[None, :, None], (256, 256, 3)).copy()


SCENES: dict[str, tuple[Array, dict[str, float]]] = {
    "long strokes": (photograph(0), {"length": 22, "width": 5, "count": 500}),
    "short strokes": (photograph(1), {"length": 9, "width": 4, "count": 1500}),
    "a bare wall": (bare(), {"length": 14, "width": 4}),
}


def planes(picture: Array) -> Planes:
    return Planes(torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1))


def distances(name: str, footage: Footage, unpainted: Footage, style: Array) -> dict[str, Row]:
    """Rows with the distance of Gram matrices and of sliced distributions.

    The content's distance is the mean difference of light, which needs no weights.
    """
    pairs = geometric_pairs(footage, 1), geometric_pairs(unpainted, 1)
    wanted = detail_energy([(style, None)])
    loss = detail_loss(*pairs, geometric_protocol(footage, 1), wanted).value
    assert loss is not None
    content = np.mean([np.abs((a - b).mean(-1)).mean() for a, b in zip(footage.frames, unpainted.frames)])
    masked = [(planes(f), torch.from_numpy(o)) for f, o in zip(footage.frames[::3], footage.opacities[::3])]
    found = style_distance(encoder(), masked, [(planes(style), None)], ("relu2_1",))
    return {key: Row(name, getattr(found, key), float(content), loss) for key in ("gram", "sliced")}


def stranger(unpainted: Footage, style: Array) -> float:
    """The content distance of the style's own picture in place of the scene."""
    laid = np.pad(style, [(20, 20), (20, 20), (0, 0)], mode="symmetric")
    return float(np.mean([np.abs((laid - frame).mean(-1)).mean() for frame in unpainted.frames]))


@cache
def encoder() -> VGG:
    return random_vgg()


@cache
def measured(scene: str) -> tuple[dict[str, dict[str, Row]], float]:
    """The rows of a scene by name and kind of style distance, and the unit of content."""
    texture, kind = SCENES[scene]
    painting = strokes(7, content=texture, **kind)
    unpainted, painted = flight(texture, FRAMES), flight(painting, FRAMES)
    style = flight(strokes(7, content=photograph(9), **kind), 1).frames[0][20:76, 20:76]
    rows = {
        "unpainted": unpainted,
        "painted": painted,
        "nearly unpainted": flight(0.93 * texture + 0.07 * painting, FRAMES),
        "flickering": flickering(painted, 0.08),
        "flickering more": flickering(painted, 0.14),
        "blurred": blurred_decoy(painted),
        "flat": flat_decoy(painted),
        **{f"blurred by {sigma}": blurred_decoy(painted, sigma) for sigma in (1.0, 2.0, 6.0)},
    }
    found = {name: distances(name, footage, unpainted, style) for name, footage in rows.items()}
    return found, stranger(unpainted, style)


def ranked(scene: str, kind: str) -> dict[str, Ranked]:
    found, unit = measured(scene)
    rows = {name: kinds[kind] for name, kinds in found.items()}
    return {each.row.name: each for each in ranking(rows.values(), rows["unpainted"], unit)}


everywhere = pytest.mark.parametrize(("scene", "kind"), [(s, k) for s in SCENES for k in ("gram", "sliced")])


@everywhere
def test_decoys_are_last(scene: str, kind: str) -> None:
    names = [name for name in ranked(scene, kind) if not name.startswith("blurred by")]
    assert names[0] == "painted"
    if scene == "a bare wall":  # which is one colour itself
        names = [name for name in names if "unpainted" not in name]
    assert set(names[-2:]) == {"blurred", "flat"}


@everywhere
def test_no_blur_is_better_than_the_painting(scene: str, kind: str) -> None:
    found = ranked(scene, kind)
    scores = [found[name].score for name in ("painted", "blurred by 1.0", "blurred by 2.0", "blurred by 6.0")]
    assert scores == sorted(scores, reverse=True)


@everywhere
def test_the_steadier_painting_is_better(scene: str, kind: str) -> None:
    found = ranked(scene, kind)
    assert found["painted"].score > found["flickering"].score > found["flickering more"].score


@everywhere
def test_what_is_hardly_painted_is_behind_what_is(scene: str, kind: str) -> None:
    found = ranked(scene, kind)
    assert found["painted"].score > 2 * found["nearly unpainted"].score


def test_decoys_win_by_consistency_alone() -> None:
    """Otherwise they would be no decoys."""
    texture, kind = SCENES["long strokes"]
    painted = flight(strokes(7, content=texture, **kind), FRAMES)
    errors = []
    for footage in (painted, blurred_decoy(painted), flat_decoy(painted)):
        pairs = [pair for pair in geometric_pairs(footage, 1) if pair]
        errors.append(np.mean([np.square((pair.here - pair.carried)[pair.valid]).mean() for pair in pairs]))
    assert errors[0] > 4 * errors[1] > errors[2] == 0


@pytest.mark.parametrize("seed", range(8))
def test_decoys_are_last_on_random_clips(seed: int) -> None:
    """Scenes from bare to full of detail, strokes from short to long, from steady to flickering."""
    rng = np.random.default_rng(seed)
    texture = 0.6 + (photograph(seed) - 0.5) * rng.choice([0.05, 0.4, 1.0])
    kind = {"length": rng.uniform(8, 24), "width": rng.uniform(3.5, 6), "count": 600}
    painting, style = strokes(seed, content=texture, **kind), strokes(seed, content=photograph(99), **kind)
    unpainted, painted = flight(texture.astype(np.float32), 3), flight(painting, 3)
    painted = flickering(painted, rng.uniform(0, 0.06))
    style = flight(style, 1).frames[0][20:76, 20:76]
    rows = {
        "unpainted": unpainted,
        "painted": painted,
        "blurred": blurred_decoy(painted),
        "flat": flat_decoy(painted),
    }
    rows |= {f"{sigma}": blurred_decoy(painted, sigma) for sigma in (1.0, 2.0)}
    found = [distances(name, footage, unpainted, style)["gram"] for name, footage in rows.items()]
    scores = {r.row.name: r.score for r in ranking(found, found[0], stranger(unpainted, style))}
    assert max(scores, key=lambda name: scores[name]) == "painted"
    assert scores["painted"] > scores["1.0"] > scores["2.0"] > max(scores["blurred"], scores["flat"])


UNPAINTED, STRANGER = Row("unpainted", 2.0, 0.0, 0.1), 0.5


def test_a_score_is_the_product_of_three_qualities() -> None:
    (found,) = ranking([Row("painted", 1.0, 0.25, 0.35)], UNPAINTED, STRANGER)
    assert (found.style, found.content, found.steadiness) == pytest.approx(
        (math.exp(-1), math.exp(-0.5), math.exp(-1.05))
    )
    assert found.score == pytest.approx(math.exp(-2.55))
    (perfect,) = ranking([Row("perfect", 0, 0, 0)], UNPAINTED, STRANGER)
    assert perfect.score == 1


def test_a_flat_colour_is_behind_a_scene_with_detail_whatever_its_style() -> None:
    lucky = Row("one colour", 0.0, 0.5, 1.0)
    assert [each.row.name for each in ranking([lucky, UNPAINTED], UNPAINTED, STRANGER)] == [
        "unpainted",
        "one colour",
    ]


def test_a_name_says_nothing() -> None:
    rows = [Row("blurred", 0.5, 0.2, 0.1), Row("painted", 1.5, 0.4, 0.9)]
    assert [each.row.name for each in ranking(rows, UNPAINTED, STRANGER)] == ["blurred", "painted"]


def test_a_score_does_not_depend_on_other_rows() -> None:
    one, other = Row("one", 1.0, 0.3, 0.2), Row("other", 0.2, 0.1, 0.1)
    (alone,) = ranking([one], UNPAINTED, STRANGER)
    assert alone in ranking([one, other], UNPAINTED, STRANGER)


def test_rows_come_from_what_was_measured() -> None:
    style = Measured("gram_alexnet", "style", "lower", (1.0, 3.0))
    content = Measured("lpips_vgg", "content", "lower", (0.25,))
    loss = Measured("geometric_detail_loss_1", "consistency", "lower", (0.0, None, 0.5))
    assert Row.of("run", style, content, loss) == Row("run", 2.0, 0.25, 0.25)
    missing = Measured("lpips_vgg", "content", "lower", reason="the weights lpips-vgg are not here")
    with pytest.raises(ValueError, match="run cannot be ranked without lpips_vgg: the weights"):
        Row.of("run", style, missing, loss)


def test_what_gives_no_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to rank by"):
        ranking([UNPAINTED], Row("unpainted", 0.0, 0.0, 0.1), STRANGER)
    with pytest.raises(ValueError, match="nothing to rank by"):
        ranking([UNPAINTED], UNPAINTED, 0.0)
    for distances in ((-1.0, 0, 0), (0, math.nan, 0), (0, 0, math.inf)):
        with pytest.raises(ValueError, match="finite"):
            Row("bad", *distances)
