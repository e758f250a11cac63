"""A picture is painted as another one was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nst3d.images.analogies import Plate, gains, painted_alike


def plate(before: np.ndarray, after: np.ndarray | None = None) -> Plate:
    pixels = before.astype(np.float32)
    shape = pixels.shape[:2]
    after = pixels if after is None else after.astype(np.float32)
    return Plate(pixels, after, np.zeros((*shape, 1), np.float32), np.ones(shape, np.float32))


def halves() -> np.ndarray:
    """Red on the left, blue on the right."""
    picture = np.zeros((48, 48, 3), np.float32)
    picture[:, :24, 0], picture[:, 24:, 2] = 0.8, 0.7
    return picture


def repainted(picture: np.ndarray) -> np.ndarray:
    """Green where the picture is red."""
    return np.where(picture[..., :1] > 0.4, np.array([0.1, 0.9, 0.2], np.float32), picture)


def test_what_is_alike_is_painted_alike() -> None:
    other = halves()[:, ::-1].copy()
    painted = painted_alike(plate(halves(), repainted(halves())), plate(other), np.ones((48, 48), bool))
    inner = np.ones((48, 48), bool)
    inner[:, 20:28] = False
    np.testing.assert_allclose(painted[inner], repainted(other)[inner], atol=0.02)


def test_what_nobody_painted_stays_as_it_is() -> None:
    noise = np.random.default_rng(0).random((40, 52, 3))
    other = plate(np.random.default_rng(1).random((48, 48, 3)))
    painted = painted_alike(plate(noise), other, np.ones((48, 48), bool))
    np.testing.assert_allclose(painted, other.after, atol=1e-5)


def test_only_what_is_asked_for_changes() -> None:
    todo = np.zeros((48, 48), bool)
    todo[10:20, 5:30] = True
    own = replace(plate(halves()), after=np.full((48, 48, 3), 0.5, np.float32))
    painted = painted_alike(plate(halves(), repainted(halves())), own, todo)
    assert np.array_equal(painted[~todo], own.after[~todo])
    assert np.abs(painted[todo] - 0.5).max() > 0.1


def test_the_same_seed_gives_the_same_picture() -> None:
    rng = np.random.default_rng(3)
    example = plate(rng.random((48, 48, 3)), rng.random((48, 48, 3)))
    own, todo = plate(rng.random((48, 48, 3))), np.ones((48, 48), bool)
    once, again = (painted_alike(example, own, todo, seed=5) for _ in range(2))
    assert np.array_equal(once, again)


def test_paint_covers_or_lets_through() -> None:
    noise = np.random.default_rng(0).random((32, 32, 3))
    np.testing.assert_allclose(gains(plate(noise, np.full_like(noise, 0.3))), 0, atol=1e-3)
    np.testing.assert_allclose(gains(plate(noise, 0.5 * noise))[4:-4, 4:-4], 0.5, atol=0.01)
    assert (gains(plate(noise)) == 1).all()


def test_a_coarser_plate_averages_what_is_usable() -> None:
    before = np.array([[[0.0], [1.0]], [[0.5], [0.5]]]).repeat(3, 2)
    half = replace(plate(before), usable=np.array([[0, 1], [0, 0]], np.float32)).coarser()
    np.testing.assert_allclose(half.before, np.ones((1, 1, 3)))
    assert half.usable.tolist() == [[0.25]]
