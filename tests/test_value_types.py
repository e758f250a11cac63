"""Values made in Python are checked against the types of fields, as those of YAML files are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nst3d import Mesh, PaintConfig, Recipe, Schedule, Splats, Stage, Term, save
from nst3d.errors import ConfigError
from nst3d.pipeline.settings.config import OutputOptions
from nst3d.value_types import fits, wanted

BALL = (np.zeros((2, 3)), 0.5, np.full((2, 3), 0.5))
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: PaintConfig(up="q"), "setting up is 'q': expected 'auto' or "),
        (lambda: PaintConfig(precision="int8"), "setting precision is 'int8': expected 'auto' or 'float32'"),
        (lambda: PaintConfig(capture_views=2.5), "setting capture_views is 2.5: expected a whole number"),
        (lambda: PaintConfig(photos=1), "setting photos is 1: expected true or false"),
        (lambda: PaintConfig(schedule=3), "setting schedule is 3: expected a Schedule"),
        (lambda: PaintConfig().with_size(64.5), "`size` is 64.5: expected a whole number"),
        (lambda: PaintConfig().with_iterations("9"), "`iterations` is '9': expected a whole number"),
        (lambda: Term("gram", "x"), "term: weight is 'x': expected a number"),
        (lambda: Term("gram", layers="relu1_1"), "term: layers is 'relu1_1': expected a tuple of text"),
        (lambda: Recipe(terms={"gram": 1}), "recipe.terms is a dict: expected a tuple of a Term"),
        (lambda: Recipe(pooling="min"), "recipe.pooling is 'min': expected 'max' or 'avg'"),
        (lambda: Schedule((Stage("64", 1, 0.1),)), "stages[0].size is '64': expected a whole number"),
        (lambda: PaintConfig(output=OutputOptions(size=None)), "expected a whole number"),
        (lambda: Mesh.of(CORNERS, [[0, 1, 3]]), "faces have the index 3, but there are 3 vertices"),
        (lambda: Mesh.of(CORNERS, [[0, 1, -1]]), "faces have the index -1, but there are 3 vertices"),
        (lambda: Mesh.of(CORNERS, [[0, 1, 2, 0]]), "faces of shape (1, 4), expected triangles (f, 3)"),
        (lambda: Mesh.of(CORNERS, np.zeros((0, 3), int)), "no faces: there is nothing to paint"),
        (lambda: Mesh.of(CORNERS * np.nan, [[0, 1, 2]]), "vertices: row 0 is not finite"),
        (lambda: Mesh.of(CORNERS, [[0, 1, 2]], CORNERS[:2]), "colours of shape (2, 3), expected (3, 3)"),
        (lambda: Mesh.of("abc", [[0, 1, 2]]), "vertices: expected an array of numbers"),
        (lambda: Splats.balls(BALL[0] + np.inf, *BALL[1:]), "positions: row 0 is not finite"),
        (lambda: Splats.balls(*BALL[:2], BALL[2][:1]), "colours of shape (1, 3), expected (2, 3)"),
        (lambda: Splats.balls(BALL[0], 0, BALL[2]), "radii: expected numbers above 0"),
        (lambda: Splats.balls(BALL[0][:0], *BALL[1:]), "no positions: there is nothing to paint"),
    ],
)
def test_wrong_values_are_one_line(make, says) -> None:
    with pytest.raises(ConfigError) as refused:
        make()
    assert says in str(refused.value)


def test_splats_that_are_not_finite_are_not_saved(tmp_path) -> None:
    splats = Splats.balls(*BALL)
    for wrong in (
        replace(splats, scales=splats.scales * np.nan),
        replace(splats, opacities=splats.opacities[:1]),
    ):
        with pytest.raises(ConfigError, match=r"scales: row 0 is not finite|opacities of shape \(1, 1\)"):
            save(tmp_path / "a.ply", wrong)
    with pytest.raises(ConfigError, match=r"a\.ply: colours: row 1 is not finite"):
        save(tmp_path / "a.ply", splats, np.array([[0, 0, 0], [0, np.nan, 0]]))
    assert not list(tmp_path.iterdir())


def test_types_and_their_words() -> None:
    assert fits(1, float)
    assert not fits(True, float | None)
    assert fits((1, 2.0), tuple[float, ...])
    assert not fits((1, 2), tuple[int, int, int])
    assert wanted(int | None) == "a whole number or null"
    assert wanted(tuple[float, float]) == "a tuple of 2"
